"""Whether a participant allows what a scope of the consent asks for, as the log says it."""

from __future__ import annotations

from collections.abc import Iterable

from study.records import Record
from study.session_events import ConsentGiven, ConsentRefused, ConsentShown


def asked(records: Iterable[Record], scope: str) -> bool:
    """Whether the consent that the participant was shown has this scope."""
    return any(isinstance(record.event, ConsentShown) and scope in record.event.scopes for record in records)


def given(records: Iterable[Record], scope: str) -> bool:
    """Whether the last answer to this scope allows it; False where there is none."""
    stands = False
    for record in records:
        match record.event:
            case (ConsentGiven() | ConsentRefused()) as event if event.scope == scope:
                stands = isinstance(event, ConsentGiven)
            case _:
                pass
    return stands


def refused(records: Iterable[Record], scope: str) -> bool:
    """Whether the last answer to this scope refuses it, or it was asked for and never answered."""
    held = list(records)
    answered = any(
        isinstance(record.event, ConsentGiven | ConsentRefused) and record.event.scope == scope for record in held
    )
    return (answered or asked(held, scope)) and not given(held, scope)
