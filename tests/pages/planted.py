"""Logs with a fault planted in them, for rehearsals that have to find it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from study.log import EventLog
from study.media_events import MediaChunkStored
from study.records import Record
from study.task_events import PageLeft, ResponseSubmitted


class Dropping(EventLog):
    """Acknowledges an answer that it does not write."""

    def append(self, session_id: str, *happened: Any, **more: Any) -> tuple[Record, ...]:
        kept = [one for one in happened if not (isinstance(one, ResponseSubmitted) and one.item == "confidence")]
        rows = super().append(session_id, *kept, **more)
        return (
            rows if len(kept) == len(happened) else (*rows, replace(rows[0], row={**rows[0].row, "event_id": "lost"}))
        )


class Doubling(EventLog):
    """Writes the look at an explanation a second time."""

    def append(self, session_id: str, *happened: Any, key: str, **more: Any) -> tuple[Record, ...]:
        rows = super().append(session_id, *happened, key=key, **more)
        if key.startswith("viewed/"):
            super().append(session_id, *happened, key=f"{key}/again", **more)
        return rows


class Losing(EventLog):
    """Loses the second piece of each recording once it is on the disk."""

    def append(self, session_id: str, *happened: Any, **more: Any) -> tuple[Record, ...]:
        rows = super().append(session_id, *happened, **more)
        for one in happened:
            if isinstance(one, MediaChunkStored) and one.chunk == 1:
                folder = self.media / session_id.removeprefix("transcript:") / one.media
                (folder / "000001.wav").unlink(missing_ok=True)
        return rows


class Holding(EventLog):
    """Never lets go of the text page: that it was left is acknowledged as something else."""

    def append(self, session_id: str, *happened: Any, **more: Any) -> tuple[Record, ...]:
        held = [
            replace(one, page="elsewhere") if isinstance(one, PageLeft) and one.page == "read" else one
            for one in happened
        ]
        return super().append(session_id, *held, **more)
