"""The console's acts: rows of the participant's stream by the moderator who writes, and by nobody else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.acts import ActRefused
from study.assignment import start_session
from study.attendance import attendance_in
from study.log import EventLog
from study.moderation import Moderator, left_s, moderate, sight_of
from study.moderator_acts import read_moderator_act
from study.moderator_events import ModeratorNoteAdded
from study.moderators import call, called
from study.prompt_events import PromptAnswered, PromptShown
from study.script import StudyScript, load_script
from study.session_events import ConsentGiven, SessionCompleted
from study.task_events import TaskStarted

SCRIPT = """
schema: tiller-study/1
study: {id: talk, version: "1.0.0", title: Talk, stage: pilot, contact: nobody}
modes: {moderated: {observers: 1, controls: [note, prompt, extend, skip, pause]}}
welcome: Hello.
consent:
  text: consent.md
  scopes: [{key: log, required: true, label: Record what I do.}]
think_aloud:
  note: Speak.
  prompts: [{id: keep_on, style: neutral, when: {idle_s: 60}, text: Please keep talking.}]
guide:
  - {id: trust, text: "What did you rely on?", at: word}
tasks:
  word:
    picture: word
    goal: Find out.
    limits: {minutes: 8}
    tools: [attribution, suppress, undo]
    answers: [{id: cause, type: free_text, label: "Why?"}]
