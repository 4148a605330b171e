"""Practice teaches and counts for nothing: lessons are ticked from the log, and no analysis sees the practice task."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from study.acts import Redo, Reset, Setting, Undo
from study.bench import Bench
from study.coded_units import Saying, coded_units
from study.decisions import opening
from study.exports import export_log
from study.findings.portrait import portrait_of
from study.interventions import perform
from study.log import EventLog
from study.practice import Lesson, learned, lessons_of
from study.roster import roster
from study.route import Step, Stop
from study.task_events import PageLeft, ResponseSubmitted, TaskStarted
from study.units import units_in

STOP = Stop(id="try", step=Step.TUTORIAL, task="word", tools=("attribution", "suppress", "undo", "reset"))


def practised_acts(log: EventLog, session: str, bench: Bench, *, practice: bool) -> None:
    page = Step.TUTORIAL if practice else Step.WORKSPACE
    log.append(session, *opening(bench, image="p.png", labels=("a",), practice=practice), key="open", page=page)
    acts = (
        Setting(id="a" * 8, task="word", kind="edit", component=0, strength=0.0),
        Undo(id="b" * 8, task="word", kind="undo"),
        Redo(id="c" * 8, task="word", kind="redo"),
        Reset(id="d" * 8, task="word", kind="reset"),
    )
    for act in acts:
        perform(log, session, act, bench, page=page)


def test_practice_is_no_task_in_any_analysis(fresh_log: EventLog, session: str, bench: Bench) -> None:
    practised_acts(fresh_log, session, bench, practice=True)
    records = fresh_log.read(session)
    assert units_in(records) == ()
    portrait = portrait_of(records)
    assert portrait is not None
    assert (portrait.attempts, portrait.codes, portrait.took_part) == ([], {}, False)
    (entry,) = roster(fresh_log, str(records[0].row["study_id"]))
    assert (entry.tasks, entry.interventions) == (0, 0)


def test_the_same_acts_on_a_task_do_count(fresh_log: EventLog, session: str, bench: Bench) -> None:
    practised_acts(fresh_log, session, bench, practice=False)
    records = fresh_log.read(session)
    assert len(units_in(records)) == 4
    portrait = portrait_of(records)
    assert portrait is not None and len(portrait.attempts) == 1
    (entry,) = roster(fresh_log, str(records[0].row["study_id"]))
    assert entry.interventions == 4


def test_lessons_are_ticked_as_the_log_has_them(fresh_log: EventLog, session: str, bench: Bench) -> None:
    assert [lesson.id for lesson in lessons_of(STOP)] == ["inspect", "overlay", "suppress", "undo", "reset"]
    assert learned(fresh_log.read(session), STOP) == (False,) * 5
    practised_acts(fresh_log, session, bench, practice=True)
    assert learned(fresh_log.read(session), STOP) == (False, False, True, True, True)
    fresh_log.append(session, PageLeft(page="x"), TaskStarted(task="word", attempt=2, practice=True), key="again")
    assert learned(fresh_log.read(session), STOP) == (False,) * 5


def test_the_script_decides_what_is_required() -> None:
    stop = Stop(id="try", step=Step.TUTORIAL, task="word", require=("intervention.undone",), tools=STOP.tools)
    assert lessons_of(stop) == (Lesson("undo", "intervention.undone"),)
    looking = Stop(id="try", step=Step.TUTORIAL, task="word", tools=("attribution", "undo"))
    assert [lesson.id for lesson in lessons_of(looking)] == ["inspect", "overlay"]


@pytest.fixture
def both(fresh_log: EventLog, session: str, bench: Bench) -> EventLog:
    """Practice first, then the same acts on a task that counts."""
    practised_acts(fresh_log, session, bench, practice=True)
    task = replace(bench, task="real")
    fresh_log.append(session, *opening(task, image="p.png", labels=("a",)), key="real")
    for act in (Setting(id="e" * 8, task="real", kind="edit", component=0, strength=0.0),):
        perform(fresh_log, session, act, task)
    fresh_log.append(session, ResponseSubmitted(task="word", item="tried", number=1.0), key="answer")
    return fresh_log


def cells(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def test_what_people_and_rules_code_is_no_practice(both: EventLog, session: str, tmp_path: Path) -> None:
    records = both.read(session)
    said = [Saying(id=task, seconds=1.0, speaker="P01", text="hm", task=task) for task in ("word", "real")]
    assert {unit.task for unit in coded_units(records, said)} == {"real"}
    assert {unit.task for unit in units_in(records)} == {"real"}
    export_log(both, tmp_path, "csv")
    assert {row["task_id"] for row in cells(tmp_path / "strategy_codes.csv")} == {"real"}
    rows = cells(tmp_path / "events.csv")
    tried = {row["task_id"] for row in rows if row["practice"] == "true"}
    assert tried == {"word"} and [row for row in rows if row["task_id"] == "word"], "the record keeps it and says so"


def test_a_project_for_coding_has_practice_in_its_text_and_nowhere_else(both: EventLog, tmp_path: Path) -> None:
    export_log(both, tmp_path, "qdpx")
    with ZipFile(tmp_path / "project.qdpx") as archive:
        root = ElementTree.fromstring(archive.read("project.qde"))
        (text,) = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".txt")]
    lines = text.splitlines()
    assert sum("practice: " in line for line in lines) == 6  # the task, four acts and an answer
    space = "{urn:QDA-XML:project:1.0}"
    chosen = [
        text[int(one.attrib["startPosition"]) : int(one.attrib["endPosition"])]
        for one in root.iter(f"{space}PlainTextSelection")
    ]
    assert chosen == [line for line in lines if "practice: " not in line]
    names = {one.attrib["guid"]: one.attrib["name"] for one in root.iter(f"{space}Variable")}
    values = {names[value[0].attrib["targetGUID"]]: value[1].text for value in root.iter(f"{space}VariableValue")}
    assert (values["interventions"], "word: tried" in values) == ("1", False)


def test_what_keeps_the_course_of_a_session_keeps_practice_and_marks_it(both: EventLog, tmp_path: Path) -> None:
    for form in ("bids", "webvtt", "elan", "prov", "trrack"):
        export_log(both, tmp_path / form, form)
    rows = cells(next((tmp_path / "bids").glob("*.tsv")), "\t")
    assert {(row["task"], row["practice"]) for row in rows} == {("word", "yes"), ("real", "no")}
    assert all(row["words"].startswith("practice: ") == (row["practice"] == "yes") for row in rows)
    track = next((tmp_path / "webvtt").glob("*P01_s1.vtt")).read_text(encoding="utf-8")
    cues = [json.loads(line) for line in track.splitlines() if line.startswith("{")]
    assert {(cue["task"], cue["practice"]) for cue in cues} == {("word", True), ("real", False)}
    tiers = ElementTree.parse(next((tmp_path / "elan").glob("*.eaf"))).getroot()
    assert sum(str(one.text).startswith("practice: ") for one in tiers.iter("ANNOTATION_VALUE")) == 6
    acts = json.loads(next((tmp_path / "prov").glob("*.json")).read_text(encoding="utf-8"))["activity"]
    by_seq = {record.seq: record.event for record in both.read("s1")}
    for one in acts.values():
        practice = getattr(by_seq[int(one["tiller:seq"])], "task", None) == "word"
        assert one.get("tiller:practice") == ("true" if practice else None)
    graphs = json.loads(next((tmp_path / "trrack").glob("*.json")).read_text(encoding="utf-8"))
    marked = {name: {node["meta"]["practice"] for node in graph["nodes"].values()} for name, graph in graphs.items()}
    assert marked == {"word/1": {True}, "real/1": {False}}
