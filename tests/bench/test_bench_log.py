"""Measures one append (an intervention and its prediction) at synchronous FULL, alone and under contention."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import Postgresql

from core.types import Edit, Prediction, SteeringPlan
from study.database import connect
from study.log import EventLog
from study.predictions import shown
from study.state import Pinned
from study.steering_events import InterventionApplied, ModelPredicted

LABELS = tuple(f"class {number}" for number in range(12))
PINNED = Pinned(model_sha256="m" * 64, dictionary_sha256="d" * 64, image_sha256="i" * 64, labels_sha256="l" * 64)
ENVIRONMENT = {f"field {number}": "value" * 4 for number in range(12)}


def intervention(turn: int) -> tuple[InterventionApplied, ModelPredicted]:
    plan = SteeringPlan((Edit(turn),))
    before = shown(Prediction(LABELS, tuple(range(12))), SteeringPlan(), PINNED)
    after = shown(Prediction(LABELS, tuple(range(turn, turn + 12))), plan, PINNED)
    applied = InterventionApplied(
        task="word",
        before=before,
        after=after,
        pinned=PINNED,
        component=turn,
        tool="suppress",
        value=0.0,
        unit="factor",
        setting=Edit(turn),
    )
    return applied, ModelPredicted(task="word", after=after, pinned=PINNED, latency_ms=3.0, environment=ENVIRONMENT)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def quantile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def appended(log: EventLog, threads: int, acts: int) -> tuple[list[float], float]:
    """Milliseconds of each append, and acts a second over all threads, each in a session of its own."""
    times: list[float] = []

    def work(worker: int) -> None:
        mine: list[float] = []
        for turn in range(acts):
            events = intervention(turn)
            mine.append(timed(lambda: log.append(f"{threads} {worker}", *events, key=str(turn))))  # noqa: B023
        times.extend(mine)

    workers = [threading.Thread(target=work, args=(worker,)) for worker in range(threads)]
    whole = timed(lambda: ([worker.start() for worker in workers], [worker.join() for worker in workers]))
    return times, 1000 * threads * acts / whole


def flushed(folder: Path, times: int) -> list[float]:
    """Milliseconds of writing and flushing 4 KiB to the same disk: the floor under any durable append."""
    with (folder / "floor").open("ab") as file:

        def once() -> None:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())

        return [timed(once) for _ in range(times)]


@pytest.fixture(params=["SQLite, synchronous FULL", "PostgreSQL, synchronous_commit and fsync on"])
def durable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """What a record is kept in, in words, and its address."""
    if request.param.startswith("SQLite"):
        yield request.param, f"sqlite:///{tmp_path / 'tiller.db'}"
        return
    server: Postgresql = request.getfixturevalue("postgresql")
    server.fsync(on=True)
    url = server.new()
    yield request.param, url
    server.drop(url)
    server.fsync(on=False)


@pytest.mark.bench
def test_append(tmp_path: Path, durable: tuple[str, str]) -> None:
    kept_in, url = durable
    engine = connect(url)
    log = EventLog(engine)
    rows: list[tuple[str, list[float], float]] = []
    for threads, acts in ((1, 500), (8, 100), (50, 20)):
        times, rate = appended(log, threads, acts)
        rows.append((f"append of 2 events, {threads} thread{'s' * (threads > 1)}", times, rate))
    log.read("1 0")
    rows.append(("read of a known session", [timed(lambda: log.read("1 0")) for _ in range(300)], 0))
    floor = flushed(tmp_path, 300)
    rows.append(("floor: fsync of 4 KiB", floor, 0))
    print(f"\n| log on {kept_in} | p50 ms | p99 ms | max ms | acts/s |\n|---|---|---|---|---|")
    for name, times, rate in rows:
        figures = " | ".join(f"{figure:.2f}" for figure in (quantile(times, 0.5), quantile(times, 0.99), max(times)))
        print(f"| {name} | {figures} | {f'{rate:.0f}' if rate else ''} |")
    assert all(log.verify(session).whole for session in log.sessions())
    engine.dispose()
