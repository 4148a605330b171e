"""What a script has promised to keep no longer goes when its time has come, and not before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from strangers import Stranger
from test_script import SMALL
from typer.testing import CliRunner

from core.types import TillerError
from study.__main__ import app
from study.anchors import Anchor
from study.bench import Bench
from study.decisions import opening
from study.erasure import Extent, erase
from study.imports import import_transcript
from study.log import EventLog, LogRefused
from study.media_erasure import media_erased
from study.participants import admit, find
from study.retention import Due, expired
from study.script import ScriptError, load_script
from study.session_events import SessionResumed, SessionStarted
from study.streams import RECEIPTS

DAY = 86_400 * 10**9
SPOKEN = "WEBVTT\n\n00:00.000 --> 00:01.000\nit was the brooch of my grandmother, I am sure\n"
LABELS = ("apple", "boat", "car")


def script(tmp_path: Path, days: str) -> Path:
    (tmp_path / "consent.md").write_text("Read this.\n", encoding="utf-8")
    scopes = "{key: audio, required: false, label: My voice}]"
    text = SMALL.replace("label: Record me}]}", f"label: Record me}}, {scopes}, retention_days: {days}}}")
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def kept(fresh_log: EventLog, bench: Bench, tmp_path: Path) -> EventLog:
    """A session with a transcript under a promise, another one without any."""
    promise = load_script(script(tmp_path, "{audio: 10, transcript: 20, events: 30}"))
    fresh_log.keep_script(promise)
    for name, sha256 in (("promised", promise.sha256), ("free", "5c")):
        start = SessionStarted(study="small", study_version="1.0.0", script_sha256=sha256, participant=name)
        fresh_log.append(name, start, key="start")
        fresh_log.append(name, *opening(bench, image="7f.png", labels=LABELS), key="open")
        import_transcript(fresh_log, name, SPOKEN.encode(), anchor=Anchor(media_ms=0.0, error_ms=1.0, seq=1))
    return fresh_log


def end_of(log: EventLog, session: str = "promised") -> int:
    return log.read(session)[-1].utc_ns


@pytest.mark.parametrize(
    ("days", "what"),
    [
        (9.99, None),
        (10, Extent.MEDIA),
        (19.99, Extent.MEDIA),
        (20, Extent.TRANSCRIPT),
        (30, Extent.STREAM),
        (9999, Extent.STREAM),
    ],
)
def test_what_is_due_is_what_was_promised_and_no_more(kept: EventLog, days: float, what: Extent | None) -> None:
    due = expired(kept, end_of(kept) + int(days * DAY))
    assert [one.what for one in due] == ([what] if what else [])
    assert all(one.session == "promised" for one in due)


def test_each_part_goes_in_its_turn_and_is_due_once(kept: EventLog) -> None:
    end = end_of(kept)
    for days, gone in ((10, Extent.MEDIA), (20, Extent.TRANSCRIPT), (30, Extent.STREAM)):
        (due,) = expired(kept, end + days * DAY)
        assert due == Due("promised", gone, end + days * DAY)
        receipt = erase(kept, due.session, due.what)
        assert (receipt.what, receipt.found, receipt.clean) == (gone, 0, True)
        assert expired(kept, end + days * DAY) == ()
        if gone is Extent.MEDIA:
            assert media_erased(kept, "promised")
            assert kept.read("transcript:promised")[-1].event is not None
        elif gone is Extent.TRANSCRIPT:
            assert {record.event for record in kept.read("transcript:promised")} == {None}
            assert all(record.event is not None for record in kept.read("promised"))
            assert kept.verify("transcript:promised").whole
        else:
            assert kept.read("promised") == kept.read("transcript:promised") == ()
            assert receipt.rows > 2
    assert kept.sessions() == ("free",)
    assert kept.read("transcript:free")[-1].event is not None
    assert [record.name for record in kept.read(RECEIPTS)] == ["system.record_erased"] * 3
    for stream in (*kept.sessions(), *kept.streams()):
        assert kept.verify(stream).whole


@pytest.mark.parametrize("what", list(Extent))
def test_a_link_that_stays_is_no_trace_of_what_went(fresh_log: EventLog, what: Extent) -> None:
    """Taking the recordings leaves the participant's place, whose digests are then no trace of anything."""
    admission = admit(fresh_log, "small")
    start = SessionStarted(study="small", study_version="1", script_sha256="5c", participant=admission.pseudonym)
    fresh_log.append(admission.session_id, start, key="start")
    assert erase(fresh_log, admission.session_id, what).clean
    stays = what in (Extent.MEDIA, Extent.TRANSCRIPT)
    assert (find(fresh_log, admission.token) is not None) is stays


def test_a_stream_that_was_taken_away_never_comes_back(kept: EventLog) -> None:
    erase(kept, "promised", Extent.STREAM)
    with pytest.raises(LogRefused, match="erased"):
        kept.append("promised", SessionResumed(gap_s=1.0), key="back")


def test_states_that_others_met_as_well_are_kept(kept: EventLog, stranger: Stranger) -> None:
    """Both sessions opened the same picture, so they share their one state."""
    (before,) = stranger.execute("SELECT count(*) FROM states").fetchone()
    erase(kept, "promised", Extent.STREAM)
    assert before > 0
    assert stranger.execute("SELECT count(*) FROM states").fetchone() == (before,)
    erase(kept, "free", Extent.STREAM)
    assert stranger.execute("SELECT count(*) FROM states").fetchone() == (0,)


def test_the_command_carries_out_what_is_due(kept: EventLog, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", url)  # the clock of the test began in 2023: all of it is long due
    done = CliRunner().invoke(app, ["erase", "--expired", "--json"])
    assert done.exit_code == 0, done.output
    assert [(one["session"], one["what"]) for one in json.loads(done.stdout)["receipts"]] == [("promised", "stream")]
    assert json.loads(CliRunner().invoke(app, ["erase", "--expired", "--json"]).stdout)["receipts"] == []
    assert kept.sessions() == ("free",)
    both = CliRunner().invoke(app, ["erase", "--expired", "--session", "free"])
    assert (both.exit_code, "Name what to erase" in both.stderr.replace("\n", " ")) == (2, True)


@pytest.mark.parametrize(
    ("days", "mistake"),
    [
        ("{audio: 0}", "consent.retention_days.audio: input should be greater than or equal to 1."),
        ("{audio: soon}", "consent.retention_days.audio: input should be a valid integer."),
        ("{video: 9}", "consent.retention_days.video: unknown key; take it out or correct its spelling."),
    ],
)
def test_a_promise_that_cannot_be_kept_is_a_mistake_of_the_script(tmp_path: Path, days: str, mistake: str) -> None:
    with pytest.raises(ScriptError) as caught:
        load_script(script(tmp_path, days))
    (found,) = caught.value.mistakes
    assert found.partition(": ")[2] == mistake  # after its line


def test_a_session_that_is_not_there_is_one_sentence(fresh_log: EventLog) -> None:
    for what in Extent:
        with pytest.raises(TillerError, match="the log has no such session"):
            erase(fresh_log, "nobody", what)
