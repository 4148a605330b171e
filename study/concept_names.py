"""Names that researchers gave components, folded from a study's stream; the bundle's own stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from core.types import TillerError
from study.concept_events import ConceptNamed
from study.log import EventLog, LogMoved
from study.records import Record
from study.streams import stream_of

LONGEST = 80  # characters of a name


@dataclass(frozen=True, slots=True)
class Given:
    """A name that somebody gave."""

    called: str
    by: str
    at: datetime


def given_names(
    log: EventLog, study: str, dictionary_sha256: str, *, before_ns: int | None = None
) -> Mapping[int, Given]:
    """The given names of a dictionary's components, as they stood `before_ns`, in nanoseconds since 1970, or now."""
    found: dict[int, Given] = {}
    for record, event in _named(log, study, dictionary_sha256):
        if before_ns is not None and record.utc_ns >= before_ns:
            continue
        if event.called:
            found[event.component] = Given(event.called, event.who, record.at)
        else:
            found.pop(event.component, None)
    return found


def names_ever(log: EventLog, study: str, dictionary_sha256: str) -> tuple[tuple[int, str, Given], ...]:
    """Every change of a name, latest first: the component, what it was called before, and what it was given."""
    changes = [
        (event.component, event.called_before, Given(event.called, event.who, record.at))
        for record, event in _named(log, study, dictionary_sha256)
    ]
    return tuple(reversed(changes))


def give_name(
    log: EventLog, study: str, dictionary_sha256: str, component: int, called: str, *, own: str, who: str
) -> bool:
    """Call a component something else from now on; False where it is called so already. `own` is the index's name.

    Raises:
        TillerError: the name is too long, or somebody else gave one at this moment.
    """
    called = " ".join(called.split())
    if len(called) > LONGEST:
        raise TillerError(f"A name of {len(called)} characters was given; a name has at most {LONGEST}: shorten it.")
    stream = stream_of("names", study)
    rows = log.read(stream)
    stands = given_names(log, study, dictionary_sha256).get(component)
    before = stands.called if stands else own
    called = "" if called == own else called
    if called == (stands.called if stands else ""):
        return False
    event = ConceptNamed(
        study=study,
        dictionary_sha256=dictionary_sha256,
        component=component,
        called=called,
        called_before=before,
        who=who,
    )
    try:
        log.append(stream, event, key=f"named/{uuid4()}", actor="researcher", expect=len(rows))
    except LogMoved as moved:
        raise TillerError("Somebody else named a component at this moment. Look at theirs first.") from moved
    return True


def _named(log: EventLog, study: str, dictionary_sha256: str) -> list[tuple[Record, ConceptNamed]]:
    rows = ((record, record.event) for record in log.read(stream_of("names", study)))
    return [
        (record, event)
        for record, event in rows
        if isinstance(event, ConceptNamed) and event.dictionary_sha256 == dictionary_sha256
    ]
