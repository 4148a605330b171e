"""The route of one participant: every stop from welcome to debrief, as the script and the slot have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from random import Random

from study.script import Answer, StudyScript
from study.script.part import STEERING
from study.script.sequence import Page, Phase, Phases, Skip, TaskSet
from study.script.setting import InstrumentUse
from study.squares import square

PHASE_ORDER, TASK_SET, TASK_ORDER = "phase_order", "task_set", "task_order"


class Step(StrEnum):
    """The screen that a participant belongs on."""

    WELCOME = "welcome"
    CONSENT = "consent"
    DEVICE = "device"
    MIC = "mic"
    TEXT = "text"
    QUESTIONS = "questions"
    INSTRUMENT = "instrument"
    TUTORIAL = "tutorial"
    BRIEFING = "briefing"
    WORKSPACE = "workspace"
    ANSWER = "answer"
    DONE = "done"


_STEP_OF = {
    "welcome": Step.WELCOME,
    "consent": Step.CONSENT,
    "device_check": Step.DEVICE,
    "mic_check": Step.MIC,
    "tutorial": Step.TUTORIAL,
    "text": Step.TEXT,
    "questions": Step.QUESTIONS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One place on a route; it is left by a row `page.left` of its `id`, a task by what ends the task.

    `step` is where it begins: a task's stop goes through briefing, workspace and answer. `tools` are those that both
    task and condition offer, in the task's order.
    """

    id: str
    step: Step
    title: str = ""
    text: str = ""
    ask: tuple[Answer, ...] = ()
    task: str | None = None  # a task, the tutorial's, or the one that an instrument is about
    condition: str = ""
    phase: str = ""
    tools: tuple[str, ...] = ()
    min_interventions: int = 0  # before a task may be handed in; none where no tool on offer makes one
    instrument: InstrumentUse | None = None
    require: tuple[str, ...] = ()
    only_if: str | None = None
    skips: tuple[Skip, ...] = ()

    @property
    def is_task(self) -> bool:
        """Whether it is a task that counts, and no tutorial."""
        return self.step is Step.BRIEFING


@lru_cache(maxsize=4096)
def _drawn(script: StudyScript, cell: tuple[tuple[str, int], ...], seed: int) -> tuple[Stop, ...]:
    return tuple(_Way(script, dict(cell), seed).stops())


def route_of(script: StudyScript, cell: Mapping[str, int], seed: int) -> tuple[Stop, ...]:
    """All stops in order; `cell` has the level of each factor that was drawn, `seed` decides what is random.

    A factor that is not in `cell` is at level 0; rules (`if`, `skip`) are for whoever walks the route.
    """
    return _drawn(script, tuple(sorted(cell.items())), seed)


def tasks_met(script: StudyScript) -> int:
    """How many tasks that count a participant meets, practice aside; every cell meets as many."""
    return sum(stop.is_task for stop in route_of(script, {}, 0))


def factors_of(script: StudyScript) -> dict[str, int]:
    """The factors that newcomers are balanced over, with how many levels each has, in the script's priority."""
    found: dict[str, int] = {}
    phases = next((b for b in script.sequence.blocks if isinstance(b, Phases)), None) if script.sequence else None
    if phases is not None:
        if phases.order == "latin_square":
            found[PHASE_ORDER] = len(square(len(phases.blocks)))
        if len(phases.rotate) > 1:
            found[TASK_SET] = len(phases.rotate)
    sizes = {len(held.tasks) for held in script.task_sets.values() if held.order == "latin_square"}
    if sizes:
        found[TASK_ORDER] = len(square(max(sizes)))
    found |= {name: len(arm.levels) for name, arm in script.arms.items()}
    first = [name for name in (phases.draw.priority if phases else ()) if name in found]
    return {name: found[name] for name in (*first, *(name for name in found if name not in first))}


