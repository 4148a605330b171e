"""What is told of a session: each row in words, practice as practice, and a count of what was done on the tasks."""

from __future__ import annotations

import json
from pathlib import Path

from participants import Participant, words

from pages.parts.opened import bench_of, open_picture
from pages.parts.rig import Rig
from pages.parts.tape import tape_of
from pages.parts.telling import told_of
from study.acts import Setting, Undo
from study.decisions import opening
from study.events import event_in
from study.interventions import perform
from study.prompt_events import PromptAnswered
from study.records import Record
from study.session import Step
from study.session_events import SessionCompleted
from study.task_events import ExplanationChanged, PageLeft, TaskSubmitted

ROWS = Path(__file__).parents[1] / "study" / "rows_version_1.jsonl"
ELSEWHERE = ("code.", "concept.named", "system.", "utterance.", "media.")  # of other streams, or of the server


def told(name: str, event: object) -> str:
    return told_of(Record(event, {"name": name, "target": None}), lambda task, component: f"#{component}")  # pyright: ignore[reportArgumentType]


def practised(who: Participant) -> None:
    """One suppression and one undo in the tutorial, which is then left."""
    opened = open_picture(who.rig, who.rig.script.tasks["secret_cause"])
    bench, page = bench_of(who.rig, who.place), Step.TUTORIAL
    begun = opening(bench, image="p.webp", labels=opened.model.labels, practice=True)
    who.rig.log.append(who.id, *begun, key="practise", page=page)
    first = opened.shown[0].index
    perform(
        who.rig.log,
        who.id,
        Setting(id="p" * 8, task="secret_cause", kind="edit", component=first, strength=0.0),
        bench,
        page=page,
    )
    perform(who.rig.log, who.id, Undo(id="q" * 8, task="secret_cause", kind="undo"), bench, page=page)
    who.rig.log.append(who.id, PageLeft(page="learn"), key="learnt", page=page)


def test_no_row_of_a_session_is_told_by_its_machine_name() -> None:
    rows = [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]
    bare = {
        row["name"]
        for row in rows
        if row["name"] in told(row["name"], event_in(row["name"], json.dumps(row["payload"])))
    }
    assert [name for name in sorted(bare) if not name.startswith(ELSEWHERE)] == []


def test_a_prompt_that_was_answered_by_voice_is_told_so() -> None:
    said = PromptAnswered(task="word", prompt="begin", style="neutral", trigger="start", wording="Please say aloud.")
    assert told("prompt.answered", said) == "Answered the prompt aloud"


def test_practice_ends_on_the_time_line_where_it_is_left(rig: Rig) -> None:
    who = Participant(rig).at(Step.BRIEFING)
    practised(who)
    left = len(rig.log.read(who.id))
    who.write(SessionCompleted(), key="end")
    tape = tape_of(rig, who.id)
    (span,) = tape["tasks"]
    assert span["end"] == tape["rows"][left - 1][1] < tape["rows"][-1][1]


def test_the_last_page_counts_no_practice_and_no_plain_picture(rig: Rig) -> None:
    who = Participant(rig).at(Step.BRIEFING)
    practised(who)
    begun = opening(bench_of(rig, who.place), image="p.webp", labels=("apple",))
    who.write(*begun, key="o")
    who.act("edit", component=open_picture(rig, rig.script.tasks["secret_cause"]).shown[0].index, strength=0)
    who.act("overlay", overlay="pushes", component=1)
    who.act("overlay", overlay="off", component=1)
    who.write(*(TaskSubmitted(task=task) for task in rig.script.tasks), SessionCompleted(), key="d")
    assert any(isinstance(record.event, ExplanationChanged) for record in rig.log.read(who.id))
    said = words(who.open())
    assert "1 edit, " in said and "undo" not in said and "1 map drawn" in said
