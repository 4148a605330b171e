"""Names of streams: a session's is its id; what is said later about a session, or about nobody, has a colon in it."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import ColumnElement, or_

from study.schema import events

RECEIPTS = "receipts"  # what was erased, and when: nobody's session, and the one name without a colon

About = Literal["transcript", "coding", "replay"]
Of = Literal["codebook", "exports", "preflight", "names"]


def stream_about(what: About, session_id: str, by: str | None = None) -> str:
    """The stream of what was done later to one session, by one member of staff where each has a stream of their own."""
    return ":".join((what, session_id) if by is None else (what, session_id, by))


def stream_of(what: Of, study: str) -> str:
    """The stream of what belongs to a study as a whole."""
    return f"{what}:{study}"


def session_in(stream: str) -> str:
    """The session that a stream is about; of a stream about none, what stands in its place."""
    return stream.split(":")[1] if ":" in stream else stream


def is_session() -> ColumnElement[bool]:
    """The condition that a row belongs to a participant's session."""
    return (events.c.session_id != RECEIPTS) & events.c.session_id.not_like("%:%")


def concerns(session_id: str) -> ColumnElement[bool]:
    """The condition that a row belongs to a session, or to a stream about it."""
    mine = events.c.session_id
    # ids of sessions are hexadecimal: nothing in them means anything to LIKE
    return or_(mine == session_id, mine.like(f"%:{session_id}"), mine.like(f"%:{session_id}:%"))