class _Way:
    """A route in the making."""

    def __init__(self, script: StudyScript, cell: Mapping[str, int], seed: int) -> None:
        self.script, self.cell, self.seed = script, cell, seed

    def stops(self) -> Iterator[Stop]:
        script = self.script
        yield Stop(id="welcome", step=Step.WELCOME)
        blocks = script.sequence.blocks if script.sequence else ()
        if not any(isinstance(block, Page) and block.page == "consent" for block in blocks):
            yield Stop(id="consent", step=Step.CONSENT)
        if script.sequence is None:
            for task in script.tasks:
                yield from self.task(task, None)
            yield from self.instruments_at_end()
            return
        asked = False
        kinds = Counter(block.page for block in blocks if isinstance(block, Page))
        for number, block in enumerate(blocks):
            if isinstance(block, Phases):
                yield from self.phases(block)
            elif isinstance(block, Phase):
                yield from self.phase(block, 0, ())
            elif block.page == "instruments":
                asked = True
                yield from self.instruments_at_end()
            elif block.page != "welcome":
                yield self.page(
                    block, block.id or (block.page if kinds[block.page] == 1 else f"{block.page}_{number}"), None
                )
        if not asked:
            yield from self.instruments_at_end()

    def phases(self, block: Phases) -> Iterator[Stop]:
        many = len(block.blocks)
        order: Sequence[int] = range(many)
        if block.order == "latin_square":
            order = square(many)[self.cell.get(PHASE_ORDER, 0)]
        if block.order == "random":
            order = Random(f"{self.seed}/{block.id}").sample(range(many), many)
        for place, number in enumerate(order):
            yield from self.phase(block.blocks[number], place, block.rotate)

    def phase(self, block: Phase, place: int, rotate: tuple[str, ...]) -> Iterator[Stop]:
        if block.first is not None:
            yield self.page(block.first, block.first.id or f"{block.id}_first", block)
        turned = (place + self.cell.get(TASK_SET, 0)) % len(rotate) if rotate else 0
        held = self.script.task_sets[rotate[turned] if block.tasks == "rotated" else block.tasks]
        for done, task in enumerate(self.order(held, block.id), start=1):
            yield from self.task(task, block)
            for page in held.interruptions:
                if page.after == done:
                    yield Stop(
                        id=f"{block.id}_{page.id}", step=Step.TEXT, text=self.script.text(page.text), phase=block.id
                    )

    def order(self, held: TaskSet, where: str) -> list[str]:
        tasks = list(held.tasks)
        if held.order == "latin_square":
            rows = square(len(tasks))
            tasks = [tasks[one] for one in rows[self.cell.get(TASK_ORDER, 0) % len(rows)]]
        if held.order == "random":
            tasks = Random(f"{self.seed}/{where}").sample(tasks, len(tasks))
        return tasks[: held.sample]

    def task(self, key: str, block: Phase | None) -> Iterator[Stop]:
        phase, condition = (block.id, block.condition or "") if block else ("", "")
        tools = self.tools(key, condition)
        yield Stop(
            id=key,
            step=Step.BRIEFING,
            task=key,
            condition=condition,
            phase=phase,
            tools=tools,
            min_interventions=self.script.tasks[key].limits.min_interventions if STEERING & set(tools) else 0,
        )
        for use in self.script.instruments:
            if use.at == "after_each_task":
                yield Stop(
                    id=f"{key}/{use.id}",
                    step=Step.INSTRUMENT,
                    instrument=use,
                    task=key,
                    phase=phase,
                    condition=condition,
                )

    def tools(self, task: str, condition: str) -> tuple[str, ...]:
        own = self.script.tasks[task].tools
        offered = self.script.conditions[condition].tools if condition else own
        return tuple(tool for tool in own if tool in offered)

    def page(self, page: Page, name: str, block: Phase | None) -> Stop:
        condition = (block.condition or "") if block else ""
        return Stop(
            id=name,
            step=_STEP_OF[page.page],
            title=page.title or "",
            text=self.script.text(page.text) if page.text else "",
            ask=page.ask,
            task=page.task,
            condition=condition,
            phase=block.id if block else "",
            tools=self.tools(page.task, condition) if page.task else (),
            require=page.require.events if page.require else (),
            only_if=page.if_,
            skips=page.skip,
        )

    def instruments_at_end(self) -> Iterator[Stop]:
        for use in self.script.instruments:
            if use.at == "end":
                yield Stop(id=use.id, step=Step.INSTRUMENT, instrument=use)
