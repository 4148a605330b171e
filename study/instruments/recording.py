"""One filling of an instrument as the rows of the log: every item as it was answered, then every score."""

from __future__ import annotations

from collections.abc import Mapping

from study.events import Event
from study.instrument_events import InstrumentItemAnswered, InstrumentScored
from study.instruments.instrument import Instrument
from study.instruments.scoring import scores_of


def recorded(
    instrument: Instrument, answers: Mapping[str, float | None], *, task: str | None, attempt: int = 1
) -> tuple[Event, ...]:
    """The rows of one submission; an item without an answer has one too, so that the scores can be found again.

    Raises:
        TillerError: an answer that the instrument does not have.
    """
    scores = scores_of(instrument, answers)
    one, version = instrument.id, instrument.version
    return (
        *(
            InstrumentItemAnswered(
                instrument=one, version=version, task=task, attempt=attempt, item=item.id, value=answers.get(item.id)
            )
            for item in instrument.items
        ),
        *(
            InstrumentScored(
                instrument=one,
                version=version,
                task=task,
                attempt=attempt,
                subscale=score.subscale,
                score=score.score,
                answered=score.answered,
                items=score.items,
            )
            for score in scores
        ),
    )
