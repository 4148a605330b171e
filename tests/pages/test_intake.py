"""The recorder's addresses: one piece is one row, for the owner of the link, while their voice may be taken in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from served import awaited
from spoken import TO_THE_TASK, write_spoken_script
from starlette.requests import Request

from pages.parts import intake
from pages.parts import rig as rigs
from pages.parts.rig import Rig
from study import hearing
from study.database import LogUnavailable, connect
from study.erasure import erase
from study.log import EventLog
from study.media import read_media, recordings_of
from study.participants import admit
from study.script import load_script
from study.session_events import (
    ConsentGiven,
    ConsentScopeChanged,
    ConsentShown,
    SessionCompleted,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    SessionWithdrawn,
)
from study.task_events import TaskSubmitted

HEAD = b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1fB\x86\x81\x01webm" + bytes(60)


class Caller:
    """One participant's browser: a link, and what it asks of the addresses."""

    def __init__(self, rig: Rig, *scopes: str) -> None:
        self.rig = rig
        admission = admit(rig.log, "tiny")
        self.id, self.token = admission.session_id, admission.token
        started = SessionStarted(study="tiny", study_version="1.0.0", script_sha256="s", participant="P01")
        self.write(started, ConsentShown(text_sha256="c", scopes=("audio",)), key="start")
        for scope in scopes:
            self.write(ConsentGiven(scope=scope, text_sha256="c"), key=scope)
        self.write(*TO_THE_TASK, key="here")
        self.began_ms = round(rig.log.now().utc_ns / 1e6) + 5000.0

    def write(self, *happened: Any, key: str) -> None:
        self.rig.log.append(self.id, *happened, key=key)

    def ask(self, do: Callable[[Request], Any], body: bytes = b"", **query: Any) -> tuple[int, Any]:
        path = {name: query.pop(name) for name in ("media", "chunk") if name in query}
        if do is intake.silence:
            query |= path
        text = urlencode({"s": self.token, **query}).encode()
        scope = {"type": "http", "method": "POST", "path_params": path, "headers": [], "query_string": text}
        parts = [body[at : at + 65536] for at in range(0, len(body), 65536)] or [b""]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        answer = awaited(do(Request(scope, receive)))
        return answer.status_code, json.loads(answer.body)

    def clock(self, offset_ms: float = 0.0) -> tuple[int, Any]:
        times = {"epoch_ms": 1.0, "perf_ms": 2.0, "origin_ms": 3.0}
        return self.ask(intake.clock, offset_ms=offset_ms, error_ms=4.0, pairs=8, key="k", **times)

    def send(self, chunk: int, body: bytes, media: str = "rec1", **more: Any) -> tuple[int, Any]:
        digest = hashlib.sha256(body).hexdigest()
        times = {"start_ms": 1800.0 * chunk, "length_ms": 1800.0, "began_ms": self.began_ms, "sha256": digest}
        return self.ask(intake.piece, body, media=media, chunk=chunk, **{**times, **more})

    @property
    def names(self) -> list[str]:
        return [record.name for record in self.rig.log.read(f"transcript:{self.id}")]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Rig]:
    log = EventLog(connect(f"sqlite:///{tmp_path / 'log.db'}"))
    made = Rig(bundles={}, tasks={}, script=load_script(write_spoken_script(tmp_path)), log=log, run=cast("Any", None))
    before = rigs.installed()
    rigs.install(made)
    yield made
    rigs._installed[:] = [] if before is None else [before]


@pytest.fixture
def speaker(served: Rig) -> Caller:
    made = Caller(served, "audio")
    assert made.clock()[0] == 200
    return made


def test_two_posts_of_one_piece_are_one_row_and_other_bytes_are_refused(speaker: Caller) -> None:
    assert speaker.send(0, HEAD) == speaker.send(0, HEAD) == (200, {"voice": "on", "turn": 3})
    assert speaker.send(1, b"more") == speaker.send(1, b"more") == (200, {"voice": "on", "turn": 3})
    assert speaker.names == ["media.started", "media.chunk_stored", "media.anchored", "media.chunk_stored"]
    status, said = speaker.send(1, b"other")
    assert (status, "stands with other bytes" in said["refused"]) == (409, True)
    assert b"".join(read_media(speaker.rig.log, speaker.id, "rec1")) == HEAD + b"more"


