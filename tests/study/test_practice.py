"""Practice teaches and counts for nothing: lessons are ticked from the log, and no analysis sees the practice task."""

from __future__ import annotations

from study.acts import Redo, Reset, Setting, Undo
from study.bench import Bench
from study.decisions import opening
from study.findings.portrait import portrait_of
from study.interventions import perform
from study.log import EventLog
from study.practice import Lesson, learned, lessons_of
from study.roster import roster
from study.route import Step, Stop
from study.task_events import PageLeft, TaskStarted
from study.units import units_in

STOP = Stop(id="try", step=Step.TUTORIAL, task="word", tools=("attribution", "suppress", "undo", "reset"))


def practised(log: EventLog, session: str, bench: Bench, *, practice: bool) -> None:
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
    practised(fresh_log, session, bench, practice=True)
    records = fresh_log.read(session)
    assert units_in(records) == ()
    portrait = portrait_of(records)
    assert portrait is not None
    assert (portrait.attempts, portrait.codes, portrait.took_part) == ([], {}, False)
    (entry,) = roster(fresh_log, str(records[0].row["study_id"]))
    assert (entry.tasks, entry.interventions) == (0, 0)


def test_the_same_acts_on_a_task_do_count(fresh_log: EventLog, session: str, bench: Bench) -> None:
    practised(fresh_log, session, bench, practice=False)
    records = fresh_log.read(session)
    assert len(units_in(records)) == 4
    portrait = portrait_of(records)
    assert portrait is not None and len(portrait.attempts) == 1
    (entry,) = roster(fresh_log, str(records[0].row["study_id"]))
    assert entry.interventions == 4


def test_lessons_are_ticked_as_the_log_has_them(fresh_log: EventLog, session: str, bench: Bench) -> None:
    assert [lesson.id for lesson in lessons_of(STOP)] == ["inspect", "overlay", "suppress", "undo", "reset"]
    assert learned(fresh_log.read(session), STOP) == (False,) * 5
    practised(fresh_log, session, bench, practice=True)
    assert learned(fresh_log.read(session), STOP) == (False, False, True, True, True)
    fresh_log.append(session, PageLeft(page="x"), TaskStarted(task="word", attempt=2, practice=True), key="again")
    assert learned(fresh_log.read(session), STOP) == (False,) * 5


def test_the_script_decides_what_is_required() -> None:
    stop = Stop(id="try", step=Step.TUTORIAL, task="word", require=("intervention.undone",), tools=STOP.tools)
    assert lessons_of(stop) == (Lesson("undo", "intervention.undone"),)
    looking = Stop(id="try", step=Step.TUTORIAL, task="word", tools=("attribution", "undo"))
    assert [lesson.id for lesson in lessons_of(looking)] == ["inspect", "overlay"]
