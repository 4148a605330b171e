"""Exports that keep the record's own shape: SQLite, Psych-DS, Trrack graphs."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from strangers import Stranger

from study.acts import Act
from study.bench import Bench
from study.decisions import opening
from study.exports import export_log
from study.exports.columns import NAMES
from study.exports.manifest import ExportFailed
from study.exports.psych_ds import check_name, name_of
from study.exports.trrack import check_trrack
from study.interventions import perform
from study.log import EventLog
from study.participants import admit
from study.session_events import SessionStarted

LABELS = ("apple", "boat", "car")
Start = Callable[..., SessionStarted]


@pytest.fixture
def filled(fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act], start: Start) -> EventLog:
    admit(fresh_log, "demo")
    fresh_log.append(session, *opening(bench, image="7f.png", labels=LABELS), key="open")
    for step in (act("edit", 1, 0), act("edit", 2, 2), act("undo"), act("edit", 3, 0), act("undo"), act("redo")):
        perform(fresh_log, session, step, bench)
    perform(fresh_log, session, act("reset"), bench)
    fresh_log.append("previewed", start(participant="P02", mode="preview"), key="start")
    fresh_log.append("previewed", *opening(bench, image="7f.png", labels=LABELS), key="open")
    perform(fresh_log, "previewed", act("edit", 5, 2), bench)
    return fresh_log


def test_the_sqlite_copy_holds_the_sessions_and_nothing_that_leads_to_people(filled: EventLog, tmp_path: Path) -> None:
    export_log(filled, tmp_path, "sqlite")
    with closing(sqlite3.connect(tmp_path / "record.db")) as copy:
        tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        people = {"participants", "leases", "staff", "moderators", "passphrases", "sign_ins"}
        assert not (people | {"recruitment_links", "arrivals", "platform_ids"}) & tables
        assert copy.execute("SELECT DISTINCT session_id FROM events").fetchall() == [("s1",)]
        counts = [copy.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("events", "payloads")]
        assert counts == [len(filled.read("s1"))] * 2
        used = "SELECT after_state_id FROM events UNION SELECT before_state_id FROM events"
        (loose,) = copy.execute(f"SELECT count(*) FROM states WHERE state_id NOT IN ({used})").fetchone()
        assert loose == 0
        assert copy.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").fetchone() == (0,)


def test_the_sqlite_copy_of_a_damaged_chain_is_not_kept(filled: EventLog, stranger: Stranger, tmp_path: Path) -> None:
    stranger.drop_guards()
    stranger.execute("UPDATE events SET actor = 'system' WHERE session_id = 's1' AND seq = 4")
    with pytest.raises(ExportFailed, match="session s1, row 4: its columns were changed"):
        export_log(filled, tmp_path / "out", "sqlite")
    assert not (tmp_path / "out").exists()


def test_psych_ds_names_and_describes_every_column(filled: EventLog, tmp_path: Path) -> None:
    export_log(filled, tmp_path, "psych-ds")
    (table,) = (path for path in (tmp_path / "data").iterdir() if "_table-" not in path.name)
    assert table.name == "study-demo_participant-P01_session-s1_data.csv"
    assert re.fullmatch(r"([a-z]+-[a-zA-Z0-9]+)(_[a-z]+-[a-zA-Z0-9]+)*_data\.csv", table.name)
    said = json.loads((tmp_path / "dataset_description.json").read_text(encoding="utf-8"))
    assert (said["@context"], said["@type"], said["name"]) == ("https://schema.org", "Dataset", "Tiller")
    with table.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    listed = [one["name"] for one in said["variableMeasured"]]
    assert header == list(NAMES) == listed[: len(NAMES)]
    for beside in (tmp_path / "data").glob("study-all_table-*_data.csv"):
        with beside.open(encoding="utf-8", newline="") as file:
            assert set(next(csv.reader(file))) <= set(listed)


@pytest.mark.parametrize(("study", "session"), [("clip-watermark 01", "4f-aa"), ("..", "/"), ("\u00e9tude", "s_1")])
def test_any_id_gives_a_name_that_psych_ds_knows(study: str, session: str) -> None:
    name = name_of(study, "P01", session)
    check_name(name)
    assert name.count("/") == 1


def test_a_name_that_psych_ds_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="is no Psych-DS name"):
        check_name("data/Study-1_data.csv")


def test_trrack_has_a_node_for_each_state_made_and_a_step_for_each_move(filled: EventLog, tmp_path: Path) -> None:
    export_log(filled, tmp_path, "trrack")
    held = json.loads((tmp_path / "demo_P01_s1.trrack.json").read_text(encoding="utf-8"))
    graph = held["word/1"]
    by_label = {node["label"]: node for node in graph["nodes"].values()}
    assert set(by_label) == {"Root", "suppress component 1", "amplify component 2", "suppress component 3", "reset"}
    first = by_label["suppress component 1"]
    # 2 was undone, and 3 was then tried from where 2 had been: two children of one node
    assert [graph["nodes"][child]["label"] for child in first["children"]] == [
        "amplify component 2",
        "suppress component 3",
    ]
    assert [node["level"] for node in graph["nodes"].values()] == [0, 1, 2, 2, 3]
    way = [graph["nodes"][step["nodeId"]]["label"] for step in graph["traversalEvents"]]
    one, two, three = "suppress component 1", "amplify component 2", "suppress component 3"
    assert way == [one, two, one, three, one, three, "reset"]
    assert graph["nodes"][graph["current"]]["label"] == "reset"
    assert by_label["suppress component 3"]["state"]["val"] == [
        {"component": 1, "op": "scale", "strength": 0.0, "scope": "active"},
        {"component": 3, "op": "scale", "strength": 0.0, "scope": "active"},
    ]


def test_a_spoilt_trrack_graph_is_noticed(filled: EventLog, tmp_path: Path) -> None:
    export_log(filled, tmp_path, "trrack")
    path = tmp_path / "demo_P01_s1.trrack.json"
    whole = path.read_text(encoding="utf-8")
    for spoil, sentence in (("children", "is not among its parent's children"), ("current", "which is not there")):
        held = json.loads(whole)
        graph = held["word/1"]
        if spoil == "children":
            graph["nodes"][graph["root"]]["children"] = []
        else:
            graph["current"] = "nowhere"
        path.write_text(json.dumps(held), encoding="utf-8")
        with pytest.raises(ValueError, match=sentence):
            check_trrack(path)
