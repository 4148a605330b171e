"""Sessions for the benchmarks: what participants do, drawn and not run, written by the log's own drafts and rows.

Sessions have logits and words of their own; after DRAWN of them they come again under other names, which is further
back than anything that an export keeps in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from sqlalchemy import insert

from core.types import Edit, Prediction, SteeringPlan
from study.database import connect
from study.drafts import Draft, draft, rows_of
from study.events import Event
from study.log import EventLog
from study.predictions import Shown, shown
from study.records import server_now
from study.schema import events, payloads
from study.session_events import ConsentGiven, ConsentShown, SessionCompleted, SessionStarted
from study.state import Pinned
from study.steering_events import InterventionApplied, InterventionReset, InterventionUndone, ModelPredicted
from study.task_events import (
    ConceptInspected,
    ExplanationViewed,
    ResponseSubmitted,
    StimulusShown,
    TaskStarted,
    TaskSubmitted,
)

LABELS = tuple(f"class {number}" for number in range(12))
PINNED = Pinned(model_sha256="m" * 64, dictionary_sha256="d" * 64, image_sha256="i" * 64, labels_sha256="l" * 64)
ENVIRONMENT = {f"field {number}": "value" * 4 for number in range(12)}
COMPONENTS = 2048
TASKS = ("word", "scene", "badge")
ROWS = 500  # of one session, about
DRAWN = 40
Act = tuple[Event, ...]


def session(number: int, rows: int = ROWS) -> Iterator[Act]:
    """The acts of one participant, `rows` rows and the few that end them."""
    chance = Random(number)
    yield (SessionStarted(study="bench", study_version="1", script_sha256="5c", participant=f"P{number}"),)
    yield (ConsentShown(text_sha256="c" * 64, scopes=("log", "quote")),)
    yield tuple(ConsentGiven(scope=scope, text_sha256="c" * 64) for scope in ("log", "quote"))
    for order, task in enumerate(TASKS, 1):
        yield from _attempt(chance, task, order, (rows - 5) // len(TASKS))
    yield (SessionCompleted(),)


def _attempt(chance: Random, task: str, order: int, rows: int) -> Iterator[Act]:
    plan = SteeringPlan()
    now = _said(chance, plan)
    past: list[tuple[SteeringPlan, Shown]] = []
    stimulus = StimulusShown(task=task, image="7f.png", image_sha256="i" * 64, labels=LABELS, labels_sha256="l" * 64)
    yield TaskStarted(task=task, order=order), stimulus, _predicted(task, now)
    tried = [chance.randrange(COMPONENTS) for _ in range(20)]
    yield (ExplanationViewed(task=task, view="gradient", toward="class 1", against="class 2", components=tuple(tried)),)
    left = rows - 7
    while left > 0:
        kind = chance.random()
        if kind < 0.25:
            left -= 1
            yield (ConceptInspected(task=task, component=chance.choice(tried)),)
            continue
        left -= 2
        before = now
        if kind < 0.4 and past:
            plan, now = past.pop()
            undone = InterventionUndone(task=task, before=before, after=now, pinned=PINNED, undone_event="e" * 36)
            yield undone, _predicted(task, now)
            continue
        past.append((plan, now))
        if len(plan) > 6:
            plan, now = SteeringPlan(), _said(chance, SteeringPlan())
            yield InterventionReset(task=task, before=before, after=now, pinned=PINNED), _predicted(task, now)
            continue
        edit = Edit(chance.choice(tried), strength=chance.choice((0.0, 0.25, 0.5, 1.5, 2.0)))
        previous, plan = plan.on(edit.component), plan.put(edit)
        now = _said(chance, plan)
        applied = InterventionApplied(
            task=task,
            before=before,
            after=now,
            pinned=PINNED,
            component=edit.component,
            tool="suppress" if edit.strength < 1 else "amplify",
            value=edit.strength,
            unit="factor",
            setting=edit,
            previous=previous,
        )
        yield applied, _predicted(task, now)
    words = " ".join(chance.choices(("the", "word", "on", "its", "badge", "makes", "it", "say", "boat"), k=12))
    yield (
        ResponseSubmitted(task=task, item="cause", text=words),
        ResponseSubmitted(task=task, item="confidence", number=float(chance.randrange(101))),
        TaskSubmitted(task=task),
    )


def _said(chance: Random, plan: SteeringPlan) -> Shown:
    return shown(Prediction(LABELS, tuple(chance.gauss(0.0, 3.0) for _ in LABELS)), plan, PINNED)


def _predicted(task: str, now: Shown) -> ModelPredicted:
    return ModelPredicted(task=task, after=now, pinned=PINNED, latency_ms=3.0, environment=ENVIRONMENT)


def filled(path: Path, size: int) -> str:
    """The URL of a log of at least `size` rows, in sessions of about ROWS, with no flush between them."""
    url = f"sqlite:///{path}"
    log = EventLog(connect(url))
    made = [[tuple(map(draft, act)) for act in session(number, min(ROWS, max(40, size)))] for number in range(DRAWN)]
    left, number = size, 0
    while left > 0:
        rows, texts = _written(f"s{number:06d}", made[number % DRAWN])
        with log.writer._engine.begin() as connection:
            connection.execute(insert(events), rows)
            connection.execute(insert(payloads), texts)
        left -= len(rows)
        number += 1
    return url


def _written(session_id: str, acts: list[tuple[Draft, ...]]) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    rows: list[dict[str, object]] = []
    texts: list[dict[str, object]] = []
    place = {"actor": "participant", "page": None}
    for turn, drafted in enumerate(acts):
        mine = rows_of(drafted, session_id, f"key {turn}", place, server_now(), rows[-1] if rows else None)
        rows += mine
        texts += [
            {"event_id": row["event_id"], "salt": one.salt, "request_digest": "r", "json": one.payload}
            for row, one in zip(mine, drafted, strict=True)
        ]
    return rows, texts
