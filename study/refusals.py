"""Why the log does not take an act: it ended, other rows came first, or the key stands for another one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping

from core.types import TillerError
from study.drafts import Draft
from study.queries import recorded, stored
from study.records import Record

_AFTER_THE_END: dict[str, tuple[str, ...]] = {
    "session.completed": ("session.withdrawn",),
    "session.withdrawn": (),
    "session.timed_out": ("session.withdrawn",),
    "session.rejected": ("session.withdrawn",),
}


class LogRefused(TillerError):
    """The log will not take this: a key used again for another act, or a session that is over or erased."""


class LeaseLost(LogRefused):
    """Another window has the session now; this one may ask for it back."""


class LogMoved(TillerError):
    """Other rows came first; read the session again and decide anew."""


def refuse_after_the_end(session_id: str, drafted: Sequence[Draft], head: RowMapping | None) -> None:
    """Raise LogRefused where one of `drafted` may not follow the stream's last row, `head`, or the one before it."""
    last = str(head["name"]) if head else ""
    for one in drafted:
        if one.event.name not in _AFTER_THE_END.get(last, (one.event.name,)):
            raise LogRefused(f"Session {session_id} ended with {last} and takes no {one.event.name}: start another.")
        last = one.event.name


def repeated(stand: Sequence[RowMapping], asked: str, session_id: str) -> tuple[Record, ...]:
    """The rows `stand` of an act that is sent again; LogRefused where it then asked for something else."""
    if any(row["request_digest"] != asked for row in stand):
        raise LogRefused(
            f"A key of session {session_id} was sent again with another act than {stand[0]['name']}, "
            "which stands; give each act a key of its own."
        )
    return tuple(recorded(stored(one)) for one in stand)
