"""Fifty participants at once: most without a browser, a few in Chromium, all acting as people do."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

from wire import BEAT_S, PULSE, WORKSPACE, Visitor

EVERY_S = 5.0
WAY = ("Start", "I agree", "Open the workspace")
# What an act writes first, and how often people do it.
ACTS = {"edit": ("intervention.applied", 11), "inspect": ("concept.inspected", 4)}
ACTS |= {"undo": ("intervention.undone", 3), "overlay": ("explanation.changed", 2)}
MOVES = ("edit", "undo")  # after these the page asks for the ripple


@dataclass
class Told:
    """What one participant did and met."""

    token: str = ""
    acts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])  # id and kind
    settled_ms: list[float] = field(default_factory=list[float])
    ripple_ms: list[float] = field(default_factory=list[float])
    wrong: list[str] = field(default_factory=list[str])
    resent: int = 0
    given_up: int = 0  # ripples that came too late for their page

    @property
    def rows(self) -> Counter[str]:
        """How many rows of each name its acts must have written."""
        return Counter(ACTS[kind][0] for _, kind in self.acts)


class Crowd:
    """Participants without browsers, in a thread of their own: they walk in, wait for `start`, and act."""

    def __init__(self, url: str, many: int, seconds: float, seed: int = 1) -> None:
        """Nobody is there before `enter`."""
        self.url, self.seconds = url, seconds
        self.told = [Told() for _ in range(many)]
        self._chance = [Random(f"{seed}/{number}") for number in range(many)]
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._visitors: list[Visitor] = []

    def enter(self) -> None:
        """All walk in, five at a time, as far as the workspace."""
        self._thread.start()
        self._do(self._enter())

    def start(self) -> asyncio.Future[None] | Any:
        """All begin to act; the future is done when the time is over and each has its last answer."""
        return asyncio.run_coroutine_threadsafe(self._act(), self._loop)

    def leave(self) -> None:
        """All close their pages."""
        self._do(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _enter(self) -> None:
        turn = asyncio.Semaphore(5)

        async def one(told: Told) -> Visitor:
            async with turn:
                visitor = Visitor(self.url)
                await visitor.open()
                for label in WAY:
                    await visitor.press(label)
                await visitor.until(lambda: WORKSPACE in visitor.boards and not visitor.running)
                told.token = visitor.token
                return visitor

        self._visitors = list(await asyncio.gather(*map(one, self.told)))

    async def _act(self) -> None:
        beats = [asyncio.create_task(_beat(visitor)) for visitor in self._visitors if PULSE in visitor.boards]
        await asyncio.gather(*map(self._participant, self._visitors, self.told, self._chance))
        for beat in beats:
            beat.cancel()

    async def _participant(self, visitor: Visitor, told: Told, chance: Random) -> None:
        clock = asyncio.get_running_loop().time
        end, due = clock() + self.seconds, clock() + chance.uniform(0, EVERY_S)
        asked: asyncio.Task[None] | None = None
        while due < end:
            await asyncio.sleep(max(0.0, due - clock()))
            due += chance.uniform(0.6, 1.4) * EVERY_S
            what = _next(visitor.board, chance)
            try:
                name, ms = await visitor.act(what)
            except (AssertionError, TimeoutError, OSError) as error:
                told.wrong.append(f"{what['kind']}: {error}")
                continue
            told.acts.append((name, what["kind"]))
            told.settled_ms.append(ms)
            if what["kind"] in MOVES:
                if asked is not None and not asked.done():
                    asked.cancel()  # as the page does: nobody will look at it any more
                    told.given_up += 1
                asked = asyncio.create_task(_ripple(visitor, told))
        if asked is not None:
            await asyncio.wait({asked}, timeout=30)
        told.resent = visitor.resent

    async def _leave(self) -> None:
        await asyncio.gather(*(visitor.close() for visitor in self._visitors))


async def _beat(visitor: Visitor) -> None:
    while True:
        await asyncio.sleep(BEAT_S)
        with suppress(OSError, asyncio.IncompleteReadError):
            await visitor.beat()


async def _ripple(visitor: Visitor, told: Told) -> None:
    status, ms = await visitor.ripple()
    told.ripple_ms.append(ms)
    if status != 200:
        told.wrong.append(f"ripple: {status}")


def _next(board: dict[str, Any], chance: Random) -> dict[str, Any]:
    """Something that this participant has not just done."""
    kinds, weights = zip(*((kind, weight) for kind, (_, weight) in ACTS.items()), strict=True)
    (kind,) = chance.choices(kinds, weights)
    chosen, overlay = board["view"]["chosen"], board["view"]["overlay"]
    others = [each for each in board["components"] if each["index"] != chosen]
    if kind == "inspect":
        return {"kind": kind, "component": chance.choice(others)["index"]}
    if kind == "overlay":
        return {"kind": kind, "overlay": "off" if overlay == "fires" else "fires", "component": chosen}
    if kind == "undo" and board["can_undo"]:
        return {"kind": kind}
    one = chance.choice(board["components"][:8])
    strengths = [step / 10 for step in range(21) if abs(step / 10 - one["strength"]) > 0.05]
    return {"kind": "edit", "component": one["index"], "strength": chance.choice(strengths), "control": "slider"}


@dataclass(frozen=True)
class Process:
    """What the system says of the server's process."""

    pid: int

    @property
    def memory_mb(self) -> float:
        """What it holds in memory."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    @property
    def spent_s(self) -> float:
        """Seconds of the processor that it has used."""
        cells = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(cells[11]) + int(cells[12])) / os.sysconf("SC_CLK_TCK")
