"""Ctrl-C for work that keeps what it has done: once to end at the next good place, twice to end at once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from study.terminal import stderr

_TWICE = 1.0  # seconds; what follows sooner is the same Ctrl-C, passed on by a parent


@contextmanager
def asked_to_stop(*, quiet: bool = False) -> Generator[Callable[[], bool]]:
    """Whether Ctrl-C or a polite end has been asked for; a second Ctrl-C ends at once.

    Args:
        quiet: say nothing when asked; another process does.
    """
    asked: list[float] = []

    def note(number: int, frame: object) -> None:
        if not asked:
            asked.append(time.monotonic())
            if not quiet:
                stderr.print(
                    "Stopping as soon as what is done can be kept; Ctrl-C again ends at once, and loses what was done "
                    "since it was last kept.",
                    highlight=False,
                    soft_wrap=True,
                )
        elif time.monotonic() - asked[0] > _TWICE:
            raise KeyboardInterrupt

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
