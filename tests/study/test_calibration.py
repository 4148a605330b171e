"""What a participant foresaw, added up: by hand, in fractions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from study.acts import Act
from study.bench import Bench
from study.expectations import Calibration, calibration_of
from study.interventions import perform
from study.log import EventLog
from study.script.tasks import Expect
from study.task_events import TaskStarted

Step = tuple[int, float, str, str, float]


@pytest.mark.file
@pytest.mark.parametrize(
    ("steps", "due"),
    [
        ([], Calibration(0, 0, 0, None)),
        # apple is first with 2 logits, boat has 1, car 0; taking apple's 1 away leaves it first, level with boat
        ([(0, 0.0, "down", "apple", 0.9)], Calibration(1, 1, 1, pytest.approx(0.01))),
        # then apple at 4: first again, and it rose; one of two directions, (0.01 + 0.64) / 2
        (
            [(0, 0.0, "down", "apple", 0.9), (0, 4.0, "down", "boat", 0.8)],
            Calibration(2, 1, 2, pytest.approx(0.325)),
        ),
    ],
)
def test_calibration_counts_directions_and_is_the_mean_of_the_brier_scores(
    fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act], steps: Sequence[Step], due: Calibration
) -> None:
    asking = replace(bench, expect=Expect(before=(1, 2), ask=("direction", "top1", "probability")))
    for component, strength, direction, top1, probability in steps:
        said = {"direction": direction, "top1": top1, "probability": probability}
        perform(fresh_log, session, act("edit", component, strength, expected=said), asking)
    assert calibration_of(fresh_log.read(session)) == due
    fresh_log.append(session, TaskStarted(task="word", attempt=1, order=1, practice=True), key="practice")
    assert calibration_of(fresh_log.read(session)) == Calibration(0, 0, 0, None), "practice counts for nothing"


@pytest.mark.file
def test_an_optional_expectation_holds_no_step_up(
    fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act]
) -> None:
    asking = replace(bench, expect=Expect(before=(1,), ask=("direction",), optional=True))
    assert perform(fresh_log, session, act("edit", 1, 0), asking).changed
