"""The replay: each moment is what the participant's own page showed then, to nobody but those who may see it."""

from __future__ import annotations

import json
import re
import sqlite3
import wave
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from participants import Participant
from served import awaited
from starlette.requests import Request
from test_sessions import begin, drawn, room

from core.types import Edit, SteeringPlan, TillerError
from pages.parts import player, questions
from pages.parts import rig as rigs
from pages.parts.again import again
from pages.parts.instrument import BENCH_CSS
from pages.parts.live import seen_after
from pages.parts.opened import bench_of, open_picture, seen_under
from pages.parts.replays import heard, replayed
from pages.parts.rig import Rig
from pages.parts.screen import screen_of
from pages.parts.staff import COOKIE
from pages.parts.supposed import suppose
from pages.parts.tape import tape_of
from study.anchors import read_anchor
from study.coded_units import session_units
from study.decisions import opening
from study.erasure import erase
from study.exports.speech import Speech
from study.imports import import_recording, import_transcript
from study.script import script_in
from study.session import Step
from study.session_events import ConsentScopeChanged
from study.staff import Role, find_staff, invite
from study.task_events import ResponseChanged


@pytest.fixture
def steered(rig: Rig) -> Participant:
    """A participant in the workspace, opened as the page opens it."""
    who = Participant(rig).at(Step.BRIEFING)
    opened = open_picture(rig, rig.script.tasks["secret_cause"])
    who.write(*opening(bench_of(rig, who.place), image="p.webp", labels=opened.model.labels), key="o")
    return who


@pytest.fixture
def served(rig: Rig) -> Iterator[Rig]:
    before = rigs.installed()
    rigs.install(rig)
    yield rig
    rigs._installed[:] = [] if before is None else [before]


def ask(key: str | None, session: str, *more: str, **query: str) -> tuple[int, Any]:
    """Status and JSON of one address of the replay, for the owner of `key`."""
    path = {"session": session, **dict(zip(("seq", "what"), more, strict=False))}
    headers = [] if key is None else [(b"cookie", f"{COOKIE}={key}".encode())]
    text = "&".join(f"{name}={value}" for name, value in query.items()).encode()
    scope = {"type": "http", "method": "GET", "path_params": path, "headers": headers, "query_string": text}
    answer = awaited(replayed(Request(scope)))
    return answer.status_code, json.loads(answer.body) if answer.body else None


def everything(rig: Rig) -> str:
    with closing(sqlite3.connect(rig.log.files[0])) as connection:
        return "\n".join(connection.iterdump())


