"""The rule coder's codes in the export: each one row, each defined, none without its units."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from study.acts import Act
from study.bench import Bench
from study.exports import export_log
from study.interventions import perform
from study.log import EventLog


def table(out: Path, name: str) -> list[dict[str, str]]:
    with (out / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def exported(fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act], tmp_path: Path) -> Path:
    for step in (act("edit", 1, 0.5), act("edit", 1, 0.2), act("edit", 1, 0), act("inspect", 2), act("edit", 2, 2)):
        perform(fresh_log, session, step, bench)
    export_log(fresh_log, tmp_path / "out", "csv")
    return tmp_path / "out"


def test_each_code_is_a_row_that_names_its_rows_of_the_events(exported: Path) -> None:
    rows = table(exported, "strategy_codes.csv")
    said = [(row["layer"], row["code"], row["first_seq"], row["last_seq"]) for row in rows]
    # rows 2, 4, 6 and 9 of the session are the four settings; each has its prediction after it, and 8 is a look
    assert said == [
        ("move", "suppress", "2", "2"),
        ("scope", "isolate", "2", "2"),
        ("pattern", "sweep", "2", "6"),
        ("move", "suppress", "4", "4"),
        ("scope", "isolate", "4", "4"),
        ("move", "suppress", "6", "6"),
        ("scope", "isolate", "6", "6"),
        ("move", "amplify", "9", "9"),
        ("scope", "bundle", "9", "9"),
    ]
    assert json.loads(rows[-1]["attributes"]) == {"active": 2, "touched": 1}
    assert {(row["session_id"], row["participant_pseudonym"], row["coder"]) for row in rows} == {
        ("s1", "P01", "rules/1.0.0")
    }
    names = {row["seq"]: row["name"] for row in table(exported, "events.csv")}
    assert {names[row["first_seq"]] for row in rows} == {"intervention.applied"}


def test_every_code_given_is_in_the_codebook_with_its_version(exported: Path) -> None:
    book = {row["code"]: row for row in table(exported, "strategy_codebook.csv")}
    assert {row["code"] for row in table(exported, "strategy_codes.csv")} <= set(book)
    assert all(row["definition"].endswith(".") and row["version"] == "rules/1.0.0" for row in book.values())


def test_the_columns_of_the_codes_are_in_their_dictionary(exported: Path) -> None:
    documented = [row["column"] for row in table(exported, "strategy_codes_data_dictionary.csv")]
    assert documented == list(table(exported, "strategy_codes.csv")[0])


def test_a_session_whose_words_were_erased_has_no_codes(
    fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act], stranger, tmp_path: Path
) -> None:
    perform(fresh_log, session, act("edit", 1, 0), bench)
    stranger.execute("insert into erasures values (?, 'payloads', 9, 0)", (session,))
    stranger.execute("delete from payloads")
    export_log(fresh_log, tmp_path / "out", "csv")
    assert table(tmp_path / "out", "strategy_codes.csv") == []
