"""What a terminal shows: results on the output, progress and refusals on the error stream."""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any

import typer
from rich.console import Console, Group
from rich.markdown import Markdown
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from typer.core import TyperGroup

from core.types import Stopped, TillerError

screen = Console()
stderr = Console(stderr=True)


ANEW = "Stopped; nothing was kept yet, and the same command begins anew."
_AGAIN = "Stopped before it was done; to have it done, give the same command again."
Advance = Callable[[str, int, int], None]  # what, done, of
_WHOLE = 1 << 16  # columns, where nothing is to be cut
SECONDS, AT_LATEST = 10.0, 60.0  # between two lines of progress in a file: never sooner, and never later while it moves

_json_wanted: ContextVar[bool] = ContextVar("json_wanted", default=False)


class Commands(TyperGroup):
    """All commands; whatever is refused with `--json`, misspelt options too, is one JSON object on stdout as well."""

    def invoke(self, ctx: Any) -> Any:
        """Run what was typed."""
        before = _json_wanted.set("--json" in ctx.args)
        try:
            return super().invoke(ctx)
        except typer.TyperException as wrong:
            _tell_refusal(wrong.format_message())
            raise
        finally:
            _json_wanted.reset(before)


@contextmanager
def one_sentence() -> Generator[None]:
    """Print an error meant for people as its one sentence on stderr, its notes beneath, and leave with status 2.

    Ctrl-C leaves with status 130; a command that keeps what it has done says so by `told_when_stopped`.
    """
    try:
        yield
    except (TillerError, OSError) as error:
        why: list[str] = getattr(error, "__notes__", [])
        raise _told_and_left(str(error), why, 130 if isinstance(error, Stopped) else 2) from error
    except KeyboardInterrupt:
        raise _told_and_left(_AGAIN, (), 130) from None


@contextmanager
def told_when_stopped(say: Callable[[], str]) -> Generator[None]:
    """On Ctrl-C, one sentence on what is kept, for work that can end anywhere."""
    try:
        yield
    except KeyboardInterrupt:
        raise Stopped(say()) from None


def _told_and_left(said: str, why: Sequence[str], status: int) -> typer.Exit:
    lines = [f"tiller: {shown(said)}", *(f"  {shown(each)}" for each in why)]
    stderr.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
    _tell_refusal(said, why)
    return typer.Exit(status)


def _tell_refusal(said: str, why: Sequence[str] = ()) -> None:
    if _json_wanted.get():
        sys.stdout.write(json.dumps({"error": said, **({"why": list(why)} if why else {})}) + "\n")


def shown(text: str) -> str:
    """`text` with what would move a terminal's cursor, or cannot be printed, written out; lines stay lines."""
    return "".join(
        each if each in "\n\t" or unicodedata.category(each) not in ("Cc", "Cs") else ascii(each)[1:-1] for each in text
    )


def room() -> int | None:
    """How many columns the terminal has; None where the output is a pipe or a file, which has room for everything."""
    return shutil.get_terminal_size().columns if screen.is_terminal else None


def emit(
    result: dict[str, Any],
    readable: Table | Markdown | Group | str,
    *,
    json_wanted: bool,
    whole: bool = False,
    then: Sequence[str] = (),
) -> None:
    """Print `result` as one JSON object, or what a person reads.

    Args:
        whole: a pipe or a file gets each line as long as it is.
        then: what may be typed next, each in one line however wide the terminal, so that it can be copied.
    """
    if json_wanted:
        # JSON has no NaN: a number that is none is null
        sound = json.loads(json.dumps(result), parse_constant=lambda name: None)
        sys.stdout.write(json.dumps(sound, allow_nan=False) + "\n")
    elif whole and room() is None:
        Console(width=_WHOLE).print(readable)
    else:
        screen.print(readable)
    if then and not json_wanted:
        screen.print("Next:")
        for line in then:
            screen.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)


@contextmanager
def shown_progress() -> Generator[Advance]:
    """A function (what, done, of) that keeps one progress bar per `what` on stderr; in a file, a line now and then."""
    with _told(lambda done, of: f"{done:,} of {of:,}", MofNCompleteColumn(), TimeElapsedColumn()) as advance:
        yield advance


@contextmanager
def shown_bytes() -> Generator[Advance]:
    """The same for downloads, counted in bytes."""

    def count(done: int, of: int) -> str:
        return f"{done / 1e6:,.1f} of {of / 1e6:,.1f} MB"

    with _told(count, DownloadColumn(), TransferSpeedColumn()) as advance:
        yield advance


@contextmanager
def _told(count: Callable[[int, int], str], *columns: ProgressColumn) -> Generator[Advance]:
    if not stderr.is_terminal:
        yield _Lines(count)
        return
    with Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), *columns, TimeRemainingColumn(), console=stderr
    ) as bars:
        known: dict[str, Any] = {}

        def advance(what: str, done: int, of: int) -> None:
            if what not in known:
                known[what] = bars.add_task(shown(what), total=of)
            bars.update(known[what], completed=done, total=of)

        yield advance


class _Lines:
    """Progress where nobody watches: nothing for what is soon done, a line for each tenth or minute of what is not."""

    def __init__(self, count: Callable[[int, int], str]) -> None:
        self._count = count
        self._last = monotonic()
        self._begun: dict[str, tuple[float, int]] = {}  # when, and what had been done by then
        self._tenths: dict[str, int] = {}  # of what a line has told

    def __call__(self, what: str, done: int, of: int) -> None:
        now = monotonic()
        since, before = self._begun.setdefault(what, (now, done))
        tenth, told = 10 * done // max(1, of), self._tenths.get(what, -1)
        if done >= of:
            if 0 <= told < 10:
                self._print(what, done, of, f"took {_clock(now - since)}")
                self._tenths[what] = 10
        elif now - max(since, self._last) >= (SECONDS if tenth > told else AT_LATEST):
            left = (of - done) * (now - since) / (done - before) if done > before else None
            self._print(what, done, of, "time left not known" if left is None else f"{_clock(left)} left")
            self._last, self._tenths[what] = now, tenth

    def _print(self, what: str, done: int, of: int, ends: str) -> None:
        line = f"{shown(what)}: {self._count(done, of)} ({done / max(1, of):.0%}), {ends}"
        stderr.print(line, highlight=False, markup=False, soft_wrap=True)


def _clock(seconds: float) -> str:
    if seconds >= 2 * 86_400:
        return f"{seconds / 86_400:.0f} days"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