def test_every_moment_is_what_the_participants_own_page_showed(
    steered: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    boards: dict[int, Any] = {}

    def watch(data: Any, **_: Any) -> None:
        boards[len(steered.rig.log.read(steered.id))] = json.loads(json.dumps(data))

    monkeypatch.setattr("pages.parts.stage.instrument", watch)
    opened = open_picture(steered.rig, steered.rig.script.tasks["secret_cause"])
    one, two, three = (component.index for component in opened.shown[:3])
    page = steered.open()
    for kind, fields in (
        ("inspect", {"component": two}),
        ("edit", {"component": one, "strength": 0}),
        ("overlay", {"overlay": "pushes", "component": two}),
        ("edit", {"component": three, "strength": 2.5}),
        ("undo", {}),
        ("redo", {}),
        ("edit", {"component": one, "strength": 0.3}),
        ("reset", {}),
    ):
        assert set(steered.act(kind, **fields).values()) == {""}
        page.run()
        assert not page.exception
    assert len(boards) == 9  # as it was opened, and after each of eight acts
    for seq, shown in boards.items():
        replayed_then = json.loads(json.dumps(screen_of(steered.rig, steered.id, seq)))
        of_the_window = {"answers": shown["answers"], "tick_ms": shown["tick_ms"]}
        assert replayed_then["board"] | of_the_window == shown
    assert len({board["state"] for board in boards.values()}) == 4
    looked_at = {(board["view"]["chosen"], board["view"]["overlay"]) for board in boards.values()}
    assert looked_at == {(one, "fires"), (two, "fires"), (one, "pushes"), (three, "pushes")}, "a look, and the hand"


def test_what_staff_are_shown_of_a_session_asks_no_page_for_its_language(
    steered: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_picture(steered.rig, steered.rig.script.tasks["secret_cause"]).shown[0].index
    steered.act("edit", component=first, strength=0)
    who = find_staff(steered.rig.log, invite(steered.rig.log, "Mo", Role.MODERATOR))
    assert who is not None

    def no_page() -> str:
        raise AssertionError("Streamlit knows of no page here, and says so on the terminal each time it is asked.")

    monkeypatch.setattr("pages.parts.words.spoken", no_page)
    last = len(steered.rig.log.read(steered.id))
    assert screen_of(steered.rig, steered.id, last)["board"]["edits"]
    assert [words.startswith("suppressed ") for words in seen_after(steered.rig, steered.id, who, 0)["plan"]] == [True]
    steered.act("answer")
    assert "suppressed " in screen_of(steered.rig, steered.id, last + 1)["sheet"]["words"][0]


def test_answers_are_shown_as_far_as_they_were_typed(steered: Participant, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(questions, "_words", lambda *, data, **_: seen.append(data["value"]))
    monkeypatch.setattr(questions, "_scale", lambda *, data, **_: seen.append(data["value"]))
    steered.act("answer")
    for number, draft in enumerate(({"item": "cause", "text": "The fir"}, {"item": "confidence", "number": 70.0})):
        steered.write(ResponseChanged(task="secret_cause", **draft), key=f"draft {number}")
        seen.clear()
        steered.open()
        (sheet,) = [screen_of(steered.rig, steered.id, len(steered.rig.log.read(steered.id)))["sheet"]]
        told = [question.get("text") or question.get("number") for question in sheet["questions"]]
        assert told == [value or None for value in seen]
    assert [question["state"] for question in sheet["questions"]] == ["being written", "being written"]


def test_the_prediction_is_the_one_on_record_whatever_the_model_says_now(steered: Participant) -> None:
    opened = open_picture(steered.rig, steered.rig.script.tasks["secret_cause"])
    steered.act("edit", component=opened.shown[0].index, strength=0)
    last = len(steered.rig.log.read(steered.id))
    before = screen_of(steered.rig, steered.id, last)
    steered.rig.states._kept.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pages.parts.opened.steer", None)  # the model cannot even be asked
        assert screen_of(steered.rig, steered.id, last) == before


def test_under_another_model_no_screen_is_made_up(steered: Participant) -> None:
    opened = open_picture(steered.rig, steered.rig.script.tasks["secret_cause"])
    task = steered.rig.script.tasks["secret_cause"]
    other = replace(opened, pinned=replace(opened.pinned, model_sha256="another"))
    steered.rig.pictures._kept[(task.picture, task.sae, task.labels, task.truth)] = other
    shown = screen_of(steered.rig, steered.id, len(steered.rig.log.read(steered.id)))
    assert "board" not in shown and "start the app with the bundle" in shown["gone"]


def test_a_supposition_is_what_steering_says_and_writes_nothing(steered: Participant) -> None:
    rig = steered.rig
    opened = open_picture(rig, rig.script.tasks["secret_cause"])
    one, two = (component.index for component in opened.shown[:2])
    steered.act("edit", component=one, strength=0)
    seq, before, kept = len(rig.log.read(steered.id)), everything(rig), list(rig.states._kept)
    supposed = suppose(rig, steered.id, seq, {"component": str(two), "strength": "2.5"})
    random = suppose(rig, steered.id, seq, {"control": "random", "seed": "3"})
    flipped = suppose(rig, steered.id, seq, {"control": "flipped"})
    assert everything(rig) == before
    assert list(rig.states._kept) == kept  # nor does it warm the participant's own answers

    plan = SteeringPlan((Edit(one), Edit(two, strength=2.5)))
    said = seen_under(rig, opened, plan).prediction
    assert {each["label"]: each["now"] for each in supposed["classes"]} == {
        each["label"]: said.prob(each["label"]) for each in supposed["classes"]
    }
    logged = seen_under(rig, opened, SteeringPlan((Edit(one),)))
    assert supposed["logged"]["top"] == logged.prediction.top
    for sham in (random, flipped):
        assert sham["now"]["size"] == pytest.approx(logged.edit_norm_ratio, rel=1e-4)
    assert "taken away" in random["what"] and "turned round" in flipped["what"]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"component": "-1", "strength": "1"},
        {"component": "1.5", "strength": "1"},
        {"component": "1e9", "strength": "1"},
        {"component": "1", "strength": "nan"},
        {"component": "1", "strength": "1e300"},
        {"component": "1", "strength": "1", "op": "explode"},
        {"component": "<script>", "strength": "1"},
        {"control": "planned"},
        {"control": "random", "seed": "drop table"},
    ],
)
def test_junk_is_refused_in_one_sentence(served: Rig, steered: Participant, asked: dict[str, str]) -> None:
    key = invite(served.log, "Ada", Role.RESEARCHER)
    steered.act("edit", component=1, strength=0)
    status, said = ask(key, steered.id, str(len(served.log.read(steered.id))), "suppose", **asked)
    assert status == 422 and said["refused"].endswith(".")


