"""What was said, and what people coded, is in the tables of every format: by pseudonym, with the consent beside it."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas
import pytest
from coded import Hand, fill
from typer.testing import CliRunner

from study.__main__ import app
from study.acts import Act
from study.anchors import Anchor
from study.bench import Bench
from study.card import StudyCard
from study.corrections import correct, speech_of
from study.erasure import erase
from study.exports import export_log
from study.exports.jsonl import check_jsonl
from study.imports import import_transcript
from study.log import EventLog
from study.session_events import ConsentGiven

SAID = """WEBVTT

00:00.500 --> 00:01.000
<v Dr Anna Schmidt>What do you see?

00:01.500 --> 00:02.500
<v Benedikt Vogel>=the badge \U0001f9ed

00:02.600 --> 00:02.900
<v Benedikt Vogel>never mind
"""
NAMED = ("Schmidt", "Benedikt")
TABLES = ("utterances", "codes", "memos", "codebook")


@pytest.fixture
def told(fresh_log: EventLog, bench: Bench, act: Callable[..., Act]) -> EventLog:
    fill(fresh_log, bench, act)
    for session in ("5e1", "5e2"):
        anchor = Anchor(media_ms=0.0, error_ms=100.0, seq=1)
        import_transcript(fresh_log, session, SAID.encode(), anchor=anchor, participant="Benedikt Vogel")
    fresh_log.append("5e2", ConsentGiven(scope="quote", text_sha256="c0"), key="consent")
    correct(fresh_log, "5e1", speech_of(fresh_log, "5e1")[2].id, key="struck", text="")
    Hand(fresh_log, "Ada").give(0, "surprise").note(0, "=a memo").lock()
    return fresh_log


def streams(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "streams.jsonl").read_text(encoding="utf-8").splitlines()]


def rows_of(out: Path, table: str) -> list[dict[str, str]]:
    with (out / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_about_a_session_is_a_line_and_the_chains_hold(told: EventLog, tmp_path: Path) -> None:
    export_log(told, tmp_path, "jsonl", study="demo")
    lines = streams(tmp_path)
    known = ["codebook:demo", "coding:5e1:Ada", "transcript:5e1", "transcript:5e2"]
    assert {line["session_id"]: line["hash"] for line in lines} == {
        stream: told.read(stream)[-1].row["hash"] for stream in known
    }
    assert check_jsonl(tmp_path / "streams.jsonl") == sum(len(told.read(stream)) for stream in known)
    about = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["exports"]["jsonl"]
    assert about["streams_about"]["coding:5e1:Ada"]["rows"] == 3
    assert about["left_out"] == {}, "these tables hold all words"


def test_who_speaks_has_the_name_that_all_exports_give_and_the_consent_beside_it(
    told: EventLog, tmp_path: Path
) -> None:
    export_log(told, tmp_path, "jsonl", study="demo")
    text = (tmp_path / "streams.jsonl").read_text(encoding="utf-8")
    assert not any(name in text for name in NAMED)
    said = [line for line in streams(tmp_path) if line["name"] == "utterance.imported"]
    who = [(one["session_id"][-3:], one["payload"]["speaker"], one["payload"]["quotable"]) for one in said]
    assert who == [
        ("5e1", "speaker 1", True),
        ("5e1", "P01", False),
        ("5e1", "", False),  # it was struck out
        ("5e2", "speaker 1", True),
        ("5e2", "P02", True),
        ("5e2", "P02", True),
    ]
    assert not any("payload_text" in line for line in streams(tmp_path) if line["session_id"].startswith("transcript:"))


def test_a_coders_rows_can_be_checked_to_the_last_digest(told: EventLog, tmp_path: Path) -> None:
    export_log(told, tmp_path, "jsonl", study="demo")
    path = tmp_path / "streams.jsonl"
    text = path.read_text(encoding="utf-8")
    assert '"=a memo"' in text
    path.write_text(text.replace("=a memo", "=a mama"), encoding="utf-8")
    with pytest.raises(ValueError, match="coding:5e1:Ada, row 2: its payload was changed"):
        check_jsonl(path)


def test_the_tables_beside_the_events_are_the_same_in_every_format_that_has_them(
    told: EventLog, tmp_path: Path
) -> None:
    for form in ("csv", "parquet", "psych-ds", "sqlite"):
        export_log(told, tmp_path / form, form, study="demo")
    with closing(sqlite3.connect(tmp_path / "sqlite" / "record.db")) as copy:
        for table in TABLES:
            as_csv = rows_of(tmp_path / "csv", table)
            assert as_csv, table
            named = tmp_path / "psych-ds" / "data" / f"study-demo_table-{table}_data.csv"
            assert named.read_bytes() == (tmp_path / "csv" / f"{table}.csv").read_bytes()
            typed = pandas.read_parquet(tmp_path / "parquet" / f"{table}.parquet")
            found = copy.execute(f"SELECT * FROM {table}")
            assert [one[0] for one in found.description] == list(typed.columns) == list(as_csv[0])
            assert len(found.fetchall()) == len(typed) == len(as_csv)
        words = "SELECT text FROM utterances WHERE quotable AND by_participant ORDER BY number"
        assert copy.execute(words).fetchall() == [("=the badge \U0001f9ed",), ("never mind",)]
    typed = pandas.read_parquet(tmp_path / "parquet" / "utterances.parquet")
    assert list(typed["text"])[:2] == ["What do you see?", "=the badge \U0001f9ed"]
    assert typed["quotable"].dtype == bool and typed["begin_s"].dtype == float


def test_the_copy_for_sql_has_the_rows_about_its_sessions_and_nobodys_name(told: EventLog, tmp_path: Path) -> None:
    told.append("transcript:else", ConsentGiven(scope="quote", text_sha256="c0"), key="of no session here")
    export_log(told, tmp_path, "sqlite", study="demo")
    held = (tmp_path / "record.db").read_bytes()
    assert not any(name.encode() in held for name in NAMED)
    with closing(sqlite3.connect(tmp_path / "record.db")) as copy:
        found = copy.execute(
            "SELECT session_id, count(*) FROM events GROUP BY session_id ORDER BY session_id"
        ).fetchall()
    known = ("5e1", "5e2", "codebook:demo", "coding:5e1:Ada", "transcript:5e1", "transcript:5e2")
    assert found == [(stream, len(told.read(stream))) for stream in known]


def test_the_copy_for_sql_is_whole_by_the_command(
    told: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_log(told, tmp_path, "sqlite", study="demo")
    monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{tmp_path / 'record.db'}")
    monkeypatch.setenv("TILLER_FILES", str(tmp_path / "no recordings here"))
    done = CliRunner().invoke(app, ["verify", "--json"])
    assert (done.exit_code, json.loads(done.stdout)["whole"]) == (0, True), done.output


def test_what_was_erased_is_in_no_table(told: EventLog, tmp_path: Path) -> None:
    erase(told, "5e2")
    for form in ("jsonl", "sqlite", "parquet", "psych-ds"):
        export_log(told, tmp_path / form, form, study="demo")
    lines = streams(tmp_path / "jsonl")
    assert all(line["payload_erased"] for line in lines if line["session_id"] == "transcript:5e2")
    with closing(sqlite3.connect(tmp_path / "sqlite" / "record.db")) as copy:
        assert copy.execute("SELECT DISTINCT session_id FROM utterances").fetchall() == [("5e1",)]
    assert set(pandas.read_parquet(tmp_path / "parquet" / "utterances.parquet")["session_id"]) == {"5e1"}


def test_the_study_card_is_an_export_of_its_own_in_both_forms(told: EventLog, tmp_path: Path) -> None:
    files = export_log(told, tmp_path, "card", study="demo")
    assert [path.name for path in files] == ["demo_study_card.md", "demo_study_card.json", "manifest.json"]
    card = StudyCard.model_validate_json((tmp_path / "demo_study_card.json").read_bytes())
    assert len(card.plain()) == 6
    assert files[0].read_text(encoding="utf-8").startswith(f"# {card.benchmark_details.name}\n")
    assert card.data.source.startswith("2 sessions of people")
    erase(told, "5e1")
    erase(told, "5e2")
    assert export_log(told, tmp_path, "card", study="demo")
