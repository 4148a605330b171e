"""A coder's acts are done in order, and each id is answered: it stands, or why it does not."""

from __future__ import annotations

from collections.abc import Iterable

from core.types import TillerError
from pages.parts.calm import new_reference, told
from pages.parts.coding_place import coder_at
from pages.parts.staff import Insider
from study.coding_acts import Agree, carry_out, read_coding_act
from study.database import LogUnavailable
from study.log import LogMoved
from study.messages import act_id
from study.staff import CONSENSUS
from study.streams import stream_about


def settle_coding(insider: Insider, study: str, sent: Iterable[object]) -> dict[str, str]:
    """Do the acts in `sent`, oldest first, and say what became of each id: "" if it stands, else one sentence.

    What cannot be written now is left out with all that follow: the browser keeps them and sends them again.
    """
    known: dict[str, str] = insider.rig.settled.recall(("coding", study, insider.staff.name), dict)
    messages = [message for message in sent if act_id(message) is not None]
    answer: dict[str, str] = {}
    done = _done_already(insider, messages)
    for at, message in enumerate(messages):
        name = str(act_id(message))
        if name not in known:
            try:
                # an act before one that stands was dealt with, though it may have left no row
                known[name] = "" if at < done else _do(insider, study, message)
            except (LogUnavailable, LogMoved) as error:
                told(error, new_reference(), "record")
                break
        answer[name] = known[name]
    return answer


def _done_already(insider: Insider, messages: list[object]) -> int:
    """How many of `messages` an earlier sending has done, perhaps to a server that was killed since."""
    for at in range(len(messages), 0, -1):
        try:
            act = read_coding_act(messages[at - 1])
        except TillerError:
            continue
        coder = CONSENSUS if isinstance(act, Agree) else insider.staff.name
        if insider.rig.log.acted(stream_about("coding", act.session, coder), act.id):
            return at
    return 0


def _do(insider: Insider, study: str, message: object) -> str:
    reference = new_reference()
    try:
        carry_out(read_coding_act(message), lambda act: coder_at(insider, study, act))
    except (LogUnavailable, LogMoved):
        raise
    except TillerError as error:
        return str(error)
    except Exception as error:
        told(error, reference, "coding")
        return f"That could not be done; nothing was changed. Number {reference}."
    return ""
