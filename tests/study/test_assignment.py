"""Newcomers that come at once take different slots, and a slot that is given back is the next one taken."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from test_route import PHASES
from writers import run_together

from study.assignment import assign, slots_of, start_session, taken
from study.database import connect
from study.erasure import erase
from study.happening import Happening
from study.log import EventLog, LogRefused
from study.records import Instant, Record
from study.route import route_of
from study.script import StudyScript, load_script
from study.session_events import (
    SessionCompleted,
    SessionRejected,
    SessionStarted,
    SessionTimedOut,
    SessionWithdrawn,
)
from study.slots import Slot, Standing, mixed, slots
from study.task_events import TaskStarted

EIGHT = slots({"phase_order": 2, "task_set": 2, "task_order": 2})
Start = Callable[..., SessionStarted]


def slot_of(rows: Sequence[Record]) -> int | None:
    first = rows[0].event
    assert isinstance(first, SessionStarted)
    return first.slot


def come(log: EventLog, start: Start, session: str, listed: Sequence[Slot] = EIGHT, **changes: str) -> int | None:
    return slot_of(assign(log, session, start(participant=session, **changes), listed))


def standings(log: EventLog, **asked: object) -> dict[str, Standing]:
    return {one.session: one.standing for one in taken(log, "demo", "1.0.0", **asked)}  # pyright: ignore


def test_newcomers_take_the_slots_in_their_order(fresh_log: EventLog, start: Start) -> None:
    assert [come(fresh_log, start, f"s{number:02d}") for number in range(17)] == [*range(8), *range(8), 0]
    assert fresh_log.verify("s16").whole


def test_the_row_says_the_slot_and_its_level_of_each_factor(fresh_log: EventLog, start: Start) -> None:
    come(fresh_log, start, "s0")
    rows = assign(fresh_log, "s1", start(), EIGHT, page="welcome")
    assert rows[0].event == replace(start(), slot=1, levels={"phase_order": 1, "task_set": 0, "task_order": 0})
    assert (rows[0].row["page"], rows[0].row["actor"]) == ("welcome", "participant")


@pytest.fixture
def script(tmp_path: Path) -> StudyScript:
    (tmp_path / "consent.md").write_text("Read this.", encoding="utf-8")
    (tmp_path / "study.yaml").write_text(PHASES, encoding="utf-8")
    return load_script(tmp_path / "study.yaml")


def arrive(log: EventLog, script: StudyScript, number: int, **asked: str) -> SessionStarted:
    first = start_session(log, script, f"s{number:02d}", f"P{number:02d}", **asked)[0].event  # pyright: ignore
    assert isinstance(first, SessionStarted)
    return first


def test_eight_participants_walk_routes_that_balance_phases_task_sets_and_tasks_and_sixteen_the_arms(
    fresh_log: EventLog, script: StudyScript
) -> None:
    came = [arrive(fresh_log, script, number) for number in range(16)]
    routes = [[stop for stop in route_of(script, one.levels, one.seed) if stop.is_task] for one in came[:8]]
    assert len({tuple((stop.id, stop.condition) for stop in route) for route in routes}) == 8
    assert Counter(route[0].condition for route in routes) == {"look": 4, "act": 4}
    met = Counter((stop.id, place) for route in routes for place, stop in enumerate(route))
    assert met == {(task, place): 2 for task in "abcd" for place in range(4)}
    under = Counter((stop.id, stop.condition) for route in routes for stop in route)
    assert under == {(task, condition): 4 for task in "abcd" for condition in ("look", "act")}
    assert {one.levels["prompting"] for one in came[:8]} == {0}
    for factor in ("phase_order", "task_set", "task_order"):
        arms = Counter((one.levels["prompting"], one.levels[factor]) for one in came)
        assert arms == {(arm, level): 4 for arm in (0, 1) for level in (0, 1)}


def test_a_session_starts_with_all_that_its_route_hangs_on_and_the_same_when_it_is_sent_again(
    fresh_log: EventLog, script: StudyScript
) -> None:
    first, second = arrive(fresh_log, script, 1, language="de"), arrive(fresh_log, script, 2, mode="preview")
    assert (first.study, first.study_version, first.script_sha256) == ("two-phases", "1.0.0", script.sha256)
    assert (first.participant, first.language, first.slot) == ("P01", "de", 0)
    assert (second.mode, second.slot) == ("preview", 0)
    assert first.seed != second.seed, "what is random is not the same for all"
    assert arrive(fresh_log, script, 1, language="de") == first


def test_a_script_may_have_its_slots_permuted(fresh_log: EventLog, script: StudyScript, tmp_path: Path) -> None:
    assert [slot.number for slot in slots_of(script)] == list(range(16))
    permuted = PHASES.replace("draw: {", "draw: {permute: true, ").replace("contact: us", "contact: us, seed: 3")
    (tmp_path / "study.yaml").write_text(permuted, encoding="utf-8")
    other = load_script(tmp_path / "study.yaml")
    assert slots_of(other) == mixed(slots_of(script), 3) != slots_of(script)
    assert arrive(fresh_log, other, 1).slot == slots_of(other)[0].number


def test_a_start_that_is_sent_again_keeps_its_slot(fresh_log: EventLog, start: Start) -> None:
    first = assign(fresh_log, "s1", start(), EIGHT)
    come(fresh_log, start, "s2")
    assert assign(fresh_log, "s1", start(), EIGHT) == first
    assert len(fresh_log.read("s1")) == 1
    with pytest.raises(LogRefused, match="another act"):
        assign(fresh_log, "s1", start(participant="somebody else"), EIGHT)


def test_newcomers_of_eight_threads_fill_eight_slots_exactly_twice(
    fresh_log: EventLog, start: Start, reopen: Callable[[], EventLog]
) -> None:
    together, wrong = threading.Barrier(8, timeout=60), list[BaseException]()

    def work(worker: int) -> None:
        try:
            together.wait()
            for turn in range(2):
                come(fresh_log, start, f"s{worker}{turn}")
                come(fresh_log, start, f"s{worker}{turn}")  # a retry, as after an answer that got lost
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    found = taken(reopen(), "demo", "1.0.0")
    assert Counter(one.slot for one in found) == dict.fromkeys(range(8), 2)


def bring(url: str, name: str, together: Barrier) -> None:
    """A process with four threads, each of which brings two newcomers."""
    log = EventLog(connect(url, patience_s=60.0))
    first = SessionStarted(study="demo", study_version="1.0.0", script_sha256="5c", participant="P01")
    together.wait()

    def work(worker: int) -> None:
        for turn in range(2):
            come(log, partial(replace, first), f"{name}{worker}{turn}")

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_newcomers_of_two_processes_fill_eight_slots_exactly_twice(fresh_log: EventLog, url: str) -> None:
    assert run_together(bring, [(url, name) for name in "ab"]) == [0, 0]
    found = taken(fresh_log, "demo", "1.0.0")
    assert Counter(one.slot for one in found) == dict.fromkeys(range(8), 2)


@pytest.mark.parametrize(
    "end",
    [
        SessionWithdrawn(),
        SessionRejected(),
        SessionRejected(outcome="screened_out"),
        SessionTimedOut(limit="max_minutes", gap_s=60.0),
        SessionCompleted(outcome="no_consent"),
    ],
    ids=lambda end: f"{end.name}/{getattr(end, 'outcome', '')}",
)
def test_a_slot_that_is_given_back_is_the_next_one_taken(fresh_log: EventLog, start: Start, end: Happening) -> None:
    for number in range(8):
        come(fresh_log, start, f"s{number}")
    fresh_log.append("s5", end, key="end")  # pyright: ignore[reportArgumentType]
    assert standings(fresh_log)["s5"] is Standing.GIVEN_BACK
    assert come(fresh_log, start, "s8") == 5
    assert come(fresh_log, start, "s9") == 0


def test_who_withdraws_after_the_end_gives_the_slot_back_too(fresh_log: EventLog, start: Start) -> None:
    come(fresh_log, start, "s0")
    fresh_log.append("s0", TaskStarted(task="word"), SessionCompleted(), key="end")
    assert standings(fresh_log) == {"s0": Standing.COMPLETED}
    assert come(fresh_log, start, "s1") == 1
    fresh_log.append("s0", SessionWithdrawn(), key="withdraw")
    assert standings(fresh_log) == {"s0": Standing.GIVEN_BACK, "s1": Standing.LIVE}
    assert come(fresh_log, start, "s2") == 0


def test_a_session_past_its_window_holds_its_slot_no_longer(fresh_log: EventLog, start: Start) -> None:
    now = [0]
    fresh_log.now = lambda: Instant(1_800_000_000_000_000_000 + now[0] * 3_600_000_000_000, now[0], "boot")
    come(fresh_log, start, "s0")
    come(fresh_log, start, "s1", mode="moderated")
    now[0] = 24
    fresh_log.append("s0", TaskStarted(task="word"), key="open")
    now[0] = 48
    assert standings(fresh_log, window_hours=24) == {"s0": Standing.LIVE, "s1": Standing.LIVE}
    now[0] = 49
    assert standings(fresh_log, window_hours=24) == {"s0": Standing.GIVEN_BACK, "s1": Standing.LIVE}
    assert standings(fresh_log) == {"s0": Standing.LIVE, "s1": Standing.LIVE}
    assert slot_of(assign(fresh_log, "s2", start(), EIGHT, window_hours=24)) == 0


def test_an_erased_session_holds_no_slot(fresh_log: EventLog, start: Start) -> None:
    come(fresh_log, start, "s0")
    come(fresh_log, start, "s1")
    erase(fresh_log, "s0")
    assert standings(fresh_log) == {"s1": Standing.LIVE}
    assert come(fresh_log, start, "s2") == 0


def test_preview_and_bots_and_other_studies_and_versions_take_no_participants_slot(
    fresh_log: EventLog, start: Start
) -> None:
    assert come(fresh_log, start, "p0", mode="preview") == 0
    assert come(fresh_log, start, "p1", mode="preview") == 1
    assert come(fresh_log, start, "b0", mode="bot") == 0
    assert come(fresh_log, start, "o0", study="other") == 0
    assert come(fresh_log, start, "v0", study_version="2.0.0") == 0
    assert come(fresh_log, start, "r0") == 0
    assert come(fresh_log, start, "m0", mode="moderated") == 1, "both modes of the study fill one design"
    assert come(fresh_log, start, "r1") == 2
    assert set(standings(fresh_log)) == {"r0", "m0", "r1"}
    assert set(standings(fresh_log, mode="bot")) == {"b0"}


def test_a_session_that_was_started_before_there_were_slots_holds_none(fresh_log: EventLog, start: Start) -> None:
    fresh_log.append("old", start(participant="P99"), key="start")
    assert come(fresh_log, start, "s0") == 0
    assert standings(fresh_log) == {"s0": Standing.LIVE}
