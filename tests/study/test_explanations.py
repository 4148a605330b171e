"""Which margin is explained, and how it is drawn, is what the log says of the present attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from study.acts import Act, ActRefused
from study.bench import Bench
from study.explanations import Explanation, Pair, explanation_in
from study.interventions import perform
from study.log import EventLog
from study.practice import Lesson
from study.task_events import ExplanationChanged, ExplanationViewed, TaskStarted

MakeAct = Callable[..., Act]
ASKED = {"view": "gradient", "toward": "boat", "against": "car"}


def test_a_chosen_pair_is_logged_with_the_components_that_it_lists(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    asked = []

    def listed(pair: Pair) -> tuple[int, ...]:
        asked.append(pair)
        return (4, 2, 7)

    done = perform(fresh_log, session, act("explain", **ASKED), replace(bench, explain=listed))
    changed, viewed = (record.event for record in done.records)
    assert isinstance(changed, ExplanationChanged) and isinstance(viewed, ExplanationViewed)
    assert (changed.toward, changed.against, changed.before_state_id) == ("boat", "car", changed.after_state_id)
    assert (viewed.toward, viewed.against, viewed.components) == ("boat", "car", (4, 2, 7))
    assert done.records[1].row["cause_event_id"] == done.records[0].event_id
    assert asked == [Pair("boat", "car")]


def test_pair_and_layout_are_the_last_of_the_attempt_and_do_not_disturb_each_other(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    def stands() -> Explanation:
        return explanation_in(fresh_log.read(session), "word")

    assert stands() == Explanation(None, "list")
    perform(fresh_log, session, act("explain", **ASKED), bench)
    perform(fresh_log, session, act("explain", view="gradient", layout="waterfall"), bench)
    perform(fresh_log, session, act("overlay", 1, overlay="fires"), bench)
    assert stands() == Explanation(Pair("boat", "car"), "waterfall")
    perform(fresh_log, session, act("explain", **ASKED | {"against": "apple"}), bench)
    perform(fresh_log, session, act("explain", view="gradient", layout="list"), bench)
    assert stands() == Explanation(Pair("boat", "apple"), "list")
    assert explanation_in(fresh_log.read(session), "another") == Explanation()
    fresh_log.append(session, TaskStarted(task="word", attempt=2), key="again")
    assert stands() == Explanation()


@pytest.mark.parametrize(
    ("asked", "tool"),
    [(ASKED, "contrast"), ({"view": "gradient", "layout": "waterfall"}, "waterfall"), ({"view": "x"}, "attribution")],
)
def test_each_way_of_explaining_is_a_tool_that_a_phase_can_leave_out(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, asked: dict[str, str], tool: str
) -> None:
    without = replace(bench, tools=bench.tools - {tool})
    with pytest.raises(ActRefused, match=f"{tool} was asked for"):
        perform(fresh_log, session, act("explain", **asked), without)
    assert perform(fresh_log, session, act("explain", **asked), bench).changed


@pytest.mark.parametrize(
    ("toward", "against"), [("boat", "boat"), ("boat", "zeppelin"), ("", "boat"), ("boat", None), (None, "boat")]
)
def test_a_pair_is_two_of_the_model_s_labels(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, toward: str | None, against: str | None
) -> None:
    with pytest.raises(ActRefused, match="name two of them"):
        perform(fresh_log, session, act("explain", view="gradient", toward=toward, against=against), bench)
    assert len(fresh_log.read(session)) == 1


def test_another_pair_or_layout_does_not_teach_to_draw_a_map() -> None:
    lesson = Lesson("overlay", "explanation.changed")
    assert lesson.is_met(ExplanationChanged(task="word", overlay="fires"))
    assert not lesson.is_met(ExplanationChanged(task="word", layout="waterfall"))
    assert not lesson.is_met(ExplanationChanged(task="word", toward="boat", against="car"))
