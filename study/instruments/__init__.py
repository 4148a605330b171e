"""Questionnaires: items, scale and scoring as data, read by `load_instrument`, scored by `scores_of`."""

from study.instruments.instrument import Instrument, Item, Scale, Score, Subscale
from study.instruments.reading import instrument_in, known_instruments, load_instrument
from study.instruments.recording import recorded
from study.instruments.scoring import scores_of

__all__ = [
    "Instrument",
    "Item",
    "Scale",
    "Score",
    "Subscale",
    "instrument_in",
    "known_instruments",
    "load_instrument",
    "recorded",
    "scores_of",
]
