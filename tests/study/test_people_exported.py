"""What people have coded leaves with the data: as tidy rows, and in a REFI-QDA project under their own names."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from coded import STUDY, Hand, code, fill
from test_refi_qda import ROOT, SCHEMA, Q, parsed
from typer.testing import CliRunner

from study.__main__ import app
from study.acts import Act
from study.bench import Bench
from study.codebook import books_of, change_codebook
from study.erasure import erase
from study.exports import export_log
from study.exports.tidy import as_written
from study.log import EventLog
from study.staff import CONSENSUS

MEMO = "=HYPERLINK(\"x\") \U0001f9ed <b>'he' sounds sure</b>\nand then not"


@pytest.fixture
def coded(fresh_log: EventLog, bench: Bench, act: Callable[..., Act]) -> EventLog:
    fill(fresh_log, bench, act)
    Hand(fresh_log, "Ada").give(0, "surprise").give(0, "suppress").note(0, MEMO).give(4, "trust basis").lock()
    Hand(fresh_log, "Ben").give(0, "surprise").note(4, "later removed").note(4, "")
    hand = Hand(fresh_log, CONSENSUS, by="Ada")
    hand.coder.agree(hand.units[0], [code("surprise")], version=1, key="agree-1")
    left = [one for one in books_of(fresh_log, STUDY)[-1].entries if one.name != "surprise"]
    left = [replace(one, name="at a loss") if one.name == "confusion" else one for one in left]
    change_codebook(fresh_log, STUDY, left, mapping={code("surprise"): code("confusion")}, by="Ada", since=1)
    Hand(fresh_log, "Ada", "5e2").give(3, "confusion")
    return fresh_log


def table(out: Path, name: str) -> list[dict[str, str]]:
    with (out / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_standing_code_is_a_row_under_its_coder_and_version(coded: EventLog, tmp_path: Path) -> None:
    export_log(coded, tmp_path, "csv", study=STUDY)
    rows = table(tmp_path, "codes.csv")
    said = {(r["session_id"], r["unit_seq"], r["coder"], r["code"], r["codebook_version"], r["locked"]) for r in rows}
    answer = next(row["seq"] for row in table(tmp_path, "events.csv") if row["name"] == "response.submitted")
    assert said == {
        ("5e1", "2", "Ada", "surprise", "1", "true"),
        ("5e1", "2", "Ada", "suppress", "1", "true"),
        ("5e1", answer, "Ada", "trust basis", "1", "true"),
        ("5e1", "2", "Ben", "surprise", "1", "false"),
        ("5e1", "2", "consensus", "surprise", "1", "false"),
        ("5e2", "8", "Ada", "at a loss", "2", "false"),
    }
    assert {row["layer"] for row in rows} == {"move", "theme"}
    assert {row["participant_pseudonym"] for row in rows} == {"P01", "P02"}
    events = {row["event_id"] for row in table(tmp_path, "events.csv")}
    assert {row["unit"] for row in rows} <= events


def test_a_memo_cannot_run_in_a_spreadsheet_and_reads_back(coded: EventLog, tmp_path: Path) -> None:
    export_log(coded, tmp_path, "csv", study=STUDY)
    (memo,) = table(tmp_path, "memos.csv")
    assert memo["memo"].startswith("'=")
    assert as_written(memo["memo"]) == MEMO


def test_every_version_of_the_codebook_leaves_with_the_codes(coded: EventLog, tmp_path: Path) -> None:
    export_log(coded, tmp_path, "csv", study=STUDY)
    rows = table(tmp_path, "codebook.csv")
    assert {row["codebook_version"] for row in rows} == {"1", "2"}
    names = {row["codebook_version"]: row["code"] for row in rows if row["code_id"] == code("confusion")}
    assert names == {"1": "confusion", "2": "at a loss"}
    about = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["exports"]["csv"]
    assert (about["rules"], about["codebooks"]) == ("rules/1.0.0", {STUDY: 2})
    for name in ("codes", "memos", "codebook"):
        documented = [row["column"] for row in table(tmp_path, f"{name}_data_dictionary.csv")]
        assert documented == list(table(tmp_path, f"{name}.csv")[0])


def test_the_project_is_valid_by_the_official_schema(coded: EventLog, tmp_path: Path) -> None:
    found = [folder / SCHEMA for folder in (ROOT / "shared", ROOT.parent / "shared") if (folder / SCHEMA).is_file()]
    if not found:
        pytest.skip(f"the schema is not ours to ship, and there is no shared/{SCHEMA} in or beside the checkout")
    export_log(coded, tmp_path, "qdpx", study=STUDY)
    root, _ = parsed(tmp_path / "project.qdpx")
    errors = [
        error.reason for error in xmlschema.XMLSchema(str(found[0])).iter_errors(ElementTree.tostring(root).decode())
    ]
    assert errors == []


def test_codings_and_memos_read_back_in_their_places_under_their_coders(coded: EventLog, tmp_path: Path) -> None:
    export_log(coded, tmp_path, "qdpx", study=STUDY)
    root, texts = parsed(tmp_path / "project.qdpx")
    users = {user.get("guid"): user.get("name") for user in root.iter(f"{Q}User")}
    assert list(users.values()) == ["rules/1.0.0", "Ada", "Ben", "consensus"]
    codes = {one.get("guid"): one.get("name") for one in root.iter(f"{Q}Code")}
    notes = {
        one.get("guid"): (users[one.get("creatingUser")], one.findtext(f"{Q}PlainTextContent"))
        for one in root.iter(f"{Q}Note")
    }
    given, memos = set(), set()
    for source in root.iter(f"{Q}TextSource"):
        text = texts[f"sources/{source.get('guid')}.txt"]
        for selection in source.iter(f"{Q}PlainTextSelection"):
            line = text[int(str(selection.get("startPosition"))) : int(str(selection.get("endPosition")))]
            place = (str(source.get("name")), int(line[2 : line.index("]")]))
            for coding in selection.iter(f"{Q}Coding"):
                coder = users[coding.get("creatingUser")]
                if coder != "rules/1.0.0":
                    given.add((*place, coder, codes[coding[0].get("targetGUID")]))
            memos |= {(*place, *notes[one.get("targetGUID")]) for one in selection.findall(f"{Q}NoteRef")}
    rows = {row["seq"]: row["name"] for row in map(dict, _events(coded))}
    answer = next(seq for seq, name in rows.items() if name == "response.submitted")
    assert given == {
        ("P01 timeline", 2, "Ada", "surprise"),
        ("P01 timeline", 2, "Ada", "suppress"),
        ("P01 timeline", answer, "Ada", "trust basis"),
        ("P01 timeline", 2, "Ben", "surprise"),
        ("P01 timeline", 2, "consensus", "surprise"),
        ("P02 timeline", 8, "Ada", "at a loss"),
    }
    assert memos == {("P01 timeline", 2, "Ada", MEMO)}


def _events(log: EventLog) -> list[dict[str, object]]:
    return [{"seq": record.seq, "name": record.name} for record in log.read("5e1")]


def test_an_erased_sessions_codes_and_memos_leave_no_more(coded: EventLog, tmp_path: Path) -> None:
    erase(coded, "5e1")
    export_log(coded, tmp_path, "csv", study=STUDY)
    assert {row["session_id"] for row in table(tmp_path, "codes.csv")} == {"5e2"}
    assert table(tmp_path, "memos.csv") == []


def test_the_agreement_command_prints_figures_and_reasons(
    coded: EventLog, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", url)
    Hand(coded, "Ben").lock()
    done = CliRunner().invoke(app, ["agreement", "--study", STUDY, "--coders", "Ada,Ben", "--version", "1", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["codebook"], found["units"], found["differing"]) == (1, 5, 2)
    surprise = next(row for row in found["rows"] if row["of"] == "surprise")
    assert (surprise["observed"]["value"], surprise["kappa"]["value"]) == (1.0, 1.0)
    assert surprise["observed"]["why_no_interval"] == "one participant: nothing to draw anew"
    words = CliRunner().invoke(app, ["agreement", "--study", STUDY, "--coders", "Ada,Ben,rules"])
    assert words.exit_code == 0 and "Ada, Ben, rules" in words.stdout
    alone = CliRunner().invoke(app, ["agreement", "--study", STUDY, "--coders", "Ada"])
    assert alone.exit_code == 2 and "two or more" in alone.stderr.replace("\n", " ")
