"""Blind second coding: which units a second coder gets, and who may see whose codes of a session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from core.types import TillerError
from study.codebook import books_in
from study.coding import Coded, coded_by
from study.coding_events import SampleDrawn
from study.log import EventLog
from study.records import Record
from study.staff import CONSENSUS, RULES
from study.streams import stream_of

Samples = tuple[SampleDrawn, ...]


def draw_sample(
    log: EventLog,
    study: str,
    units: Mapping[str, Sequence[str]],
    *,
    coder: str,
    first: str,
    share: float,
    of: str = "units",
    seed: int,
    by: str,
    key: str,
) -> SampleDrawn:
    """Draw what `coder` codes again after `first`, and write it down; the same seed draws the same.

    Args:
        log: the record.
        study: whose codebook's stream keeps the sample.
        units: the ids of each session's units, in order.
        coder: who codes a second time, blind.
        first: whose work is coded once more.
        share: of each session's units, or of the sessions; at least one is drawn.
        of: `units`, so that every session is in the sample, or `sessions` as wholes.
        seed: of the draw.
        by: who draws.
        key: the act's own, so that it is written once.

    Raises:
        TillerError: the two coders are one, a share is none, or there is nothing to draw from.
    """
    if coder == first or {coder, first} & {RULES, CONSENSUS}:
        raise TillerError(f"{first} and {coder} were to code the same units blind; name two different people.")
    if not 0 < share <= 1 or of not in ("units", "sessions"):
        raise TillerError(
            f"A share of {share:g} of {of} was asked for; it is above 0 and 1 at most, of units or sessions."
        )
    there = {session: tuple(ids) for session, ids in units.items() if ids}
    if not there:
        raise TillerError("A sample was to be drawn; the study has no session with anything to code in it yet.")
    if of == "sessions":
        wanted = Random(f"{seed}").sample(sorted(there), max(1, round(share * len(there))))
        drawn = {session: there[session] for session in sorted(wanted)}
    else:
        drawn = {session: _some(ids, share, f"{seed}/{session}") for session, ids in there.items()}
    event = SampleDrawn(coder=coder, first=first, of=of, share=share, seed=seed, units=drawn, by=by)
    log.append(stream_of("codebook", study), event, key=key, actor="researcher")
    return event


def samples_in(records: Iterable[Record]) -> Samples:
    """The samples drawn in a study, from the stream of its codebook."""
    return tuple(record.event for record in records if isinstance(record.event, SampleDrawn))


def drawn_for(samples: Samples, session: str, coder: str) -> frozenset[str] | None:
    """The units of a session that `coder` is to code as a second coder; None where no sample limits them."""
    mine = [one.units[session] for one in samples if one.coder == coder and session in one.units]
    return frozenset(unit for units in mine for unit in units) if mine else None


def partners_of(samples: Samples, session: str, coder: str) -> frozenset[str]:
    """With whom `coder` is bound to code a session blind."""
    pairs = [(one.coder, one.first) for one in samples if session in one.units]
    return frozenset(other for pair in pairs if coder in pair for other in pair if other != coder)


def still_blind(log: EventLog, study: str, session: str, coder: str) -> bool:
    """Whether `coder` has begun a session, or is to code it blind, and has not finished: no room shows a code then."""
    kept = log.read(stream_of("codebook", study))
    pair = partners_of(samples_in(kept), session, coder)
    books = books_in(kept)
    version = books[-1].version
    own = coded_by(log, session, coder, books, version)
    codes_it = bool(pair or own.codes or own.memos)
    return codes_it and not all(coded_by(log, session, one, books, version).locked for one in (coder, *pair))


def visible(
    samples: Samples, session: str, viewer: str, coded: Mapping[str, Coded], *, looks_on: bool
) -> frozenset[str]:
    """Whose codes of a session `viewer` may see besides their own, the rules' included.

    Nobody sees another's codes before both have finished the session, nor the rules' before they have themselves. Who
    is bound by a sample sees none at all before the whole pair has. Without codes of their own and unbound, who
    `looks_on` (a researcher) sees the rules' and whatever is finished.
    """
    bound = partners_of(samples, session, viewer)
    own = coded.get(viewer)
    mine = own is not None and own.locked
    done = {name for name, one in coded.items() if name != viewer and (one.locked or name == CONSENSUS)}
    if bound:
        return frozenset({RULES, *done}) if mine and bound <= done else frozenset()
    looking = looks_on and (own is None or not (own.codes or own.memos))
    return frozenset({RULES, *done} if mine or looking else ())


def _some(ids: Sequence[str], share: float, seed: str) -> tuple[str, ...]:
    wanted = set(Random(seed).sample(range(len(ids)), max(1, round(share * len(ids)))))
    return tuple(one for at, one in enumerate(ids) if at in wanted)
