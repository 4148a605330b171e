"""What a terminal shows: results on the output, progress and refusals on the error stream."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console, Group
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from core.types import TillerError

screen = Console()
stderr = Console(stderr=True)


@contextmanager
def one_sentence() -> Generator[None]:
    """Print an error meant for people as its one sentence on stderr, and leave with status 2."""
    try:
        yield
    except (TillerError, OSError) as error:
        stderr.print(f"tiller: {error}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(2) from error


def emit(result: dict[str, Any], readable: Table | Markdown | Group | str, *, json_wanted: bool) -> None:
    """Print `result` as one JSON object, or what a person reads."""
    if json_wanted:
        # JSON has no NaN: a number that is none is null
        sound = json.loads(json.dumps(result), parse_constant=lambda name: None)
        sys.stdout.write(json.dumps(sound, allow_nan=False) + "\n")
    else:
        screen.print(readable)


@contextmanager
def shown_progress() -> Generator[Callable[[str, int, int], None]]:
    """A function (what, done, of) that keeps one progress bar per `what` on stderr."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr) as bars:
        known: dict[str, Any] = {}

        def advance(what: str, done: int, of: int) -> None:
            if what not in known:
                known[what] = bars.add_task(what, total=of)
            bars.update(known[what], completed=done, total=of)

        yield advance
