"""Acts that the browser hands over are done in order, and each id is answered: it stands, or why it does not."""

from __future__ import annotations

from collections.abc import Iterable

from pages.parts.calm import new_reference, told
from pages.parts.opened import bench_of
from pages.parts.rig import Rig
from study.acts import ActRefused, Tick, Turn, act_id, read_act
from study.database import LogUnavailable
from study.interventions import perform
from study.log import LogMoved, LogRefused
from study.session import Session, Step, session_in
from study.ticks import tick


def settle(here: Rig, session_id: str, sent: Iterable[object]) -> dict[str, str]:
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
                known[name] = _do(here, session_id, message)
            except (LogUnavailable, LogMoved) as error:
                told(error, new_reference(), "record")
                break
        answer[name] = known[name]
    return answer


def _do(here: Rig, session_id: str, message: object) -> str:
    reference = new_reference()
    try:
        place = session_in(here.log.read(session_id), here.script, session_id=session_id)
        act = read_act(_with_key(message, place))
        if isinstance(act, Tick):
            tick(here.log, session_id, here.script, client=act.client)
            return ""
        if place.task is None or place.finished:
            raise ActRefused("This picture is handed in already; nothing was changed.")
        if place.step is not Step.WORKSPACE and not isinstance(act, Turn) and not here.log.acted(session_id, act.id):
            raise ActRefused("Your answer is open in another window; nothing was changed.")
        perform(here.log, session_id, act, bench_of(here, place), reference=reference)
    except (LogUnavailable, LogMoved):
        raise
    except (ActRefused, LogRefused) as error:
        return str(error)
    except Exception as error:
        told(error, reference, "act")
        return f"That step could not be done; nothing was changed. Number {reference}."
    return ""


def _with_key(message: object, place: Session) -> object:
    """The message with the task's own key in place of its number: a key may name the cause, so no browser sees it."""
    if not isinstance(message, dict):
        return message
    return {**message, "task": place.task or "none" if message.get("task") == place.order else "another"}
