"""A session's lines on its own clock: when each thing was done, for how long it stood, and what it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from study.exports.timeline import timeline_of
from study.records import Record
from study.strategies import codes_of
from study.times import seconds_of
from study.units import units_in

SHORTEST_S = 0.001  # an instant, where a format needs an end after its beginning


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of a session; seconds count from its first row, `end_s` is the next line's onset."""

    seq: int
    name: str
    task: str
    onset_s: float
    end_s: float
    words: str
    codes: tuple[str, ...]
    practice: bool

    @property
    def span_ms(self) -> tuple[int, int]:
        """Begin and end in whole milliseconds; the end is after the beginning."""
        begin = round(self.onset_s * 1000)
        return begin, max(round(self.end_s * 1000), begin + 1)


def marks_of(records: Sequence[Record]) -> tuple[Mark, ...]:
    """The marks of one session, in order; onsets never go back."""
    timeline = timeline_of(records)
    by_seq = {record.seq: record for record in records}
    onsets = dict(zip(by_seq, seconds_of(records), strict=True))
    codes: dict[int, list[str]] = {}
    for code in codes_of(units_in(records)):
        if code.first == code.last:
            codes.setdefault(code.first, []).append(code.name)
    places = [*(onsets[line.seq] for line in timeline.lines), max(onsets.values(), default=0.0)]
    return tuple(
        Mark(
            seq=line.seq,
            name=by_seq[line.seq].name,
            task=str(by_seq[line.seq].row["task_id"] or ""),
            onset_s=begin,
            end_s=max(end, begin + SHORTEST_S),
            words=timeline.text[line.start : line.end].partition("] ")[2],
            codes=tuple(codes.get(line.seq, ())),
            practice=line.practice,
        )
        for line, (begin, end) in zip(timeline.lines, pairwise(places), strict=True)
    )
