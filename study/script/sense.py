"""Whether a script makes sense: rules that can be read, tools that meet, orders that balance, scopes that exist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from study.loader import Place
from study.rules import RuleError, read_rule
from study.script.file import ScriptFile
from study.script.names import HELD_OUT, STATE, names_in
from study.script.part import STEERING
from study.script.sequence import Page, Phase, Phases, Skip, TaskSet, phases_in
from study.script.tasks import Task

Mistake = tuple[Place, str]
NONE = "none"  # the fault of a control task


def out_of_tune(file: ScriptFile) -> Iterator[Mistake]:
    """Mistakes of a script whose names all exist."""
    yield from _scopes(file)
    yield from _rules(file)
    yield from _skips(file)
    for key, task in file.tasks.items():
        yield from _task(("tasks", key), task)
    yield from _orders(file)
    yield from _tools(file)
    yield from _ids(file)


def advised(file: ScriptFile) -> Iterator[Mistake]:
    """What is no mistake, and yet most authors would not want."""
    if not any(task.fault == NONE for task in file.tasks.values()):
        yield (
            ("tasks",),
            "no control task: with one whose fault is `none`, those who repair what is not broken are seen.",
        )
    practised = {page.task for _, page in _pages(file)}
    told = [key for key, task in file.tasks.items() if task.truth == "shown" and key not in practised]
    if told and any(task.fault == NONE for task in file.tasks.values()):
        yield (
            ("tasks", told[0]),
            "a control task is known by its frame if pages say what a picture shows; write truth: hidden in all tasks.",
        )
    for key, task in file.tasks.items():
        if task.success is not None and task.success.held_out is not None and "similar" in task.tools:
            yield (
                ("tasks", key, "tools"),
                "success.held_out judges by the like failures that the tool similar shows while people steer: they are "
                "held out no longer; leave similar out.",
            )
    offered = _conditions(file)
    steered = any(
        STEERING & set(task.tools) & tools for key, task in file.tasks.items() for tools in offered.get(key, [])
    )
    for number, prompt in enumerate(file.think_aloud.prompts if file.think_aloud else ()):
        if prompt.when.trigger in ("every", "undo", "reset", "top1_flip", "no_effect", "first_steer") and not steered:
            yield ("think_aloud", "prompts", number), f"{prompt.id} waits for a steer, and no task can be steered."
    for key, tools in offered.items():
        task = file.tasks[key]
        if task.limits.min_interventions and not all(STEERING & set(task.tools) & on for on in tools):
            yield (
                ("tasks", key, "limits"),
                "interventions are asked for, and none is waited for under a condition where no tool makes one.",
            )
    fixed = [holder for holder, _ in phases_in(file.sequence) if holder] if file.sequence else []
    if any(holder.order == "fixed" and len(holder.blocks) > 1 for holder in fixed):
        yield ("sequence",), "the phases stand in one order for all: what differs between them may be practice."


def _scopes(file: ScriptFile) -> Iterator[Mistake]:
    if "audio" in {scope.key for scope in file.consent.scopes}:
        return
    ask = "; ask for it under consent.scopes with the key audio."
    if file.think_aloud and file.think_aloud.audio:
        yield ("think_aloud", "audio"), f"a voice is recorded, and nobody is asked for it{ask}"
    for number, prompt in enumerate(file.think_aloud.prompts if file.think_aloud else ()):
        if prompt.when.silence_s is not None:
            yield (
                ("think_aloud", "prompts", number, "when"),
                f"silence is heard in a recording, which nobody allows{ask}",
            )
    for place, page in _pages(file):
        if page.page == "mic_check":
            yield (*place, "page"), f"a microphone is checked that nobody allows to be used{ask}"


def _rules(file: ScriptFile) -> Iterator[Mistake]:
    names = names_in(file)
    for place, page in _pages(file):
        if page.if_ is not None:
            yield from _rule((*place, "if"), page.if_, names)
        for number, skip in enumerate(page.skip):
            yield from _rule((*place, "skip", number, "if"), skip.if_, names)
    labels: dict[str, type] = {**STATE}
    for key, task in file.tasks.items():
        if task.success is not None:
            yield from _rule(("tasks", key, "success", "rule"), task.success.rule, labels)
            if task.success.held_out is not None:
                yield from _rule(("tasks", key, "success", "held_out", "rule"), task.success.held_out.rule, HELD_OUT)


def _rule(place: Place, text: str, names: Mapping[str, type]) -> Iterator[Mistake]:
    try:
        read_rule(text, names)
    except RuleError as error:
        yield place, str(error)


def _skips(file: ScriptFile) -> Iterator[Mistake]:
    blocks = file.sequence.blocks if file.sequence else ()
    for number, block in enumerate(blocks):
        later = [one.id for one in blocks[number + 1 :] if isinstance(one, Page) and one.id]
        skips: tuple[Skip, ...] = block.skip if isinstance(block, Page) else ()
        for which, skip in enumerate(skips):
            place = ("sequence", "blocks", number, "skip", which)
            if skip.to != "end" and skip.to not in later:
                yield (
                    (*place, "to"),
                    f"{skip.to!r} is no later page; name `end` or one of {', '.join(later) or 'none'}.",
                )
            if skip.as_ is not None and skip.to != "end":
                yield (*place, "as"), "only a skip to `end` ends the session; leave `as` out."


def _task(where: Place, task: Task) -> Iterator[Mistake]:
    limits = task.limits
    if limits.warn_at_minutes is not None and not (limits.minutes and limits.warn_at_minutes < limits.minutes):
        yield (
            (*where, "limits"),
            "warn_at_minutes is not before the end; give minutes, and fewer of them for the warning.",
        )
    steers = STEERING & set(task.tools)
    if task.expect is not None and not steers:
        yield (
            (*where, "expect"),
            "nothing can be expected of a steer where no tool steers; offer one of the steering tools.",
        )
    if limits.min_interventions and not steers:
        yield (*where, "limits"), "interventions are asked for and no tool makes one; offer a steering tool."
    if task.success is not None and not steers:
        yield (*where, "success"), "it is read from a steered model, and no tool steers; leave it out or offer one."
    if {"similar", "open"} & set(task.tools) and "ripple" not in task.tools:
        yield (*where, "tools"), "similar and open are parts of the ripple; offer ripple with them, or leave them out."
    if {"waterfall", "contrast"} & set(task.tools) and "attribution" not in task.tools:
        yield (*where, "tools"), "waterfall and contrast are parts of the attribution; offer it, or leave them out."
    if task.shows is not None and task.labels is not None and task.shows not in task.labels:
        yield (*where, "shows"), f"{task.shows!r} is none of the labels {', '.join(task.labels)}."


def _orders(file: ScriptFile) -> Iterator[Mistake]:
    for name, held in file.task_sets.items():
        yield from _set(("task_sets", name), held)
    used = [task for held in file.task_sets.values() for task in held.tasks]
    for task, count in Counter(used).items():
        if count > 1:
            yield ("task_sets",), f"task {task!r} stands in {count} sets, so that somebody may meet it twice; keep one."
    for place, page in _pages(file):
        if page.task is not None and page.task in (used if file.sequence else file.tasks):
            yield (
                (*place, "task"),
                f"{page.task!r} is practised and counts as well; give the tutorial a task of its own.",
            )
    if file.sequence is None:
        return
    for holder, phases in phases_in(file.sequence):
        named = [phase.tasks for phase in phases if phase.tasks != "rotated"]
        doubled = [name for name, count in Counter(named).items() if count > 1]
        for name in doubled:
            yield ("sequence",), f"task set {name!r} stands in two phases; name another, or `rotated`."
        if holder is not None:
            where = ("sequence", "blocks", file.sequence.blocks.index(holder))
            yield from _holder(file, where, holder)


def _set(where: Place, held: TaskSet) -> Iterator[Mistake]:
    many = len(held.tasks)
    if held.sample is not None and held.sample > many:
        yield (*where, "sample"), f"{held.sample} of {many} tasks were asked for; take as many as there are, or fewer."
    if held.sample is not None and held.sample != many and held.order == "latin_square":
        yield (*where, "sample"), f"a square orders all {many} tasks; leave sample out, or take order: random."
    for number, page in enumerate(held.interruptions):
        if page.after > (held.sample or many):
            yield (
                (*where, "interruptions", number, "after"),
                f"it comes after task {page.after} of {held.sample or many}.",
            )


def _holder(file: ScriptFile, where: Place, holder: Phases) -> Iterator[Mistake]:
    turning = sum(phase.tasks == "rotated" for phase in holder.blocks)
    if holder.rotate and turning != len(holder.rotate):
        yield (
            (*where, "rotate"),
            f"{len(holder.rotate)} task sets turn over {turning} phases; there have to be as many.",
        )
    known = {"phase_order", "task_set", "task_order", *file.arms}
    for name in holder.draw.priority:
        if name not in known:
            yield (*where, "draw", "priority"), f"factor {name!r} is not there; there are {', '.join(sorted(known))}."
    sizes = {len(file.task_sets[name].tasks) for name in holder.rotate if file.task_sets[name].order == "latin_square"}
    if len(sizes) > 1:
        yield (
            (*where, "rotate"),
            "the sets have different numbers of tasks; one row of a square serves all, so make them equal.",
        )


def _tools(file: ScriptFile) -> Iterator[Mistake]:
    for key, offered in _conditions(file).items():
        for tools in offered:
            if not tools & set(file.tasks[key].tools):
                yield (
                    ("tasks", key, "tools"),
                    "none of them is offered under a condition that the task falls into; add one.",
                )


def _conditions(file: ScriptFile) -> dict[str, list[frozenset[str]]]:
    """The tools of every condition that each task can fall into."""
    found: dict[str, list[frozenset[str]]] = {}
    if file.sequence is None:
        return {key: [frozenset(task.tools)] for key, task in file.tasks.items()}
    for holder, phases in phases_in(file.sequence):
        for phase in phases:
            rotated = holder.rotate if holder else ()
            for name in rotated if phase.tasks == "rotated" else (phase.tasks,):
                for task in file.task_sets[name].tasks:
                    own = frozenset(file.tasks[task].tools)
                    tools = frozenset(file.conditions[phase.condition].tools) if phase.condition else own
                    found.setdefault(task, []).append(tools)
    return found


def _ids(file: ScriptFile) -> Iterator[Mistake]:
    codes = [code for code in file.ids.completion.model_dump().values() if code]
    for code, count in Counter(codes).items():
        if count > 1:
            yield ("ids", "completion"), f"code {code!r} stands for {count} ways to end; give each its own."
    if file.ids.return_url is not None and "{code}" not in file.ids.return_url:
        yield ("ids", "return_url"), "no place for the code; write {code} where it belongs."
    if file.modes.moderated is None and file.modes.remote is None:
        yield ("modes",), "neither way of running it is left; leave one in."
    where = (
        {"any", *file.tasks, *(phase.id for _, phases in phases_in(file.sequence) for phase in phases)}
        if file.sequence
        else {"any", *file.tasks}
    )
    for number, question in enumerate(file.guide):
        if question.at not in where:
            yield ("guide", number, "at"), f"{question.at!r} is neither a task nor a phase; name one, or `any`."


def _pages(file: ScriptFile) -> Iterator[tuple[Place, Page]]:
    for number, block in enumerate(file.sequence.blocks if file.sequence else ()):
        where: Place = ("sequence", "blocks", number)
        if isinstance(block, Page):
            yield where, block
        phases: list[tuple[Place, Phase]] = [(where, block)] if isinstance(block, Phase) else []
        if isinstance(block, Phases):
            phases = [((*where, "blocks", inner), phase) for inner, phase in enumerate(block.blocks)]
        for place, phase in phases:
            if phase.first is not None:
                yield (*place, "first"), phase.first