debrief: That was it.
"""
ADA, BEN, EVE = Moderator("M1", True), Moderator("M2", True), Moderator("M3", False)


@pytest.fixture
def script(tmp_path: Path) -> StudyScript:
    (tmp_path / "consent.md").write_text("We keep what you do.", encoding="utf-8")
    (tmp_path / "talk.yaml").write_text(SCRIPT, encoding="utf-8")
    return load_script(tmp_path / "talk.yaml")


@pytest.fixture
def at_task(fresh_log: EventLog, script: StudyScript) -> str:
    start_session(fresh_log, script, "s1", "P01", mode="moderated")
    fresh_log.append("s1", ConsentGiven(scope="log", text_sha256=script.consent_sha256), key="c")
    fresh_log.append("s1", TaskStarted(task="word"), key="t")
    return "s1"


class Console:
    """One member of staff at the console of one session."""

    def __init__(self, log: EventLog, script: StudyScript, session: str, who: Moderator) -> None:
        self.log, self.script, self.session, self.who, self.sent = log, script, session, who, 0

    def __call__(self, kind: str, **fields: Any) -> int:
        self.sent += 1
        act = {"id": f"{self.who.who}-act-{self.sent:04d}", "kind": kind, **fields}
        return moderate(self.log, self.script, self.session, self.who, read_moderator_act(act))


@pytest.fixture
def ada(fresh_log: EventLog, script: StudyScript, at_task: str) -> Console:
    console = Console(fresh_log, script, at_task, ADA)
    console("join")
    return console


def rows(log: EventLog) -> list[tuple[str, str]]:
    return [(one.name, str(one.row["actor"])) for one in log.read("s1")][3:]


def test_every_control_is_a_row_of_the_participants_stream_with_the_moderator_as_actor(
    ada: Console, fresh_log: EventLog
) -> None:
    stamp = ada("stamp")
    ada("note", text=" hesitates ", stamp=stamp)
    ada("tick", guide="trust", asked=True)
    ada("prompt", prompt="keep_on")
    ada("prompt", text="Why this one?")
    ada("pause")
    ada("go_on")
    ada("extend", minutes=2)
    ada("skip", reason="the picture did not load")
    assert rows(fresh_log) == [
        ("moderator.joined", "moderator"),
        *[("moderator.note_added", "moderator")] * 3,
        *[("moderator.prompt_sent", "moderator")] * 2,
        ("session.paused", "moderator"),
        ("session.resumed", "moderator"),
        ("task.extended", "moderator"),
        ("task.skipped", "moderator"),
        ("session.completed", "moderator"),  # it was the only task
    ]
    sent = [getattr(one.event, "text", "") for one in fresh_log.read("s1") if one.name == "moderator.prompt_sent"]
    assert sent == ["Please keep talking.", "Why this one?"]


def test_a_note_keeps_the_moment_of_the_key_and_that_of_its_words(ada: Console, fresh_log: EventLog) -> None:
    stamp = ada("stamp")
    ada("pause")
    ada("note", text="hesitates", stamp=stamp)
    first, second = [one for one in fresh_log.read("s1") if isinstance(one.event, ModeratorNoteAdded)]
    assert isinstance(second.event, ModeratorNoteAdded)
    assert (second.event.marked_seq, second.event.marked_ms) == (first.seq, first.utc_ns / 1e6)
    assert second.utc_ns > first.utc_ns
    (note,) = attendance_in(fresh_log.read("s1")).notes.values()
    assert (note.seq, note.utc_ns, note.text) == (first.seq, first.utc_ns, "hesitates")


def test_an_act_that_is_sent_twice_stands_once(fresh_log: EventLog, script: StudyScript, ada: Console) -> None:
    act = read_moderator_act({"id": "the-same-act", "kind": "stamp"})
    assert moderate(fresh_log, script, "s1", ADA, act) == moderate(fresh_log, script, "s1", ADA, act)
    assert len(attendance_in(fresh_log.read("s1")).notes) == 1


def test_one_writes_until_another_takes_over(fresh_log: EventLog, script: StudyScript, ada: Console) -> None:
    ben = Console(fresh_log, script, "s1", BEN)
    ben("join")
    assert attendance_in(fresh_log.read("s1")).present == {"M1": "moderator", "M2": "observer"}
    with pytest.raises(ActRefused, match="M1 writes in this session"):
        ben("pause")
    ben("take_over")
    assert attendance_in(fresh_log.read("s1")).present == {"M1": "observer", "M2": "moderator"}
    with pytest.raises(ActRefused, match="M2 writes"):
        ada("stamp")
    ben("pause")
    ben("leave")
    with pytest.raises(ActRefused, match="Nobody writes"):
        ada("go_on")
    ada("take_over")
    ada("go_on")
    assert not sight_of(fresh_log, script, "s1").place.paused


def test_observers_write_nothing_and_are_no_more_than_the_script_allows(
    fresh_log: EventLog, script: StudyScript, ada: Console
) -> None:
    eve = Console(fresh_log, script, "s1", EVE)
    eve("join")
    for act in ({"kind": "stamp"}, {"kind": "take_over"}, {"kind": "pause"}, {"kind": "prompt", "text": "Hello"}):
        with pytest.raises(ActRefused, match="watches and writes nothing"):
            eve(**act)
    with pytest.raises(ActRefused, match="1 observers are the most"):
        Console(fresh_log, script, "s1", BEN)("join")
    eve("leave")
    Console(fresh_log, script, "s1", BEN)("join")


def test_a_control_that_the_script_does_not_give_is_refused(ada: Console) -> None:
    with pytest.raises(ActRefused, match="no control mark_clock"):
        ada("mark_clock")


def test_the_clock_is_marked_by_number(fresh_log: EventLog, script: StudyScript, at_task: str) -> None:
    console = Console(fresh_log, replace(script, modes=script.modes.model_copy(update={"moderated": None})), "s1", ADA)
    console("join")
    console("mark_clock")
    console("mark_clock")
    assert attendance_in(fresh_log.read("s1")).marks == 2


def test_more_time_is_time_that_is_left_and_a_pause_uses_none(
    fresh_log: EventLog, script: StudyScript, ada: Console
) -> None:
    def left() -> float:
        found = left_s(sight_of(fresh_log, script, "s1"))
        assert found is not None
        return found

    before = left()
    assert 460 < before < 480
    ada("extend", minutes=2)
    assert 110 < left() - before < 120  # the clock of the test moves a second a reading
    ada("pause")
    assert left() == left()


@pytest.mark.parametrize(
    ("act", "why"),
    [
        ({"kind": "skip", "reason": "  "}, "needs a reason"),
        ({"kind": "note", "text": ""}, "Write some words"),
        ({"kind": "extend", "minutes": 0}, "minutes"),
        ({"kind": "extend", "minutes": float("nan")}, "minutes"),
        ({"kind": "prompt"}, "Write what to ask"),
        ({"kind": "prompt", "prompt": "unknown"}, "no prompt unknown"),
        ({"kind": "tick", "guide": "unknown", "asked": True}, "no question unknown"),
        ({"kind": "erase"}, "could not be read"),
        ({"kind": "stamp", "extra": 1}, "could not be read"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(ada: Console, act: dict[str, Any], why: str) -> None:
    with pytest.raises(ActRefused, match=why):
        ada(**act)


def test_no_act_is_taken_when_the_session_is_over(fresh_log: EventLog, ada: Console) -> None:
    fresh_log.append("s1", SessionCompleted(), key="end")
    for act in ({"kind": "stamp"}, {"kind": "leave"}, {"kind": "pause"}):
        with pytest.raises(ActRefused, match="is over"):
            ada(**act)


def test_a_prompt_is_sent_then_on_the_screen_then_gone(fresh_log: EventLog, ada: Console) -> None:
    seq = ada("prompt", text="Why this one?")
    sent = fresh_log.read("s1")[seq - 1]
    assert attendance_in(fresh_log.read("s1")).waiting == sent
    shown = {"prompt": "moderator", "trigger": "moderator", "wording": "Why this one?", "caused_by": sent.event_id}
    fresh_log.append("s1", PromptShown(**shown), key="shown")
    now = attendance_in(fresh_log.read("s1"))
    assert now.waiting is None and now.showing is not None
    fresh_log.append("s1", PromptAnswered(**shown, text="It is red"), key="answered")
    assert attendance_in(fresh_log.read("s1")).showing is None


def test_nobody_is_in_the_record_by_their_name(fresh_log: EventLog) -> None:
    assert called(fresh_log, "Ada") is None
    assert [call(fresh_log, name) for name in ("Ada", "Ben", "Ada")] == ["M1", "M2", "M1"]
    assert called(fresh_log, "Ben") == "M2"
