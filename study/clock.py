"""A session's own clock: nanoseconds since its first row, which its rows, its speech and its recordings share."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from study.records import Record
from study.times import seconds_of


class SessionClock:
    """Says when each row of one session was, and which row a moment comes after."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._ns = [round(1e9 * second) for second in seconds_of(records)]

    @property
    def end_ns(self) -> int:
        """When the last row was."""
        return self._ns[-1]

    def of_row(self, seq: int) -> int:
        """When row `seq` was, in ns since the first."""
        return self._ns[seq - 1]

    def of_wall(self, utc_ns: int) -> int:
        """When the wall clock showed `utc_ns`, counted from the row that was nearest before; may be below 0."""
        # the wall clock may have been set back: of all rows at or before that time, the one nearest to it
        before = [place for place, record in enumerate(self._records) if record.utc_ns <= utc_ns]
        nearest = max(before, key=lambda place: (self._records[place].utc_ns, place), default=0)
        return self._ns[nearest] + utc_ns - self._records[nearest].utc_ns

    def row_before(self, ns: int) -> int:
        """The `seq` of the last row at or before a moment; 0 before the first."""
        return bisect_right(self._ns, ns)
