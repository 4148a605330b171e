"""Whether a participant allows what a scope of the consent asks for, as the log says it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from study.records import Record
from study.session_events import ConsentGiven, ConsentRefused, ConsentScopeChanged, ConsentShown


def given(records: Iterable[Record], scope: str) -> bool:
    """Whether the last answer to this scope allows it; False where there is none."""
    return [False, *_answers(records, scope)][-1]


def refused(records: Iterable[Record], scope: str) -> bool:
    """Whether this scope was asked for and is not allowed: refused, taken back, or never answered."""
    held = list(records)
    known = any(isinstance(record.event, ConsentShown) and scope in record.event.scopes for record in held)
    return (known or any(True for _ in _answers(held, scope))) and not given(held, scope)


def _answers(records: Iterable[Record], scope: str) -> Iterator[bool]:
    for record in records:
        match record.event:
            case (ConsentGiven() | ConsentRefused()) as event if event.scope == scope:
                yield isinstance(event, ConsentGiven)
            case ConsentScopeChanged() as event if event.scope == scope:
                yield event.given
            case _:
                pass
