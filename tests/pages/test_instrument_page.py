"""The page of a questionnaire: where the route puts it, with what was left of it, and on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from participants import Participant, words
from tiny_world import SCRIPT, write_script

from app import build
from pages.parts import frame
from pages.parts.rig import Rig
from study.instrument_events import InstrumentItemAnswered, InstrumentScored
from study.session import Step
from study.task_events import PageLeft, ResponseChanged, TaskStarted, TaskSubmitted

USES = "instruments: [{id: raw_tlx, at: after_each_task}, {id: sus, at: end, tool_name: the workspace}]\ndebrief:"


@pytest.fixture
def asked(world: Any, tmp_path: Path) -> Rig:
    """The tiny study with two questionnaires."""
    script = write_script(tmp_path)
    script.write_text(SCRIPT.replace("debrief:", USES), encoding="utf-8")
    record = f"sqlite:///{tmp_path / 'log.db'}"
    return build({"TILLER_DATABASE_URL": record, "TILLER_BUNDLE": str(world.bundle), "TILLER_STUDY": str(script)})


def test_a_questionnaire_comes_after_its_task_and_leads_on_when_it_is_filled(asked: Rig) -> None:
    who = Participant(asked).at(Step.ANSWER)
    who.write(TaskStarted(task="secret_cause", attempt=2), TaskSubmitted(task="secret_cause", attempt=2), key="done")
    assert (who.place.step, who.place.stop.id) == (Step.INSTRUMENT, "secret_cause/raw_tlx")
    test = who.open()
    assert "Task load" in words(test) and "Mark one place on each line" in words(test)
    test.button(key="submit").click().run()
    assert "Still open: rows 1, 2, 3, 4, 5 and 6." in words(test)
    assert who.place.step is Step.INSTRUMENT

    items = ("mental", "physical", "temporal", "performance", "effort", "frustration")
    for item, number in zip(items, (70, 10, 55, 25, 60, 35), strict=True):
        name = f"secret_cause/raw_tlx/{item}"
        who.write(ResponseChanged(task="secret_cause", attempt=2, item=name, number=number), key=f"draft {item}")
    test = who.open()
    test.button(key="submit").click().run()
    events = [record.event for record in asked.log.read(who.id)]
    answered = [event for event in events if isinstance(event, InstrumentItemAnswered)]
    (score,) = [event for event in events if isinstance(event, InstrumentScored)]
    assert [item.value for item in answered] == [70, 10, 55, 25, 60, 35]
    assert (score.task, score.attempt, score.score) == ("secret_cause", 2, 42.5)
    assert who.place.step is Step.BRIEFING
    assert "Picture 2 of 2" in words(test)


def test_the_last_questionnaire_ends_the_session(asked: Rig) -> None:
    who = Participant(asked).at(Step.ANSWER)
    for task in ("secret_cause", "second_task"):
        who.write(TaskSubmitted(task=task), PageLeft(page=f"{task}/raw_tlx"), key=f"done {task}")
    assert who.place.stop.id == "sus"
    for number, value in enumerate((4, 2, 4, 1, 5, 2, 4, 2, 5, 1), start=1):
        who.write(ResponseChanged(task="", item=f"sus/{number}", number=value), key=f"draft {number}")
    test = who.open()
    assert "means the workspace here" in words(test)
    test.button(key="submit").click().run()
    assert (who.place.step, who.place.outcome) == (Step.DONE, "completed")
    records = asked.log.read(who.id)
    assert {record.row["task_id"] for record in records if record.name == "response.changed"} == {None}
    assert [event.score for record in records if isinstance(event := record.event, InstrumentScored)] == [85.0]


def test_a_questionnaire_can_be_stopped_on_and_only_what_is_asked_about_a_task_is_heard(
    asked: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = list[str]()
    monkeypatch.setattr(frame, "record", lambda who, *_, **__: mounted.append("voice"))
    monkeypatch.setattr(frame, "pulse", lambda who, *_, **__: mounted.append("pulse"))
    who = Participant(asked).at(Step.ANSWER)
    who.write(TaskSubmitted(task="secret_cause"), key="done")
    who.open()
    assert set(mounted) == {"pulse", "voice"}
    mounted.clear()
    passed = (
        PageLeft(page="secret_cause/raw_tlx"),
        TaskSubmitted(task="second_task"),
        PageLeft(page="second_task/raw_tlx"),
    )
    who.write(*passed, key="passed")
    assert who.place.stop.id == "sus"
    who.open()
    assert set(mounted) == {"pulse"}
