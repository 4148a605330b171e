"""Looks aside: a comparison and a value passed through are on record, and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from study.acts import Act, ActRefused
from study.bench import Bench
from study.decisions import opening
from study.history import history_in
from study.interventions import perform
from study.log import EventLog
from study.preview_events import InterventionPreviewed
from study.steering_events import InterventionCompared

MakeAct = Callable[..., Act]


@pytest.fixture
def open_bench(fresh_log: EventLog, session: str, bench: Bench) -> Bench:
    offering = replace(bench, tools=bench.tools | {"compare"})
    fresh_log.append(session, *opening(offering, image="7f.png", labels=("apple",)), key="open")
    return offering


def test_a_comparison_holds_what_stands_and_the_original(
    fresh_log: EventLog, session: str, open_bench: Bench, act: MakeAct
) -> None:
    assert not perform(fresh_log, session, act("compare"), open_bench).changed, "there is nothing to compare yet"
    perform(fresh_log, session, act("edit", 1, 0), open_bench)
    before = history_in(fresh_log.read(session), "word")
    (only,) = perform(fresh_log, session, act("compare", control="button"), open_bench).records
    compared = only.event
    assert isinstance(compared, InterventionCompared)
    assert compared.before == compared.after
    assert compared.after.state_id == open_bench.pinned.state(before.plan).id
    assert compared.other.state_id == open_bench.pinned.state(()).id
    assert compared.other.logits == "000000400000803f00000000"  # the toy's 2, 1, 0
    assert history_in(fresh_log.read(session), "word") == before


def test_a_value_passed_through_is_kept_unless_it_is_the_one_that_stands(
    fresh_log: EventLog, session: str, open_bench: Bench, act: MakeAct
) -> None:
    assert not perform(fresh_log, session, act("preview", 1, 1.0), open_bench).changed
    (only,) = perform(fresh_log, session, act("preview", 1, 0.4), open_bench).records
    passed = only.event
    assert isinstance(passed, InterventionPreviewed)
    assert (passed.component, passed.tool, passed.value, passed.unit, passed.top1) == (
        1,
        "suppress",
        0.4,
        "factor",
        None,
    )
    assert not history_in(fresh_log.read(session), "word").past


def test_what_the_task_does_not_offer_is_not_looked_at(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    with pytest.raises(ActRefused, match="compare was asked for"):
        perform(fresh_log, session, act("compare"), bench)
    looking = replace(bench, tools=frozenset({"attribution"}))
    with pytest.raises(ActRefused, match="suppress was asked for"):
        perform(fresh_log, session, act("preview", 1, 0.4), looking)
