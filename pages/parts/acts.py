"""Acts that the browser hands over are done in order, and each id is answered: it stands, or why it does not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from pages.parts.calm import new_reference, told
from pages.parts.names import named
from pages.parts.opened import bench_of, explaining, open_picture
from pages.parts.rig import Rig
from pages.parts.searches import found_for
from pages.parts.visits import elsewhere
from pages.parts.words import say
from study.acts import Act, ActRefused, Tick, Turn
from study.bench import Bench
from study.database import LogUnavailable
from study.interventions import perform
from study.log import LeaseLost, LogMoved, LogRefused
from study.messages import act_id, read_act
from study.practice import learned
from study.records import Record
from study.session import Session, Step, ended, session_in
from study.steering_events import InterventionApplied
from study.task_events import PageLeft
from study.ticks import tick


def settle(here: Rig, session_id: str, sent: Iterable[object], window: str | None = None) -> dict[str, str]:
    """Do the acts in `sent`, oldest first, and say what became of each id: "" if it stands, else one sentence.

    An act that cannot be written now, the record being out of reach, is left out with those after it: the browser
    keeps them and sends them again. An act that changes nothing is settled without a row.
    """
    # Rows answer for the acts that wrote some; this remembers those that changed nothing and so wrote none.
    known: dict[str, str] = here.settled.recall(session_id, dict)
    answer: dict[str, str] = {}
    for message in sent:
        name = act_id(message)
        if name is None:
            continue
        if name not in known:
            try:
                known[name] = _do(here, session_id, message, window)
            except (LogUnavailable, LogMoved) as error:
                told(error, new_reference(), "record")
                break
        answer[name] = known[name]
    return answer


def _do(here: Rig, session_id: str, message: object, window: str | None) -> str:
    reference = new_reference()
    try:
        records = here.log.read(session_id)
        place = session_in(records, here.script, session_id=session_id)
        act = read_act(_with_key(message, place))
        if isinstance(act, Tick):
            tick(here.log, session_id, here.script, client=act.client, window=window)
            return ""
        if place.task is None or place.finished:
            raise ActRefused(say("trouble.handed_in"))
        if not here.log.acted(session_id, act.id):
            _allowed(here, records, place, act)
        if place.step is Step.TUTORIAL and isinstance(act, Turn):
            leaving = ended(records, here.script, PageLeft(page=place.stop.id if place.stop else ""))
            here.log.append(session_id, *leaving, key=act.id, page=place.step, client=act.client, window=window)
            return ""
        page = place.step if place.step is Step.TUTORIAL else Step.WORKSPACE
        perform(here.log, session_id, act, _bench(here, place, records), reference=reference, window=window, page=page)
    except (LogUnavailable, LogMoved):
        raise
    except LeaseLost:
        return say("gate.act")
    except (ActRefused, LogRefused) as error:
        return str(error)
    except Exception as error:
        told(error, reference, "act")
        return say("trouble.step", number=reference)
    return ""


def _bench(here: Rig, place: Session, records: Sequence[Record]) -> Bench:
    """The workspace with other pictures that may be opened in it, and components by the session's names to be found."""
    opened = named(here, records, open_picture(here, here.script.tasks[str(place.task)]))
    return replace(
        bench_of(here, place),
        elsewhere=partial(elsewhere, here, opened, frozenset(place.tools)),
        find=lambda query: found_for(here, opened, query),
        explain=lambda pair: tuple(component.index for component in explaining(here, opened, pair).shown),
    )


def _allowed(here: Rig, records: Sequence[Record], place: Session, act: Act) -> None:
    """Refuse what the page keeps out of reach and a browser may send all the same."""
    if place.paused:
        raise ActRefused(say("trouble.paused"))
    if place.step not in (Step.WORKSPACE, Step.TUTORIAL) and not isinstance(act, Turn):
        raise ActRefused(say("trouble.elsewhere"))
    if not isinstance(act, Turn) or place.stop is None:
        return
    if place.step is Step.TUTORIAL:
        if place.stop.require and not all(learned(records, place.stop)):
            raise ActRefused(say("tutorial.not_yet"))
    elif act.kind == "answer" and (missing := still_to_try(records, place)):
        raise ActRefused(say("workspace.try_first", count=missing))


def still_to_try(records: Sequence[Record], place: Session) -> int:
    """How many interventions the script still asks for before an answer may be given."""
    if place.stop is None or not place.stop.min_interventions:
        return 0
    made = sum(
        isinstance(record.event, InterventionApplied)
        and (record.event.task, record.event.attempt) == (place.task, place.attempt)
        for record in records
    )
    return max(0, place.stop.min_interventions - made)


def _with_key(message: object, place: Session) -> object:
    """The message with the task's own key in place of its number: a key may name the cause, so no browser sees it."""
    if not isinstance(message, dict):
        return message
    return {**message, "task": place.task or "none" if message.get("task") == place.order else "another"}
