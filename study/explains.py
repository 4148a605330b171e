"""Which utterance explains which intervention: a rule, so that everybody draws the same links from the same speech.

An utterance of the participant explains every intervention that is made while it is spoken. One that is spoken over
none explains the next intervention, if that comes within ten seconds of its end and no other task begins in between.
What somebody else says explains nothing, and so does what is said in practice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from study.clock import SessionClock
from study.practice import practised
from study.records import Record
from study.speech import Utterance
from study.units import Unit, units_in

WITHIN_S = 10.0


def explained(session: Sequence[Record], speech: Sequence[Utterance]) -> tuple[tuple[str, int], ...]:
    """Pairs of an utterance's id and the `seq` of an intervention that it explains, in the order of speech."""
    units = units_in(session)
    clock = SessionClock(session) if units and speech else None
    if clock is None:
        return ()
    times = [clock.of_row(unit.seq) for unit in units]
    left_out = practised(session)
    return tuple(
        (one.id, unit.seq)
        for one in speech
        if one.said.participant and one.task not in left_out
        for unit in _explained_by(one, units, times)
    )


def _explained_by(one: Utterance, units: Sequence[Unit], times: Sequence[int]) -> Sequence[Unit]:
    over = units[bisect_left(times, one.begin_ns) : bisect_right(times, one.end_ns)]
    if over:
        return over
    following = bisect_right(times, one.end_ns)
    near = following < len(units) and times[following] - one.end_ns <= WITHIN_S * 1e9
    return units[following : following + 1] if near and units[following].task == one.task else ()