def test_the_first_piece_ties_the_recording_to_the_servers_clock(served: Rig) -> None:
    who = Caller(served, "audio")
    assert who.send(0, HEAD)[0] == 428  # nobody knows when that was
    assert who.names == []
    who.clock(offset_ms=1500.0)
    rows = served.log.read(who.id)
    assert (rows[-1].row["offset_ms"], rows[-1].row["offset_err_ms"], rows[-1].row["client_perf_ms"]) == (1500, 4, 2)
    who.send(0, HEAD)
    (one,) = recordings_of(served.log, who.id)
    assert one.anchor is not None
    began_ns = (who.began_ms - 1500) * 1_000_000
    assert (one.anchor.utc_ns, one.anchor.media_ms, one.anchor.error_ms) == (began_ns, 0.0, 104.0)
    assert (one.form, one.pieces[0].length_ms) == ("webm", 1800.0)


@pytest.mark.parametrize(
    ("status", "chunk", "body", "more"),
    [
        (422, 0, HEAD, {"sha256": "0" * 64}),
        (415, 0, b"MZ, a program", {}),
        (415, 1, b"no first piece yet", {}),
        (415, 0, HEAD + b"V_VP9", {}),
        (413, 0, HEAD + bytes(intake.LARGEST), {}),
        (400, 0, HEAD, {"start_ms": "nan"}),
        (400, 0, HEAD, {"began_ms": "soon"}),
        (400, 0, HEAD, {"start_ms": -1}),
        (400, 10**9, HEAD, {}),
        (400, 0, HEAD, {"media": "../up"}),
        (404, 0, HEAD, {"s": "x" * 32}),
    ],
    ids=range(11),
)
def test_what_is_no_piece_of_sound_is_refused_in_one_sentence(
    speaker: Caller, status: int, chunk: int, body: bytes, more: dict[str, Any]
) -> None:
    answer, said = speaker.send(chunk, body, **more)
    assert answer == status
    assert said["refused"].endswith(".")
    assert speaker.names == []
    assert not list(speaker.rig.log.media.rglob("*.webm"))


def test_a_link_takes_in_its_own_session_only(speaker: Caller, served: Rig) -> None:
    other = Caller(served, "audio")
    other.clock()
    speaker.send(0, HEAD)
    assert other.ask(intake.end, media="rec1", chunks=1, length_ms=1.0)[0] == 200
    assert "media.stopped" not in speaker.names
    assert other.names == []


def test_nothing_is_taken_in_without_the_scope(served: Rig) -> None:
    for who in (Caller(served), Caller(served, "log")):
        who.clock()
        status, said = who.send(0, HEAD)
        assert (status, said["voice"]) == (403, "refused")
        assert who.ask(intake.silence, media="rec1", t0=0, length=5)[0] == 403
        assert who.names == []


def test_a_scope_taken_back_stops_it_and_one_given_again_lets_it_begin_anew(speaker: Caller) -> None:
    speaker.send(0, HEAD)
    speaker.write(ConsentScopeChanged(scope="audio", text_sha256="c", given=False), key="no")
    status, said = speaker.send(1, b"more")
    assert (status, said["voice"], said["turn"]) == (403, "refused", 7)
    assert speaker.ask(intake.end, media="rec1", chunks=1, length_ms=1800) == (200, {})
    assert speaker.names[-1] == "media.stopped"
    speaker.write(ConsentScopeChanged(scope="audio", text_sha256="c", given=True), key="yes")
    assert speaker.send(0, HEAD, media="rec2") == (200, {"voice": "on", "turn": 8})
    speaker.write(SessionWithdrawn(), key="gone")
    assert speaker.send(1, b"more", media="rec2")[0] == 403


@pytest.mark.parametrize(("happened", "stands"), [(SessionPaused(), "paused"), (SessionCompleted(), "over")])
def test_what_was_said_before_a_pause_or_the_end_is_kept_and_what_came_later_is_not(
    speaker: Caller, happened: Any, stands: str
) -> None:
    now_ms = speaker.rig.log.now().utc_ns / 1e6
    speaker.write(happened, key="h")
    assert speaker.send(0, HEAD, began_ms=now_ms) == (200, {"voice": stands, "turn": 7})
    status, said = speaker.send(1, b"more", began_ms=now_ms, start_ms=60_500)
    assert (status, said["voice"]) == (403, stands)
    assert speaker.send(0, HEAD, media="rec2", began_ms=now_ms + 1000)[0] == 403


