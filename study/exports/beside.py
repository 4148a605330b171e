"""Tables that lie beside the events: what was said in the sessions, and what people have coded in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TextIO

from study.exports.cells import write_table
from study.exports.column import Column
from study.exports.columns import write_dictionary
from study.exports.manifest import Batch
from study.exports.passage import Passage
from study.exports.people_rows import CODEBOOK, CODES, MEMOS, code_rows, codebook_rows, memo_rows
from study.exports.tidy import check_csv
from study.exports.utterances import UTTERANCES, utterance_rows
from study.happening import Cell


@dataclass(frozen=True, slots=True)
class Beside:
    """One such table; `rows` reads them anew each time, in the order of `columns`."""

    name: str
    columns: tuple[Column, ...]
    rows: Callable[[], Iterable[Sequence[Cell]]]

    @property
    def names(self) -> list[str]:
        """Its columns' names."""
        return [one.column for one in self.columns]

    def write_csv(self, file: TextIO) -> int:
        """Write it as CSV; return its rows."""
        return write_table(self.names, self.rows(), file)


def tables_beside(passage: Passage) -> tuple[Beside, ...]:
    """The tables of all sessions that have passed by; they hold all words, each with whether it may be quoted."""
    passage.speech.hold_words()
    people = passage.people()
    return (
        Beside("utterances", UTTERANCES, lambda: utterance_rows(passage.talks())),
        Beside("codes", CODES, partial(code_rows, people)),
        Beside("memos", MEMOS, partial(memo_rows, people)),
        Beside("codebook", CODEBOOK, partial(codebook_rows, people)),
    )


def add_csv(made: Batch, table: Beside) -> None:
    """Add a table as CSV, with its dictionary."""
    made.add(f"{table.name}.csv", table.write_csv, partial(check_csv, columns=table.columns))
    add_dictionary(made, table)


def add_dictionary(made: Batch, table: Beside) -> None:
    """Add what the columns of a table mean."""
    made.add(f"{table.name}_data_dictionary.csv", partial(write_dictionary, columns=table.columns))