def test_run_again_is_bit_exact_here_and_writes_nothing(steered: Participant) -> None:
    rig = steered.rig
    component = open_picture(rig, rig.script.tasks["secret_cause"]).shown[0].index
    steered.act("edit", component=component, strength=0)
    rows = rig.log.read(steered.id)
    before = everything(rig)
    for seq in (rows[-1].seq, rows[-2].seq):
        assert again(rig, steered.id, seq)["verdict"] == "BIT_EXACT"
    assert everything(rig) == before


def test_other_threads_are_not_taken_from_under_the_participants(
    steered: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    outcome = again(steered.rig, steered.id, len(steered.rig.log.read(steered.id)))
    assert outcome["verdict"] == "UNRUNNABLE"
    assert "computed with 1 threads and this server computes with 7" in outcome["reason"]


def test_an_erased_session_keeps_its_timeline_and_says_so(steered: Participant) -> None:
    rig = steered.rig
    steered.act("edit", component=open_picture(rig, rig.script.tasks["secret_cause"]).shown[0].index, strength=0)
    before = tape_of(rig, steered.id)
    erase(rig.log, steered.id)
    tape = tape_of(rig, steered.id)
    assert tape["erased"] == len(tape["rows"]) == len(before["rows"])
    assert [row[:3] for row in tape["rows"]] == [row[:3] for row in before["rows"]]
    assert tape["tasks"] == before["tasks"]
    assert all(row[3].endswith(" (erased)") for row in tape["rows"])
    shown = screen_of(rig, steered.id, len(tape["rows"]))
    assert "was erased" in shown["gone"] and shown["row"]["fields"] == [] and shown["row"]["digest"]
    with pytest.raises(TillerError, match=r"No picture is worked on"):
        suppose(rig, steered.id, 3, {"component": "1", "strength": "0"})


def test_who_may_not_see_a_session_learns_nothing_of_it(served: Rig, steered: Participant) -> None:
    own = ("tape",), ("5", "screen"), ("5", "again"), ("5", "suppose"), ("5", "ripple")
    ada = invite(served.log, "Ada", Role.RESEARCHER, study="tiny")
    strangers = (
        None,
        "A" * 32,
        "junk; DROP",
        invite(served.log, "Cleo", Role.CODER),
        invite(served.log, "Otto", Role.RESEARCHER, study="other"),
    )
    for what in own:
        more = what if len(what) == 2 else ()
        assert ask(ada, steered.id, *more)[0] in (200, 422)
        answers = [ask(key, session, *more) for key in strangers for session in (steered.id, "no-such-session")]
        assert answers == [(404, None)] * len(answers)


@pytest.mark.parametrize("session", ["", "receipts", "transcript:x", "../../etc", "' or 1=1 --", "x" * 5000, "\x00"])
def test_a_hostile_session_is_nobodys(served: Rig, session: str) -> None:
    key = invite(served.log, "Ada", Role.RESEARCHER)
    assert ask(key, session) == (404, None)
    page = room(served, "staff/replay.py", session=session, seq="1") if session.isprintable() else None
    assert page is None or not page.exception


@pytest.mark.parametrize("seq", ["0", "-1", "99999999", "9" * 400, "1.5", "one", "٣", "²", "0x1", ""])
def test_a_hostile_seq_is_no_row(served: Rig, steered: Participant, seq: str) -> None:
    key = invite(served.log, "Ada", Role.RESEARCHER)
    assert ask(key, steered.id, seq, "screen") == (404, None)
    page = room(served, "staff/replay.py", session=steered.id, seq=seq)
    assert not page.exception and not page.info


def test_the_page_without_a_session_offers_those_there_are(
    rig: Rig, participant: Callable[[Step], Participant]
) -> None:
    who, elsewhere = participant(Step.ANSWER), begin(rig, study="other")
    assert f"session={who.id}" in drawn(room(rig, "staff/replay.py"))
    page = room(rig, "staff/replay.py", study="tiny", session=elsewhere)
    assert "no session that you may see" in page.info[0].value
    assert elsewhere not in drawn(page)


def test_a_session_is_read_by_the_script_that_it_ran_under(
    rig: Rig, participant: Callable[[Step], Participant]
) -> None:
    who = participant(Step.CONSENT)
    held = json.loads(rig.script.json)
    changed = script_in(json.dumps({**held, "files": {"consent.md": "Another wording."}}))
    later = replace(rig, script=changed)
    assert screen_of(later, who.id, 1)["sheet"]["text"] == "We keep what you do."


@pytest.fixture
def spoken(steered: Participant, tmp_path: Path) -> Participant:
    """A participant whose voice was recorded for two seconds from row 5 on, with a transcript of it."""
    with wave.open(str(tmp_path / "said.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(range(256)) * 125)
    anchor = read_anchor(at_seq=5)
    import_recording(steered.rig.log, steered.id, tmp_path / "said.wav", anchor=anchor)
    said = b"WEBVTT\n\n00:00.500 --> 00:01.200\n<v P01>I think it is the sign.\n"
    import_transcript(steered.rig.log, steered.id, said, anchor=anchor)
    return steered


def test_what_was_said_stands_on_the_sessions_clock(spoken: Participant) -> None:
    tape = tape_of(spoken.rig, spoken.id)
    (said,), (sound,) = tape["speech"], tape["sounds"]
    row = tape["rows"][4][1]
    assert said["text"] == "I think it is the sign." and said["speaker"] == "P01"
    assert said["begin"] == pytest.approx(row + 500, abs=1) and said["end"] == pytest.approx(row + 1200, abs=1)
    assert sound["begin"] == pytest.approx(row, abs=1) and sound["end"] == pytest.approx(row + 2000, abs=1)


def test_a_recording_goes_out_whole_and_in_parts_to_those_who_may_hear_it(
    spoken: Participant, served: Rig, tmp_path: Path
) -> None:
    whole = (tmp_path / "said.wav").read_bytes()
    media = tape_of(spoken.rig, spoken.id)["sounds"][0]["media"]
    key = invite(served.log, "Ada", Role.RESEARCHER)

    def hear(who: str, wanted: str = "", name: str = media) -> Any:
        cookie = (b"cookie", f"{COOKIE}={who}".encode())
        headers = [cookie, *([(b"range", wanted.encode())] if wanted else [])]
        path = {"session": spoken.id, "media": name}
        return awaited(heard(Request({"type": "http", "method": "GET", "path_params": path, "headers": headers})))

    part = hear(key, "bytes=100-299")
    assert (part.status_code, part.body) == (206, whole[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(whole)}"
    assert hear(key, "bytes=0-").body == whole
    assert hear(key, f"bytes={len(whole)}-").status_code == 416
    assert hear(key).status_code == hear(key, "bytes=" + "9" * 5000 + "-").status_code == 200
    for name in ("nothing", "../../log.db", ""):
        assert hear(key, name=name).status_code == 404
    assert hear(invite(served.log, "Cleo", Role.CODER)).status_code == 404
    spoken.write(ConsentScopeChanged(scope="audio", text_sha256="t", given=False), key="taken back")
    assert hear(key).status_code == 404
    assert tape_of(spoken.rig, spoken.id)["sounds"] == []


def test_everybody_who_speaks_is_called_the_same_on_the_pages_and_in_the_exports(steered: Participant) -> None:
    said = (
        b"WEBVTT\n\n00:00.100 --> 00:00.200\n<v Moderator>And now?\n\n"
        b"00:00.300 --> 00:00.400\n<v Participant>I think it is the sign.\n\n"
        b"00:00.500 --> 00:00.600\n<v Dr Anna Schmidt>Is it?\n"
    )
    log = steered.rig.log
    import_transcript(log, steered.id, said, anchor=read_anchor(at_seq=5))
    called = ["moderator", "P01", "speaker 1"]
    assert [one["speaker"] for one in tape_of(steered.rig, steered.id)["speech"]] == called
    assert [one.words for one in session_units(log, steered.id) if one.kind == "utterance"] == called
    assert [one.who for one in Speech(log).of(log.read(steered.id)).spoken] == called


def test_a_card_in_the_replay_is_of_the_picture_that_was_on_the_screen(steered: Participant, served: Rig) -> None:
    component = open_picture(served, served.script.tasks["secret_cause"]).shown[0].index
    key = invite(served.log, "Ada", Role.RESEARCHER)
    before = len(served.log.read(steered.id))
    assert set(steered.act("open", picture="p007.png").values()) == {""}
    beyond = len(served.log.read(steered.id))
    codes = {}
    for seq in (before, beyond):
        status, screen = ask(key, steered.id, str(seq), "screen")
        facing = screen["board"]["visit"] or screen["board"]
        listed = {one["index"]: one for one in facing["components"]}
        found = ask(key, steered.id, str(seq), "card", c=str(component))[1]
        assert (status, found["edition"]) == (200, facing["cards"])
        assert found["component"]["activation"] == listed.get(component, found["component"])["activation"]
        codes[seq] = found["component"]["activation"]
    assert codes[before] != codes[beyond]


def test_the_replays_own_style_reaches_nothing_of_the_workspace_that_is_drawn_in_it() -> None:
    own, bench = (re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL) for text in (_asset("replay.css"), BENCH_CSS))
    of_bench = set(re.findall(r"\.([a-z][\w-]*)", " ".join(re.findall(r"([^{}]+)\{", bench))))
    begun = {found[1] for found in re.finditer(r"(?:^|[},])\s*\.([a-z][\w-]*)[^{}]*\{", own)}
    assert begun & of_bench <= {"replay", "stage", "asked"}, "its own classes stand under a part of its own"
    given = set(re.findall(r'setProperty\("(--[\w-]+)"', _asset("moment.js")))
    assert not given & set(re.findall(r"var\((--[\w-]+)", bench)), "a measure of its own is inherited by the workspace"


def _asset(name: str) -> str:
    return (Path(player.__file__).parent / "assets" / name).read_text(encoding="utf-8")
