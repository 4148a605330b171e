"""Replies to prompts and expectations of steps: what is kept of them, and what no client can pass by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from study.acts import Act, ActRefused
from study.bench import Bench
from study.decisions import opening
from study.interventions import perform
from study.log import EventLog, LogRefused
from study.prompt_events import PromptAnswered, PromptShown
from study.prompts import standing
from study.script import Choice, FreeText, Slider
from study.script.talk import Prompt, When
from study.script.tasks import Expect

MakeAct = Callable[..., Act]
ASKS = Prompt(
    id="guess",
    style="probing",
    when=When(before_first="intervention.applied"),
    text="Why?",
    ask=(
        FreeText(id="why", type="free_text", label="Why"),
        Slider(id="sure", type="slider", label="How sure", min=0, max=10, required=False),
        Choice(
            id="where",
            type="choice",
            label="Where",
            options=({"id": "here", "label": "Here"}, {"id": "there", "label": "There"}),  # pyright: ignore[reportArgumentType]
            required=False,
        ),
    ),
)


@pytest.fixture
def shown(fresh_log: EventLog, session: str, bench: Bench) -> str:
    """The event id of a prompt that is up."""
    fresh_log.append(session, *opening(bench, image="7f.png", labels=("apple",)), key="open")
    event = PromptShown(
        prompt="guess", trigger="first_steer", wording="Why?", style="probing", caused_by="e", task="word"
    )
    return fresh_log.append(session, event, key="prompt/guess/e", actor="system")[0].event_id


@pytest.fixture
def asking(bench: Bench) -> Bench:
    return replace(bench, prompts={"guess": ASKS})


def answers(**given: str | float) -> list[dict[str, Any]]:
    return [{"item": item, ("text" if isinstance(said, str) else "number"): said} for item, said in given.items()]


def test_each_answer_is_a_row_of_one_act(
    fresh_log: EventLog, session: str, asking: Bench, act: MakeAct, shown: str
) -> None:
    given = act("prompt_answer", shown=shown, answers=answers(why=" the corner ", sure=7.0))
    first = perform(fresh_log, session, given, asking)
    said = [record.event for record in first.records]
    assert [(one.item, one.text, one.number) for one in said if isinstance(one, PromptAnswered)] == [
        ("why", "the corner", None),
        ("sure", "", 7.0),
    ]
    assert [record.row["target"] for record in first.records] == ["guess", "guess"]
    assert standing(fresh_log.read(session)) is None
    assert perform(fresh_log, session, given, asking) == first


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "Still open: Why"),
        ({"why": "  "}, "Still open: Why"),
        ({"why": "x", "sure": 11.0}, "How sure: 11 lies outside 0 to 10"),
        ({"why": "x", "where": "nowhere"}, "Where: 'nowhere' is none of its answers"),
        ({"why": "x", "other": "y"}, "'other', which was not asked"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_and_the_prompt_stays(
    fresh_log: EventLog, session: str, asking: Bench, act: MakeAct, shown: str, given: Mapping[str, Any], sentence: str
) -> None:
    with pytest.raises(ActRefused, match=sentence):
        perform(fresh_log, session, act("prompt_answer", shown=shown, answers=answers(**given)), asking)
    still = standing(fresh_log.read(session))
    assert still is not None
    assert still.event_id == shown


def test_a_prompt_without_questions_is_answered_by_having_spoken(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, shown: str
) -> None:
    (only,) = perform(fresh_log, session, act("prompt_answer", shown=shown), bench).records
    assert isinstance(only.event, PromptAnswered)
    assert (only.event.item, only.event.text, only.event.number, only.event.caused_by) == ("", "", None, "e")


def test_two_windows_close_a_prompt_once(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, shown: str
) -> None:
    assert perform(fresh_log, session, act("prompt_dismiss", shown=shown), bench).changed
    assert not perform(fresh_log, session, act("prompt_answer", shown=shown), bench).changed
    assert not perform(fresh_log, session, act("prompt_dismiss", shown=shown), bench).changed


def test_a_blocking_prompt_is_not_put_away(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, shown: str
) -> None:
    blocking = replace(bench, prompts={"guess": ASKS.model_copy(update={"blocking": True})})
    with pytest.raises(ActRefused, match="cannot be put away"):
        perform(fresh_log, session, act("prompt_dismiss", shown=shown), blocking)


def test_nothing_is_steered_while_a_question_holds_it(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, shown: str
) -> None:
    held = replace(bench, held=lambda records: standing(records) is not None)
    for move in (act("edit", 1, 0), act("undo"), act("redo"), act("reset")):
        with pytest.raises(ActRefused, match="A question comes before this step"):
            perform(fresh_log, session, move, held)
    assert perform(fresh_log, session, act("inspect", 1), held).changed
    perform(fresh_log, session, act("prompt_answer", shown=shown), held)
    assert perform(fresh_log, session, act("edit", 1, 0), held).changed


def test_a_step_that_is_to_be_expected_is_refused_without_and_scored_with(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, shown: str
) -> None:
    expecting = replace(bench, expect=Expect(before=(1, 3), ask=("direction", "top1", "probability", "hypothesis")))
    whole = {"direction": "down", "top1": "boat", "probability": 0.75, "hypothesis": "it pushes"}
    for without in ({}, *({key: value for key, value in whole.items() if key != left} for left in whole)):
        with pytest.raises(ActRefused, match="say first what you expect"):
            perform(fresh_log, session, act("edit", 0, 0, expected=without), expecting)
    with pytest.raises(ActRefused, match="say first what you expect"):
        perform(fresh_log, session, act("edit", 0, 0), expecting)
    first = perform(fresh_log, session, act("edit", 0, 0, expected=whole), expecting)
    assert [record.name for record in first.records] == [
        *("intervention.applied", "model.predicted", "intervention.predicted"),
    ]
    assert not perform(fresh_log, session, act("edit", 0, 0), expecting).changed, "what changes nothing needs none"
    assert perform(fresh_log, session, act("edit", 1, 0), expecting).changed
    perform(fresh_log, session, act("undo"), expecting)
    with pytest.raises(ActRefused, match="say first what you expect"):
        perform(fresh_log, session, act("edit", 1, 0.5), expecting)


def test_another_answer_under_the_id_of_one_that_stands_is_refused(
    fresh_log: EventLog, session: str, asking: Bench, act: MakeAct, shown: str
) -> None:
    given = act("prompt_answer", shown=shown, answers=answers(why="one"))
    perform(fresh_log, session, given, asking)
    other = act("prompt_answer", shown=shown, answers=answers(why="two")).model_copy(update={"id": given.id})
    with pytest.raises(LogRefused, match="under the id of another"):
        perform(fresh_log, session, other, asking)