def test_what_was_said_outside_of_the_tasks_is_not_kept_wherever_it_is_sent_from(speaker: Caller) -> None:
    moments = [record.utc_ns / 1e6 for record in speaker.rig.log.read(speaker.id)]
    assert speaker.send(0, HEAD, media="early", began_ms=moments[2] - 60_000)[0] == 403
    assert speaker.send(0, HEAD) == (200, {"voice": "on", "turn": 3})
    speaker.write(TaskSubmitted(task="one"), key="done")
    left_ms = speaker.rig.log.now().utc_ns / 1e6
    # the page that comes next ends the recording after ten seconds
    assert speaker.send(1, b"more", start_ms=left_ms + 12_000 - speaker.began_ms)[0] == 200
    status, said = speaker.send(2, b"later", start_ms=left_ms + 60_000 - speaker.began_ms)
    assert (status, said["voice"], "outside of the tasks" in said["refused"]) == (403, "on", True)
    assert speaker.send(0, HEAD, media="late", began_ms=left_ms + 60_000)[0] == 403
    assert [one.media for one in recordings_of(speaker.rig.log, speaker.id)] == ["rec1"]


def test_a_study_that_records_no_voice_takes_none(served: Rig) -> None:
    who = Caller(served, "audio")
    who.clock()
    rigs.install(replace(served, script=replace(served.script, think_aloud=None)))
    status, said = who.send(0, HEAD)
    assert (status, said["voice"], who.names) == (403, "refused", [])


def test_a_session_that_is_full_takes_no_more_and_goes_on(speaker: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert speaker.send(0, HEAD)[0] == 200
    monkeypatch.setattr(hearing, "MOST_BYTES", len(HEAD))
    assert speaker.send(0, HEAD) == (200, {"voice": "full", "turn": 3})  # what stands, stands
    status, said = speaker.send(1, b"more")
    assert (status, said["voice"]) == (403, "full")
    assert said["refused"].startswith("A session has 8 hours or ")
    assert said["refused"].endswith("the recorder stops, and the session goes on.")
    assert speaker.ask(intake.end, media="rec1", chunks=1, length_ms=1800.0) == (200, {})
    speaker.write(TaskSubmitted(task="one"), key="done")
    monkeypatch.undo()
    monkeypatch.setattr(hearing, "MOST_PIECES", 2)
    assert [speaker.send(number, HEAD, media="rec2")[0] for number in range(2)] == [200, 403]


def test_a_session_has_room_for_eight_hours_at_twice_the_bits_that_are_asked_for() -> None:
    assert hearing.MOST_BYTES == 8 * 60 * 60 * 2 * 32_000 / 8
    assert hearing.MOST_PIECES >= 8 * 60 * 60 / 1.8


def test_a_piece_of_a_session_that_is_over_is_not_asked_for_for_ever(served: Rig) -> None:
    who = Caller(served, "audio")
    who.write(SessionCompleted(), key="end")
    assert who.clock()[0] == 409  # too late to compare
    status, said = who.send(0, HEAD, began_ms=who.began_ms - 60_000)
    assert (status, said["voice"]) == (403, "over")


def test_silences_stand_in_the_sessions_own_stream_but_for_those_of_a_pause(speaker: Caller) -> None:
    for _ in range(2):
        assert speaker.ask(intake.silence, media="rec1", t0=2000, length=15_000)[0] == 200
    speaker.write(SessionPaused(), key="p")
    assert speaker.ask(intake.silence, media="rec1", t0=17_000, length=15_000)[1]["voice"] == "paused"
    speaker.write(SessionResumed(gap_s=1.0, ends_pause=True), key="r")
    found = [record.event for record in speaker.rig.log.read(speaker.id) if record.name == "silence.detected"]
    assert [(one.media, one.t0_ms, one.length_ms) for one in found] == [("rec1", 2000.0, 15_000.0)]


def test_a_recording_that_ends_says_which_pieces_never_came(speaker: Caller) -> None:
    speaker.send(0, HEAD)
    speaker.send(2, b"third")
    for _ in range(2):
        assert speaker.ask(intake.end, media="rec1", chunks=4, length_ms=7000.0)[0] == 200
    assert speaker.names[-3:] == ["media.stopped", "media.lost", "media.lost"]
    assert speaker.ask(intake.end, media="never", chunks=4, length_ms=7000.0) == (200, {})


def test_an_erased_session_takes_nothing_more(speaker: Caller) -> None:
    speaker.send(0, HEAD)
    erase(speaker.rig.log, speaker.id)
    assert speaker.send(1, b"more")[0] in (403, 404)
    assert not list(speaker.rig.log.media.rglob("*.webm"))


def test_a_record_that_is_away_asks_for_patience(speaker: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise LogUnavailable("The record does not answer.")

    with monkeypatch.context() as gone:
        gone.setattr(intake, "take_piece", away)
        assert speaker.send(0, HEAD)[0] == 503
    with monkeypatch.context() as gone:
        gone.setattr(intake, "find", away)
        assert speaker.send(0, HEAD)[0] == 503
    assert speaker.send(0, HEAD)[0] == 200
