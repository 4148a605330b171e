"""Exports: every column has its sentence, every file reads back, nothing half written is ever left."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.types import TillerError
from study import exports
from study.events import ResponseSubmitted, SessionStarted
from study.exports import export_log
from study.exports.columns import COLUMNS, NAMES
from study.exports.manifest import ExportFailed
from study.exports.tidy import as_written
from study.interventions import Bench, opening, perform
from study.log import EventLog
from study.schema import events

Start = Callable[..., SessionStarted]


@pytest.fixture
def full(fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., object]) -> EventLog:
    fresh_log.append(session, *opening(bench, image="7f.png", labels=("apple", "boat", "car")), key="open")
    perform(fresh_log, session, act("edit", 1, 0.5), bench)
    perform(fresh_log, session, act("undo"), bench)
    answers = (
        ResponseSubmitted(task="word", item="cause", text="=1+1, \u201cquoted\u201d \U0001f642\nsecond line"),
        ResponseSubmitted(task="word", item="confidence", number=70),
    )
    fresh_log.append(session, *answers, key="answer")
    return fresh_log


def cells(out: Path) -> list[dict[str, str]]:
    with (out / "events.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def test_every_column_is_documented() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for column in COLUMNS:
        assert column.meaning.endswith(".")
        assert len(column.meaning.split()) >= 2
        assert column.type in {"integer", "number", "text", "boolean", "JSON"}
        assert column.source in {"log", "engine", "script", "browser", "participant"}
        assert column.empty


def test_every_column_of_the_table_is_exported(fresh_log: EventLog) -> None:
    assert NAMES[: len(events.columns)] == tuple(column.name for column in events.columns)


def test_the_csv_holds_one_row_per_event_under_the_dictionarys_columns(full: EventLog, tmp_path: Path) -> None:
    out = tmp_path / "out"
    files = export_log(full, out, "csv")
    assert [file.name for file in files] == ["events.csv", "events_data_dictionary.csv", "manifest.json"]
    rows = cells(out)
    assert len(rows) == full.count() == 10
    assert tuple(rows[0]) == NAMES
    with files[1].open(encoding="utf-8", newline="") as file:
        assert tuple(row["column"] for row in csv.DictReader(file)) == NAMES


def test_an_intervention_is_one_complete_row(full: EventLog, tmp_path: Path) -> None:
    export_log(full, tmp_path, "csv")
    row = next(row for row in cells(tmp_path) if row["name"] == "intervention.applied")
    expected = {
        "component": "1",
        "tool": "suppress",
        "op": "scale",
        "strength": "0.5",
        "op_previous": "",
        "value": "0.5",
        "unit": "factor",
        "scope": "active",
        "logits_before": "[2.0, 1.0, 0.0]",
        "logits_after": "[2.0, 0.5, 0.0]",
        "top1_before": "apple",
        "model_sha256": "m",
        "dictionary_sha256": "d",
        "image_sha256": "i",
        "participant_pseudonym": "P01",
        "seq": "5",
        "payload_erased": "false",
    }
    assert {name: row[name] for name in expected} == expected
    # e^2 / (e^2 + e^1 + e^0), worked out by hand: 7.3891 / 11.1073
    assert float(row["top1_probability_before"]) == pytest.approx(0.66524, abs=1e-5)


def test_a_participants_formula_is_text_and_can_be_had_back(full: EventLog, tmp_path: Path) -> None:
    export_log(full, tmp_path, "csv")
    cell = next(row["answer_text"] for row in cells(tmp_path) if row["item"] == "cause")
    assert cell == "'=1+1, \u201cquoted\u201d \U0001f642\nsecond line"
    assert as_written(cell) == cell[1:]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "'x", "''=x", "\n=1"])
def test_no_cell_from_a_participant_begins_with_a_formulas_sign(
    fresh_log: EventLog, session: str, tmp_path: Path, text: str
) -> None:
    fresh_log.append(session, ResponseSubmitted(task="word", item="cause", text=text), key="answer")
    export_log(fresh_log, tmp_path, "csv")
    cell = cells(tmp_path)[-1]["answer_text"]
    assert cell.startswith("'")
    assert as_written(cell) == text


def test_numbers_below_zero_stay_numbers(fresh_log: EventLog, session: str, bench: Bench, tmp_path: Path, act) -> None:
    perform(fresh_log, session, act("edit", 1, -2), bench)
    export_log(fresh_log, tmp_path, "csv")
    assert cells(tmp_path)[1]["strength"] == "-2.0"


def test_json_lines_hold_wide_numbers_as_strings_and_the_payload_as_json(full: EventLog, tmp_path: Path) -> None:
    export_log(full, tmp_path, "jsonl")
    found = lines(tmp_path)
    assert found[0]["srv_utc_ns"] == "1700000001000000000"
    assert isinstance(found[0]["seq"], int)
    answer = next(line["payload"] for line in found if line["target"] == "confidence")
    assert answer == {"task": "word", "attempt": 1, "item": "confidence", "text": "", "number": 70.0}


def test_digests_in_json_lines_can_be_checked_without_this_program(full: EventLog, tmp_path: Path) -> None:
    export_log(full, tmp_path, "jsonl")
    for line in lines(tmp_path):
        salted = bytes.fromhex(str(line["salt"])) + str(line["payload_text"]).encode()
        assert hashlib.sha256(salted).hexdigest() == line["payload_digest"]


def test_the_manifest_lists_every_file_with_its_digest_and_every_head(full: EventLog, tmp_path: Path) -> None:
    for form in exports.FORMATS:
        export_log(full, tmp_path, form)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["exports"]) == {"csv", "jsonl"}
    for form, one in manifest["exports"].items():
        assert one["streams"] == {"s1": {"rows": 10, "head": full.verify("s1").head}}
        assert one["scripts"] == ["5c"]
        assert {file["file"] for file in one["files"]} == {f"events.{form}", "events_data_dictionary.csv"}
        for file in one["files"]:
            data = (tmp_path / file["file"]).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])


def test_preview_sessions_are_no_data_unless_asked_for(full: EventLog, start: Start, tmp_path: Path) -> None:
    full.append("p", start(mode="preview"), key="start")
    export_log(full, tmp_path, "csv")
    assert {row["session_id"] for row in cells(tmp_path)} == {"s1"}
    export_log(full, tmp_path, "csv", without=())
    assert {row["session_id"] for row in cells(tmp_path)} == {"s1", "p"}


def test_one_study_can_be_exported_alone(full: EventLog, start: Start, tmp_path: Path) -> None:
    full.append("o", start(study="other"), key="start")
    export_log(full, tmp_path, "csv", study="other")
    assert {row["session_id"] for row in cells(tmp_path)} == {"o"}


def test_erased_words_are_said_to_be_erased(full: EventLog, stranger, tmp_path: Path) -> None:
    stranger.execute("INSERT INTO erasures VALUES ('s1', 'payloads', 10, 1)")
    stranger.execute("DELETE FROM payloads")
    for form in exports.FORMATS:
        export_log(full, tmp_path, form)
    assert {row["payload_erased"] for row in cells(tmp_path)} == {"true"}
    assert {row["answer_text"] for row in cells(tmp_path)} == {""}
    assert all(line["payload_erased"] and "payload" not in line for line in lines(tmp_path))


def test_a_tampered_log_is_not_exported_as_json_lines(full: EventLog, stranger, tmp_path: Path) -> None:
    for (trigger,) in stranger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        stranger.execute(f"DROP TRIGGER {trigger}")
    stranger.execute("UPDATE events SET actor = 'system' WHERE seq = 4")
    with pytest.raises(ExportFailed, match="row 4: its columns were changed"):
        export_log(full, tmp_path, "jsonl")
    assert (tmp_path / "record").exists()
    assert not list(tmp_path.glob("*events*"))


def test_an_export_that_does_not_read_back_leaves_the_old_one(
    full: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_log(full, tmp_path, "csv")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    monkeypatch.setattr(exports, "check_csv", lambda path: 3)
    with pytest.raises(ExportFailed, match="10 rows were written and 3 read back"):
        export_log(full, tmp_path, "csv")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_progress_ends_at_the_whole(full: EventLog, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    export_log(full, tmp_path, "csv", progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (10, 10)


def test_an_unknown_format_is_one_sentence(full: EventLog, tmp_path: Path) -> None:
    with pytest.raises(TillerError, match="'xlsx' was asked for; there are csv and jsonl"):
        export_log(full, tmp_path, "xlsx")


def test_an_empty_log_exports_its_header(fresh_log: EventLog, tmp_path: Path) -> None:
    for form in exports.FORMATS:
        export_log(fresh_log, tmp_path, form)
    assert cells(tmp_path) == lines(tmp_path) == []
