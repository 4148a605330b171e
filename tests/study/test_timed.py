"""Sessions on a clock, read back by parsers that are not ours."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas
import pytest
import webvtt
from pympi.Elan import Eaf

from study.acts import Act
from study.bench import Bench
from study.decisions import opening
from study.exports import export_log
from study.exports.marks import marks_of, seconds_of
from study.exports.timed import check_eaf, check_events_tsv, check_vtt
from study.interventions import perform
from study.log import EventLog
from study.records import Record
from study.session_events import ConsentGiven
from study.task_events import ResponseSubmitted

SAID = "the badge --> \U0001f9ed\n\tor \x07 the <clock> & so on"


@pytest.fixture
def filled(fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act]) -> EventLog:
    fresh_log.append(session, ConsentGiven(scope="quote", text_sha256="c0"), key="consent")
    fresh_log.append(session, *opening(bench, image="7f.png", labels=("apple", "boat", "car")), key="open")
    for step in (act("edit", 1, 0.5), act("inspect", 2), act("undo")):
        perform(fresh_log, session, step, bench)
    fresh_log.append(session, ResponseSubmitted(task="word", item="cause", text=SAID), key="answer")
    return fresh_log


# The clock of the conftest moves one second a reading, and each act reads it once.
ONSETS = {"task.started": 2.0, "intervention.applied": 3.0, "concept.inspected": 4.0, "intervention.undone": 5.0}


def only(folder: Path, ending: str) -> Path:
    (found,) = folder.glob(f"*{ending}")
    assert found.name == f"demo_P01_s1{ending}"
    return found


def test_seconds_are_taken_from_one_boots_clock_and_across_boots_from_the_wall(filled: EventLog, session: str) -> None:
    records = filled.read(session)
    assert seconds_of(records)[:3] == [0.0, 1.0, 2.0]

    def restarted(record: Record) -> Record:
        later = record.seq > 4
        row = {**record.row, "boot_id": "two" if later else "one"}
        if later:  # another boot's monotonic clock means nothing beside the first one's
            row["srv_mono_ns"] = int(record.row["srv_mono_ns"] or 0) - 1_000_000_000_000
            row["srv_utc_ns"] = int(record.row["srv_utc_ns"] or 0) + 60_000_000_000
        return replace(record, row=row)

    moved = seconds_of([restarted(record) for record in records])
    assert moved == pytest.approx(
        [s + (60 if record.seq > 4 else 0) for s, record in zip(seconds_of(records), records, strict=True)]
    )
    back = [replace(r, row={**r.row, "boot_id": str(r.seq), "srv_utc_ns": -r.seq}) for r in records]
    assert seconds_of(back) == [0.0] * len(records), "a wall clock set back never turns the order round"


def test_the_bids_table_is_sorted_numeric_and_described(filled: EventLog, tmp_path: Path) -> None:
    export_log(filled, tmp_path, "bids")
    table = pandas.read_csv(only(tmp_path, "_events.tsv"), sep="\t", quoting=csv.QUOTE_NONE, keep_default_na=False)
    assert list(table.columns[:3]) == ["onset", "duration", "trial_type"]
    assert dict(zip(table["trial_type"], table["onset"], strict=True)) == ONSETS | {"response.submitted": 6.0}
    assert table["duration"].tolist() == [1.0, 1.0, 1.0, 1.0, 0.001]
    assert table["strategy"].tolist() == ["n/a", "suppress isolate", "n/a", "undo", "n/a"]
    assert table["words"].tolist()[-1] == "P01 on cause: the badge --> \U0001f9ed or \x07 the <clock> & so on"
    assert set(json.loads((tmp_path / "events.json").read_text())) == set(table.columns)


def test_the_webvtt_track_holds_one_json_cue_a_line(filled: EventLog, tmp_path: Path) -> None:
    export_log(filled, tmp_path, "webvtt")
    cues = list(webvtt.read(str(only(tmp_path, ".vtt"))))
    held = [json.loads(cue.raw_text) for cue in cues]
    assert [(cue.start, cue.end) for cue in cues][:2] == [
        ("00:00:02.000", "00:00:03.000"),
        ("00:00:03.000", "00:00:04.000"),
    ]
    assert [one["name"] for one in held] == [*ONSETS, "response.submitted"]
    assert held[-1]["words"] == f"P01 on cause: {SAID}"
    assert held[1]["codes"] == ["suppress", "isolate"]


def test_the_elan_file_holds_what_was_done_and_its_codes(filled: EventLog, tmp_path: Path) -> None:
    export_log(filled, tmp_path, "elan")
    eaf = Eaf(str(only(tmp_path, ".eaf")))
    assert set(eaf.get_tier_names()) == {"record", "strategy"}
    record = sorted(eaf.get_annotation_data_for_tier("record"))
    assert [(begin, end) for begin, end, *_ in record] == [
        (2000, 3000),
        (3000, 4000),
        (4000, 5000),
        (5000, 6000),
        (6000, 6001),
    ]
    assert record[1][2] == "suppress component 1 to 0.5 times | apple 0.67 -> apple 0.74"
    assert record[-1][2] == f"P01 on cause: {SAID}".replace("\x07", "\ufffd")
    assert [one[2] for one in sorted(eaf.get_annotation_data_for_tier("strategy"))] == ["suppress isolate", "undo"]


def test_parquet_has_typed_columns_and_logits_as_float32(filled: EventLog, session: str, tmp_path: Path) -> None:
    export_log(filled, tmp_path, "parquet")
    table = pandas.read_parquet(tmp_path / "events.parquet")
    assert len(table) == filled.count()
    applied = table[table["name"] == "intervention.applied"].iloc[0]
    assert applied["logits_after"].dtype == "float32"
    assert applied["logits_after"].tolist() == [2.0, 0.5, 0.0]
    assert applied["srv_utc_ns"] == filled.read(session)[5].row["srv_utc_ns"], "64-bit integers stay whole"
    assert table["answer_text"].dropna().tolist() == [SAID]
    export_log(filled, tmp_path, "csv")
    plain = pandas.read_csv(tmp_path / "events.csv", keep_default_na=False, na_values=[""])
    assert list(plain.columns) == list(table.columns)


def test_a_session_nobody_started_is_no_ones_timeline(fresh_log: EventLog, tmp_path: Path) -> None:
    fresh_log.append("stray", ConsentGiven(scope="quote", text_sha256="c0"), key="consent")
    for form in ("bids", "webvtt", "elan"):
        export_log(fresh_log, tmp_path / form, form)
        assert [path.name for path in (tmp_path / form).glob("*stray*")] == []
    assert marks_of(()) == ()


@pytest.mark.parametrize(
    ("form", "ending", "check", "spoil", "sentence"),
    [
        ("bids", "_events.tsv", check_events_tsv, ("\t1.000000\t", "\t0\t"), "out of order or has a hole"),
        ("webvtt", ".vtt", check_vtt, ("--> 00:00:03.000", "--> 00:00:01.000"), "has no length"),
        ("elan", ".eaf", check_eaf, ('TIME_SLOT_ID="ts2"', 'TIME_SLOT_ID="ts99"'), "has no place in time"),
    ],
)
def test_a_spoilt_file_is_noticed(
    filled: EventLog,
    tmp_path: Path,
    form: str,
    ending: str,
    check: Callable[[Path], int],
    spoil: tuple[str, str],
    sentence: str,
) -> None:
    export_log(filled, tmp_path, form)
    path = only(tmp_path, ending)
    assert check(path) > 0
    path.write_text(path.read_text(encoding="utf-8").replace(*spoil), encoding="utf-8")
    with pytest.raises(ValueError, match=sentence):
        check(path)
