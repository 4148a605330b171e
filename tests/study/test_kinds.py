"""The kinds of events around the steering: what they do to a session, to its times, its units and its exports."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_events import ROWS, happenings
from test_session import BEGUN, rows, whole

from core.types import Prediction
from study.acts import Act, ActRefused
from study.bench import Bench
from study.decisions import opening
from study.events import KINDS, Event, event_in, payload_of
from study.expectations import Expected, scored
from study.exports import export_log
from study.exports.columns import COLUMNS, NAMES
from study.exports.tidy import check_csv, write_csv
from study.exports.timeline import WITHHELD, timeline_of
from study.findings import findings_of, portrait_of
from study.history import plan_in
from study.instrument_events import InstrumentScored
from study.interventions import perform
from study.log import EventLog, LogRefused
from study.moderator_events import ModeratorNoteAdded
from study.preview_events import InterventionPredicted, InterventionPreviewed
from study.prompt_events import PromptAnswered, PromptShown
from study.records import Record, Stored
from study.script import StudyScript, load_script
from study.session import Step, session_in
from study.session_events import (
    ConsentGiven,
    ConsentScopeChanged,
    SessionPaused,
    SessionRejected,
    SessionResumed,
    SessionStarted,
    SessionTakenOver,
    SessionTimedOut,
    SessionWithdrawn,
)
from study.setup_events import ClockSynced
from study.state import canonical
from study.steering_events import InterventionApplied, InterventionCompared
from study.strategies import codes_of
from study.task_events import ConceptInspected, TaskSkipped, TaskStarted, TaskSubmitted, TaskTimedOut
from study.times import moments_of
from study.units import units_in

MakeAct = Callable[..., Act]


@pytest.fixture(scope="module")
def script() -> StudyScript:
    return load_script(Path(__file__).parents[2] / "data" / "studies" / "demo.yaml")


HOSTILE = (None, [], {}, "x", -1, True, [[[]]], {"a": {"b": 1}}, "=1+1", "\0", "0x", "1e999", 10**400)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["name"]))
def test_a_payload_of_another_shape_is_refused_or_read_and_nothing_else(row: dict[str, Any]) -> None:
    """A file that was meddled with may hold anything: reading it is a ValueError or an event, never a crash."""
    for field in row["payload"]:
        for value in HOSTILE:
            try:
                event = event_in(row["name"], json.dumps({**row["payload"], field: value}))
            except (ValueError, TypeError, KeyError, OverflowError):
                continue
            assert isinstance(event, KINDS[row["name"]])


@given(st.sampled_from(get_args(Event)).flatmap(happenings))
def test_every_event_is_one_row_of_csv_whose_cells_are_of_their_columns_types(
    tmp_path_factory: pytest.TempPathFactory, event: Event
) -> None:
    place: dict[str, Any] = {one.column: 1 if one.type in ("integer", "number") else "x" for one in COLUMNS}
    place = {name: place[name] for name in NAMES[: NAMES.index("payload_erased")]}
    path = tmp_path_factory.getbasetemp() / "one.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        write_csv([Stored({**place, "name": event.name}, "00", canonical(payload_of(event)))], file)
    assert check_csv(path) == 1


def test_a_pause_stops_the_time_and_a_link_opened_again_does_not_end_it(script: StudyScript) -> None:
    paused = (*BEGUN, TaskStarted(task="printed_word"), SessionPaused(reason="a call"))
    assert session_in(rows(*paused), script).paused
    assert session_in(rows(*paused, SessionResumed(gap_s=1.0)), script).paused
    went_on = session_in(rows(*paused, SessionResumed(gap_s=1.0, ends_pause=True)), script)
    assert not went_on.paused
    assert went_on.step is Step.WORKSPACE


def test_time_paused_is_not_time_on_task(fresh_log: EventLog, session: str) -> None:
    # a second an act: started at 1, paused from 3 to 6, handed in at 7
    for number, event in enumerate(
        (
            TaskStarted(task="word"),
            ConceptInspected(task="word", component=1),
            SessionPaused(),
            SessionResumed(gap_s=1.0),
            PromptShown(prompt="p", trigger="silence", wording="Please keep talking."),
            SessionResumed(gap_s=1.0, ends_pause=True),
            TaskSubmitted(task="word"),
        )
    ):
        fresh_log.append(session, event, key=str(number))
    records = fresh_log.read(session)
    assert [moment.second for moment in moments_of(records)] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert [moment.working for moment in moments_of(records)] == [0, 1, 2, 3, 3, 3, 3, 4]
    time = findings_of([portrait_of(records)]).of("time")
    assert time.at("in all", "word").value == 3.0
    assert "wall clock" not in time.counted


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (SessionTimedOut(limit="resume_window_hours", gap_s=90_000.0), "timed_out"),
        (SessionRejected(reason="did not look at the pictures"), "rejected"),
        (SessionRejected(outcome="screened_out"), "screened_out"),
    ],
)
def test_a_closed_session_is_over_and_takes_a_withdrawal_alone(
    fresh_log: EventLog, session: str, script: StudyScript, event: Event, outcome: str
) -> None:
    fresh_log.append(session, SessionPaused(), key="pause")
    fresh_log.append(session, event, key="end", actor="researcher")
    found = session_in(fresh_log.read(session), script)
    assert (found.outcome, found.finished, found.step, found.paused) == (outcome, True, Step.DONE, False)
    for late in (ConceptInspected(task="word", component=1), SessionResumed(gap_s=1.0), event):
        with pytest.raises(LogRefused, match=f"ended with {event.name}"):
            fresh_log.append(session, late, key=f"late/{late.name}")
    fresh_log.append(session, SessionWithdrawn(), key="withdrawn")
    assert session_in(fresh_log.read(session), script).outcome == "withdrawn"
    assert fresh_log.verify(session).whole


@pytest.mark.parametrize(
    "end", [TaskTimedOut(task="printed_word", limit_s=480.0), TaskSkipped(task="printed_word", reason="r")]
)
def test_a_task_that_is_over_is_followed_by_the_next_and_counts_in_no_rate(script: StudyScript, end: Event) -> None:
    records = rows(*BEGUN, TaskStarted(task="printed_word"), end)
    found = session_in(records, script)
    assert (found.task, found.order, found.step) == ("scene", 2, Step.BRIEFING)
    assert (found.submitted, found.dropped) == ((), ("printed_word",))
    rest = (*whole("scene"), *whole("badge"))
    assert session_in(rows(*BEGUN, TaskStarted(task="printed_word"), end, *rest), script).step is Step.DONE


def test_a_scope_can_be_taken_back_and_given_again(script: StudyScript) -> None:
    back = ConsentScopeChanged(scope="log", text_sha256="c", given=False)
    assert session_in(rows(*BEGUN, back), script).step is Step.DONE
    again = session_in(rows(*BEGUN, back, replace(back, given=True)), script)
    assert again.consented == {"log"}
    assert again.step is Step.BRIEFING


def of_p01(*happened: Event) -> list[Record]:
    return [Record(one.event, {**one.row, "participant_pseudonym": "P01"}) for one in rows(*happened)]


def test_words_are_withheld_once_the_consent_to_quote_them_is_taken_back() -> None:
    shown = PromptShown(prompt="look", trigger="start", wording="What do you see?")
    said = PromptAnswered(prompt="look", trigger="start", wording="What do you see?", text="a brooch")
    note = ModeratorNoteAdded(who="M1", text="hesitates")
    guess = InterventionPredicted(task="word", label="apple", direction="down", hypothesis="the word does it")
    quote = ConsentGiven(scope="quote", text_sha256="c")
    given = timeline_of(of_p01(quote, shown, said, note, guess)).text
    assert given.splitlines() == [
        "[#2] prompt look: What do you see?",
        "[#3] P01 on look: a brooch",
        "[#4] M1 notes: hesitates",
        "[#5] P01 expects apple down: the word does it",
    ]
    back = ConsentScopeChanged(scope="quote", text_sha256="c", given=False)
    kept = timeline_of(of_p01(quote, shown, said, note, guess, back)).text
    assert kept == given.replace("a brooch", WITHHELD).replace("the word does it", WITHHELD)


def test_the_clocks_distance_stands_in_every_row_until_another_window(fresh_log: EventLog, session: str) -> None:
    look = ConceptInspected(task="word", component=1)
    synced = ClockSynced(offset_ms=-3.25, error_ms=0.5, pairs=5)
    for number, event in enumerate((look, synced, look, SessionTakenOver(gap_s=1.0), look, replace(synced, pairs=6))):
        fresh_log.append(session, event, key=str(number))
    found = [(row.row["offset_ms"], row.row["offset_err_ms"]) for row in fresh_log.read(session)]
    assert found == [(None, None)] * 2 + [(-3.25, 0.5)] * 2 + [(None, None)] * 2 + [(-3.25, 0.5)]
    assert fresh_log.verify(session).whole


def compared(log: EventLog, session: str, bench: Bench) -> InterventionCompared:
    records = log.read(session)
    applied = next(record.event for record in reversed(records) if isinstance(record.event, InterventionApplied))
    return InterventionCompared(
        task="word", before=applied.after, after=applied.after, pinned=bench.pinned, other=applied.before
    )


def test_comparing_is_a_unit_that_changes_nothing(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct, tmp_path: Path
) -> None:
    fresh_log.append(session, *opening(bench, image="7f.png", labels=("apple", "boat", "car")), key="open")
    perform(fresh_log, session, act("edit", 1, 0.5), bench)
    seen = compared(fresh_log, session, bench)
    fresh_log.append(session, seen, key="compare")
    fresh_log.append(
        session, InterventionPreviewed(task="word", component=2, tool="suppress", value=0.3, unit="factor"), key="drag"
    )
    perform(fresh_log, session, act("edit", 1, 0.2), bench)
    records = fresh_log.read(session)
    codes = codes_of(units_in(records))
    assert [code.name for code in codes if code.layer == "move"] == ["suppress", "compare", "suppress"]
    assert [edit.strength for edit in plan_in(records, "word")] == [0.2]
    assert "[#7] compare with apple 0.67 | apple 0.74 -> apple 0.74" in timeline_of(records).text
    assert seen.cells()["other_state_id"] == seen.other.state_id
    for form in ("trrack", "prov", "csv", "parquet", "qdpx"):
        export_log(fresh_log, tmp_path, form)
    graph = json.loads(next(tmp_path.glob("*.trrack.json")).read_text())["word/1"]
    assert len(graph["nodes"]) == 3, "the root and two settings"
    prov = json.loads(next(tmp_path.glob("*.prov.json")).read_text())
    act_id = f"tiller:event-{records[6].event_id}"
    assert [one["prov:activity"] for one in prov["used"].values()].count(act_id) == 2
    assert act_id not in [one["prov:activity"] for one in prov["wasGeneratedBy"].values()]


BEFORE = Prediction(("apple", "boat", "car"), (2.0, 1.0, 0.0))
AFTER = Prediction(("apple", "boat", "car"), (0.0, 1.0, 0.0))


def test_an_expectation_is_scored_by_hand() -> None:
    # apple falls from 0.665 to 0.212, boat comes out on top
    right = scored(Expected(direction="down", top1="boat", probability=0.75), BEFORE, AFTER, task="word", attempt=1)
    assert (right.label, right.direction_came, right.top1_came) == ("apple", "down", "boat")
    assert (right.direction_right, right.top1_right, right.brier) == (True, True, 0.0625)
    wrong = scored(Expected(direction="up", top1="car", probability=0.5), BEFORE, AFTER, task="word", attempt=1)
    assert (wrong.direction_right, wrong.top1_right, wrong.brier) == (False, False, 0.25)
    still = scored(Expected(direction="same"), BEFORE, BEFORE, task="word", attempt=1)
    assert (still.direction_came, still.direction_right, still.top1_right, still.brier) == ("same", True, None, None)


def test_an_expectation_is_kept_with_its_act_and_scored_once(
    fresh_log: EventLog, session: str, bench: Bench, act: MakeAct
) -> None:
    fresh_log.append(session, *opening(bench, image="7f.png", labels=("apple", "boat", "car")), key="open")
    said = {"direction": "down", "top1": "boat", "probability": 0.5, "hypothesis": "the word does it"}
    step = act("edit", 0, -1, expected=said)
    done = perform(fresh_log, session, step, bench)
    assert [record.name for record in done.records] == [
        "intervention.applied",
        "model.predicted",
        "intervention.predicted",
    ]
    assert perform(fresh_log, session, step, bench).records == done.records
    event = done.records[2].event
    assert isinstance(event, InterventionPredicted)
    assert (event.direction_right, event.top1_right, event.brier) == (True, True, 0.25)
    assert done.records[2].row["cause_event_id"] == done.records[0].event_id
    expected = findings_of([portrait_of(fresh_log.read(session))]).of("expected")
    assert [figure.value for figure in expected.figures] == [1, 1, 0.25]
    with pytest.raises(ActRefused, match="'ship' was expected; the model chooses from apple, boat, car"):
        perform(fresh_log, session, act("edit", 0, 0, expected={"top1": "ship"}), bench)
    with pytest.raises(ActRefused, match="probability"):
        act("edit", 0, 0, expected={"probability": 2})


def test_a_score_is_a_variable_of_the_case(
    fresh_log: EventLog, start: Callable[..., SessionStarted], tmp_path: Path
) -> None:
    fresh_log.append("s1", start(), key="start")
    score = InstrumentScored(instrument="sus", version="sus/1", score=85.0, answered=10, items=10)
    fresh_log.append(
        "s1", score, replace(score, instrument="raw_tlx", task="word", subscale="effort", score=70.0), key="scores"
    )
    export_log(fresh_log, tmp_path, "qdpx")
    qde = ZipFile(tmp_path / "project.qdpx").read("project.qde").decode()
    assert 'name="sus" typeOfVariable="Float"' in qde
    assert 'name="word: raw_tlx: effort" typeOfVariable="Float"' in qde
    assert "<FloatValue>85.0</FloatValue>" in qde


def test_hostile_words_of_every_kind_are_no_formula_in_a_spreadsheet() -> None:
    note = ModeratorNoteAdded(who="M1", text="=cmd|'/c calc'!A1\n\0\u2028")
    place = dict.fromkeys(NAMES[: NAMES.index("payload_erased")], "x")
    file = io.StringIO()
    write_csv([Stored({**place, "name": note.name}, "00", canonical(payload_of(note)))], file)
    (row,) = csv.DictReader(io.StringIO(file.getvalue()))
    assert row["moderator_text"] == f"'{note.text}"
