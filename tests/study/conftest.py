"""A log on a file of its own, a clock that the test sets, and a model so small that a hand can follow it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from strangers import Stranger

from core.types import Op, Prediction, Scope, SteeringPlan
from study.acts import Act
from study.bench import Bench, Seen
from study.database import connect
from study.log import EventLog
from study.messages import read_act
from study.records import Instant
from study.session_events import SessionStarted
from study.state import Pinned

LABELS = ("apple", "boat", "car")
TOOLS = "attribution", "contrast", "waterfall", "suppress", "amplify", "set", "add", "scope", "undo", "redo", "reset"


class SetClock:
    """A clock that moves one second a reading."""

    def __init__(self) -> None:
        self.readings = 0

    def __call__(self) -> Instant:
        self.readings += 1
        return Instant(1_700_000_000_000_000_000 + self.readings * 1_000_000_000, self.readings * 1_000_000_000, "boot")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test with a record runs on both databases, but for those about one of them."""
    if "database" in metafunc.fixturenames:
        about = {mark.name for mark in metafunc.definition.iter_markers()}
        without = {"file": "postgresql", "server": "sqlite"}
        left_out = {without[name] for name in about & without.keys()}
        metafunc.parametrize("database", [name for name in ("sqlite", "postgresql") if name not in left_out])


@pytest.fixture
def url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if database == "sqlite":
        yield f"sqlite:///{tmp_path / 'record' / 'tiller.db'}"
        return
    server = request.getfixturevalue("postgresql")
    made = server.new()
    yield made
    server.drop(made)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where recordings and exports lie, for the commands too; a server has no folder beside it that tests may fill."""
    monkeypatch.setenv("TILLER_FILES", str(tmp_path / "record"))
    return tmp_path / "record"


@pytest.fixture
def fresh_log(url: str, files: Path) -> Iterator[EventLog]:
    engine = connect(url)
    yield EventLog(engine, now=SetClock(), files=files)
    engine.dispose()


@pytest.fixture
def reopen(url: str, files: Path) -> Iterator[Callable[[], EventLog]]:
    """Another process's log on the same file, or this one's after a restart."""
    engines: list[Engine] = []

    def made() -> EventLog:
        engines.append(connect(url))
        return EventLog(engines[-1], now=SetClock(), files=files)

    yield made
    for engine in engines:
        engine.dispose()


@pytest.fixture
def stranger(url: str, fresh_log: EventLog) -> Iterator[Stranger]:
    with closing(Stranger(url)) as connection:
        yield connection


@pytest.fixture
def pinned() -> Pinned:
    return Pinned(model_sha256="m", dictionary_sha256="d", image_sha256="i", labels_sha256="l", explanation="gradient")


def toy_prediction(plan: SteeringPlan) -> Prediction:
    """Component c has code 1 and pushes label c modulo 3 by 1: scaling it by s takes 1 - s away."""
    logits = [2.0, 1.0, 0.0]
    for edit in plan:
        code = {Op.SCALE: edit.strength, Op.SET: edit.strength, Op.ADD: 1 + edit.strength}[edit.op]
        logits[edit.component % 3] += code - 1.0
    return Prediction(LABELS, tuple(logits))


@pytest.fixture
def bench(pinned: Pinned) -> Bench:
    def unit(component: int, _scope: Scope) -> float:
        return math.nan if component == 9 else 2.0

    return Bench(
        task="word",
        attempt=1,
        pinned=pinned,
        tools=frozenset(TOOLS),
        components=10,
        patches=4,
        see=lambda plan: Seen(prediction=toy_prediction(plan), edit_norm_ratio=0.25, latency_ms=3.5),
        unit=unit,
        environment={"python": "3"},
        labels=LABELS,
    )


@pytest.fixture
def act() -> Callable[..., Act]:
    count = iter(range(1, 10_000))

    def made(kind: str, component: int | None = None, strength: float | None = None, **more: object) -> Act:
        message: dict[str, object] = {"id": f"act-{next(count):06d}", "task": "word", "kind": kind, **more}
        if component is not None:
            message["component"] = component
        if strength is not None:
            message["strength"] = strength
        return read_act(message)

    return made


def started(**changes: str) -> SessionStarted:
    given = SessionStarted(study="demo", study_version="1.0.0", script_sha256="5c", participant="P01")
    return replace(given, **changes)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def session(fresh_log: EventLog) -> str:
    fresh_log.append("s1", started(), key="start")
    return "s1"


@pytest.fixture
def start() -> Callable[..., SessionStarted]:
    return started
