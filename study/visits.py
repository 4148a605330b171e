"""Which other picture a participant has open, folded from the log."""

from __future__ import annotations

from collections.abc import Iterable

from study.records import Record
from study.steering_events import Intervention, InterventionCompared
from study.task_events import PageEntered, TaskStarted
from study.visit_events import PictureClosed, PictureOpened


def visit_in(records: Iterable[Record], task: str) -> PictureOpened | None:
    """The picture that is open instead of the task's; a change of the plan or of the page leads back as well."""
    found: PictureOpened | None = None
    for record in records:
        match record.event:
            case PictureOpened() as event if event.task == task:
                found = event
            case PictureClosed() | TaskStarted() | PageEntered():
                found = None
            case Intervention() as event if not isinstance(event, InterventionCompared):
                found = None
            case _:
                pass
    return found
