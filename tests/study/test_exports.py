"""Exports: every column has its sentence, every file reads back, nothing half written is ever left."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, get_args

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_events import ROWS, happenings

from core.types import Prediction, SteeringPlan, TillerError
from study import exports
from study.acts import Act
from study.bench import Bench, Seen
from study.decisions import opening
from study.desk import FORMATS_THERE
from study.events import Event, event_in, payload_of
from study.exports import export_log, formats, manifest
from study.exports.cells import csv_of
from study.exports.columns import COLUMNS, NAMES
from study.exports.manifest import ExportFailed
from study.exports.plain import line_of, unit_in
from study.exports.tidy import as_written, check_csv
from study.interventions import perform
from study.log import EventLog
from study.messages import read_act
from study.records import Record, Stored
from study.schema import events
from study.session_events import SessionResumed, SessionStarted, SystemErrored
from study.state import canonical
from study.system_events import SystemExportMade
from study.task_events import PageEntered, ResponseSubmitted
from study.units import units_in

Start = Callable[..., SessionStarted]


@pytest.fixture
def full(fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act]) -> EventLog:
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
    assert [file.name for file in files] == [
        "events.csv",
        "strategy_codes.csv",
        "events_data_dictionary.csv",
        "strategy_codes_data_dictionary.csv",
        "strategy_codebook.csv",
        "utterances.csv",
        "utterances_data_dictionary.csv",
        *(f"{name}{more}.csv" for name in ("codes", "memos", "codebook") for more in ("", "_data_dictionary")),
        "manifest.json",
    ]
    rows = cells(out)
    assert len(rows) == full.count() == 10
    assert tuple(rows[0]) == NAMES
    with files[2].open(encoding="utf-8", newline="") as file:
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
    assert set(manifest["exports"]) == set(exports.FORMATS)
    for form, one in manifest["exports"].items():
        assert one["streams"] == {"s1": {"rows": 10, "head": full.verify("s1").head}}
        assert one["scripts"] == ["5c"]
        for file in one["files"]:
            assert hashlib.sha256((tmp_path / file["file"]).read_bytes()).hexdigest() == file["sha256"]
        if form not in ("csv", "jsonl"):
            continue
        codes = {"strategy_codes.csv", "strategy_codes_data_dictionary.csv", "strategy_codebook.csv"}
        codes |= {"utterances.csv", "utterances_data_dictionary.csv"}
        codes |= {f"{name}{more}.csv" for name in ("codes", "memos", "codebook") for more in ("", "_data_dictionary")}
        wanted = {f"events.{form}", "events_data_dictionary.csv"} | (codes if form == "csv" else {"streams.jsonl"})
        assert {file["file"] for file in one["files"]} == wanted
        for file in one["files"]:
            data = (tmp_path / file["file"]).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])


def test_what_was_handed_on_is_written_down_in_the_studys_own_stream(
    full: EventLog, start: Start, tmp_path: Path
) -> None:
    full.append("o", start(study="other"), key="start")
    before = full.read("s1")
    export_log(full, tmp_path / "one", "csv", study="demo")
    files = export_log(full, tmp_path / "all", "jsonl")
    assert full.read("s1") == before
    made = [record.event for record in full.read("exports:demo")]
    assert all(isinstance(event, SystemExportMade) for event in made)
    assert [(event.format, event.rows, event.sessions) for event in made] == [("csv", 10, 1), ("jsonl", 10, 1)]
    listed = {one.file: one.sha256 for one in made[1].files}
    assert listed == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert [record.event.format for record in full.read("exports:other")] == ["jsonl"]
    assert full.verify("exports:demo").whole
    export_log(full, tmp_path / "again", "csv")
    assert {row["session_id"] for row in cells(tmp_path / "again")} == {"s1", "o"}, "it is no data"


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
    stranger.drop_guards()
    stranger.execute("UPDATE events SET actor = 'system' WHERE seq = 4")
    with pytest.raises(ExportFailed, match="row 4: its columns were changed"):
        export_log(full, tmp_path, "jsonl")
    assert full.count()
    assert not list(tmp_path.glob("*events*"))


def test_an_export_that_does_not_read_back_leaves_the_old_one(
    full: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_log(full, tmp_path, "csv")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    monkeypatch.setattr(formats, "check_csv", lambda path: 3)
    with pytest.raises(ExportFailed, match="10 rows were written and 3 read back"):
        export_log(full, tmp_path, "csv")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda data: data[:-20], "row 10 has .* cells"),
        (lambda data: data.replace(b",word,1,", b",ward,1,"), "what lies on the disk is not what was written"),
    ],
)
def test_a_file_that_was_cut_or_changed_while_it_was_written_is_found(
    full: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[bytes], bytes], why: str
) -> None:
    honest = manifest.os.fsync

    def harmed(file: int) -> None:
        honest(file)
        (aside,) = tmp_path.glob(".events.csv.*.part")
        aside.write_bytes(harm(aside.read_bytes()))

    monkeypatch.setattr(manifest.os, "fsync", harmed)
    with pytest.raises(ExportFailed, match=why):
        export_log(full, tmp_path, "csv")
    assert not (tmp_path / "events.csv").exists()


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.text("\r\n\t\",'=+-@ a\uff1d\0", max_size=5)
)


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(st.just(""), *[VALUES] * width), max_size=6)))
def test_cells_stand_in_the_file_as_the_csv_module_writes_them(lines: list[tuple[Any, ...]]) -> None:
    def plain(value: Any) -> Any:
        if isinstance(value, str) and value.startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20'\t\r\n")):
            return f"'{value}"
        return str(value).lower() if isinstance(value, bool) else value

    file = io.StringIO()
    csv.writer(file).writerows([[plain(value) for value in line] for line in lines])
    assert csv_of(lines) == file.getvalue()


@given(st.sampled_from(get_args(Event)).flatmap(happenings))
def test_a_line_read_from_the_payload_is_the_one_that_the_event_says(event: Event) -> None:
    same_line(event.name, canonical(payload_of(event)))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["name"]))
def test_a_line_of_an_old_row_is_the_one_that_its_event_says(row: dict[str, Any]) -> None:
    same_line(row["name"], canonical(row["payload"]))


def same_line(name: str, payload: str) -> None:
    place: dict[str, Any] = {**dict.fromkeys(NAMES[: len(events.columns)]), "name": name, "seq": 7, "event_id": "e"}
    one = Stored(place, "00", payload)
    event = event_in(name, payload)
    expected = {**place, "payload_erased": False, **event.cells()}
    assert repr(line_of(one)) == repr([expected.get(column) for column in NAMES])
    unit = unit_in(one)
    assert ([] if unit is None else [unit]) == list(units_in([Record(event, place)]))


def test_progress_ends_at_the_whole(full: EventLog, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    export_log(full, tmp_path, "csv", progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (10, 10)


def test_the_command_names_every_format_there_is() -> None:
    assert set(re.findall(r"[a-z]+(?:-[a-z]+)?", FORMATS_THERE)) - {"or"} == set(exports.FORMATS)


def test_an_unknown_format_is_one_sentence(full: EventLog, tmp_path: Path) -> None:
    with pytest.raises(TillerError, match="'xlsx' was asked for; there are csv, jsonl, parquet, qdpx"):
        export_log(full, tmp_path, "xlsx")


def test_an_empty_log_exports_its_header(fresh_log: EventLog, tmp_path: Path) -> None:
    for form in exports.FORMATS:
        export_log(fresh_log, tmp_path, form)
    assert cells(tmp_path) == lines(tmp_path) == []


TEXTS = ("NA", "None", "null", "nan", "#N/A", "true", "1.10", " x ", "a\rb", "a\r\nb", "a\nb", "a\0b", '"', '""')
TEXTS += ("a,b;c\td", "=1+1", "\uff1d1", "\ufeffx", "\u2028", "-", "\\", "\U0001f642", "'", "''", "\r", "'=1")
TEXTS += ("x" * 200_000,)
NUMBERS = (0.1 + 0.2, -1e-300, 1.7976931348623157e308, 5e-324, -0.0, 70.0, 1 / 3)


def test_pandas_reads_the_values_that_were_written(fresh_log: EventLog, session: str, tmp_path: Path) -> None:
    for place, text in enumerate(TEXTS):
        fresh_log.append(session, ResponseSubmitted(task="word", item="cause", text=text), key=f"text {place}")
    for place, number in enumerate(NUMBERS):
        fresh_log.append(session, ResponseSubmitted(task="word", item="scale", number=number), key=f"number {place}")
    export_log(fresh_log, tmp_path, "csv")
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    how = "read_csv(path, keep_default_na=False, na_values=[''], float_precision='round_trip')"
    assert how in manifest["exports"]["csv"]["how_to_read"]
    table = pandas.read_csv(
        tmp_path / "events.csv", keep_default_na=False, na_values=[""], float_precision="round_trip"
    )
    assert [as_written(text) for text in table["answer_text"].dropna()] == list(TEXTS)
    assert [number.hex() for number in table["answer_number"].dropna()] == [number.hex() for number in NUMBERS]
    assert list(table["seq"]) == list(range(1, 2 + len(TEXTS) + len(NUMBERS)))
    assert table["srv_utc_ns"].iloc[0] == 1_700_000_001_000_000_000
    assert list(table["payload_erased"]) == [False] * len(table)


def test_no_text_begins_with_a_formulas_sign_whoever_wrote_it(
    fresh_log: EventLog, session: str, bench: Bench, tmp_path: Path
) -> None:
    def see(_: SteeringPlan) -> Seen:
        return Seen(prediction=Prediction(("=1+1", "@x"), (1.0, 0.0)))

    risky = replace(bench, see=see)
    fresh_log.append(session, *opening(risky, image="-7f.png", labels=("=1+1", "@x")), key="open")
    look = {"id": "act-000001", "task": "word", "kind": "overlay", "overlay": "-A1"}
    perform(fresh_log, session, read_act(look), risky)
    export_log(fresh_log, tmp_path, "csv")
    found = {
        name: {row[name] for row in cells(tmp_path)} - {""} for name in ("target", "image", "top1_after", "overlay")
    }
    assert found == {
        "target": {"'-7f.png", "'-A1"},
        "image": {"'-7f.png"},
        "top1_after": {"'=1+1"},
        "overlay": {"'-A1"},
    }


def test_a_cell_of_another_type_than_its_columns_is_noticed(full: EventLog, tmp_path: Path) -> None:
    export_log(full, tmp_path, "csv")
    path = tmp_path / "events.csv"
    good = path.read_text(encoding="utf-8")
    assert check_csv(path) == 10
    path.write_text(good.replace(",0.5,factor,", ",half,factor,"), encoding="utf-8")
    with pytest.raises(ValueError, match="row 5, value: 'half' is no number"):
        check_csv(path)


def test_what_is_no_number_to_json_is_null_and_its_chain_still_checks(
    fresh_log: EventLog, session: str, tmp_path: Path
) -> None:
    fresh_log.append(session, SessionResumed(gap_s=math.inf), key="back")
    export_log(fresh_log, tmp_path, "jsonl")
    line = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()[1]
    assert json.loads(line, parse_constant=pytest.fail)["payload"] == {"gap_s": None, "ends_pause": False}


def test_a_stream_of_no_study_names_no_script(fresh_log: EventLog, tmp_path: Path) -> None:
    fresh_log.append("system", SystemErrored(reference="A1", where="page", error="KeyError"), key="A1", actor="system")
    export_log(fresh_log, tmp_path, "csv")
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["exports"]["csv"]["scripts"] == []


def test_rows_before_a_sessions_start_are_exported_with_it(fresh_log: EventLog, start: Start, tmp_path: Path) -> None:
    fresh_log.append("s1", PageEntered(page="welcome"), key="page")
    fresh_log.append("s1", start(), key="start")
    export_log(fresh_log, tmp_path, "jsonl", study="demo")
    assert [line["seq"] for line in lines(tmp_path)] == [1, 2]


def test_an_unknown_study_is_one_sentence_and_no_empty_export(full: EventLog, tmp_path: Path) -> None:
    with pytest.raises(TillerError, match="Study 'dmeo' was asked for; the log has rows of demo: name one"):
        export_log(full, tmp_path / "out", "csv", study="dmeo")
    assert not (tmp_path / "out").exists()


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("theirs", ['{"name": "an extension"}', "hello", "[]", '{"exports": []}', "\xff"])
def test_a_folder_of_something_else_is_refused_and_left_as_it_is(full: EventLog, tmp_path: Path, theirs: str) -> None:
    out = tmp_path / "theirs"
    out.mkdir()
    (out / "manifest.json").write_text(theirs, encoding="latin-1")
    before = listing(out)
    with pytest.raises(ExportFailed, match=r"its manifest\.json is not one of Tiller's; name another folder"):
        export_log(full, out, "csv")
    assert listing(out) == before


def test_a_file_in_the_folders_place_is_one_sentence(full: EventLog, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ExportFailed, match=r"it cannot be made \(there is a file of that name\); name another"):
        export_log(full, tmp_path / "out", "csv")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_failure_at_the_second_file_leaves_no_first(
    full: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(_: TextIO) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(formats, "write_dictionary", full_disk)
    with pytest.raises(ExportFailed, match=r"failed: No space left on device\. The folder is as it was") as caught:
        export_log(full, tmp_path / "out", "csv")
    assert "\n" not in str(caught.value)
    assert ".part" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_folder_in_a_files_place_leaves_no_other_file(full: EventLog, tmp_path: Path) -> None:
    (tmp_path / "out" / "events_data_dictionary.csv").mkdir(parents=True)
    with pytest.raises(ExportFailed, match="a folder of that name is there"):
        export_log(full, tmp_path / "out", "csv")
    assert listing(tmp_path / "out") == {}
