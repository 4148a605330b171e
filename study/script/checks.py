"""What a script has to hold beyond its form: names that exist, scales that run upwards, orders that can be drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from study.loader import Place
from study.script.answers import Answer, Choice, Slider
from study.script.file import ScriptFile
from study.script.sense import Mistake, out_of_tune
from study.script.sequence import Page, Phase, Phases, pages_in, phases_in
from study.script.tasks import PICTURES

ROTATED = "rotated"


def beyond_the_schema(file: ScriptFile, texts: Mapping[str, str]) -> list[Mistake]:
    """All mistakes that the form does not show; `texts` has every file beside the script, "" where there is none."""
    named = [*_texts(file, texts), *_own(file), *_sequence(file)]
    # what names something that is not there cannot be judged further
    return named or list(out_of_tune(file))


def _texts(file: ScriptFile, texts: Mapping[str, str]) -> Iterator[Mistake]:
    shown = {task.picture for task in file.tasks.values()}
    named: set[str] = set()
    for key, task in file.tasks.items():
        if task.is_own_picture and task.picture not in named and not texts[task.picture]:
            what = f": {task.supply}" if task.supply else "."
            yield ("tasks", key, "picture"), f"no picture {task.picture} lies beside the script; put it there{what}"
        for other in task.similar:
            where: Place = ("tasks", key, "similar", other)
            if other in shown:
                yield where, f"{other} is a task's picture, which participants meet; hold another one out."
            elif other not in named and not texts[other]:
                yield where, f"no picture {other} lies beside the script; put it there or take it out of similar."
        named |= set(task.files)
        if task.is_own_picture and task.shows is None:
            yield ("tasks", key), f"{task.picture} is a picture of your own; say under shows which class is right."
    for name, text in texts.items():
        if not text and not name.lower().endswith(PICTURES):
            place: Place = ("consent", "text") if name == file.consent.text else ("sequence",)
            yield place, f"no UTF-8 text {name} lies beside the script; write the text there."


def _own(file: ScriptFile) -> Iterator[Mistake]:
    yield from _doubles(("consent", "scopes"), [scope.key for scope in file.consent.scopes])
    yield from _doubles(("study", "languages"), file.study.languages)
    if file.think_aloud:
        yield from _doubles(("think_aloud", "prompts"), [prompt.id for prompt in file.think_aloud.prompts])
        for number, prompt in enumerate(file.think_aloud.prompts):
            yield from _answers(("think_aloud", "prompts", number, "ask"), prompt.ask)
    for key, task in file.tasks.items():
        where = ("tasks", key)
        yield from _doubles((*where, "tools"), task.tools)
        yield from _doubles((*where, "labels"), task.labels or ())
        yield from _answers((*where, "answers"), task.answers)


def _answers(where: Place, answers: Sequence[Answer]) -> Iterator[Mistake]:
    yield from _doubles(where, [answer.id for answer in answers])
    for number, answer in enumerate(answers):
        here = (*where, number)
        if isinstance(answer, Slider) and not answer.min < answer.max:
            yield here, f"{answer.id}: min {answer.min} is not below max {answer.max}."
        if isinstance(answer, Slider) and answer.start is not None and not answer.min <= answer.start <= answer.max:
            yield here, f"{answer.id}: start {answer.start} lies outside the scale."
        if isinstance(answer, Choice):
            options = [option.id for option in answer.options]
            yield from _doubles((*here, "options"), options)
            yield from _unknown((*here, "accept"), answer.accept, options, "option")


def _sequence(file: ScriptFile) -> Iterator[Mistake]:
    if file.sequence is None:
        return
    for set_, held in file.task_sets.items():
        yield from _doubles(("task_sets", set_, "tasks"), held.tasks)
        yield from _unknown(("task_sets", set_, "tasks"), held.tasks, file.tasks, "task")
    yield from _doubles(("sequence", "blocks"), [page.id for page in pages_in(file.sequence) if page.id])
    for number, block in enumerate(file.sequence.blocks):
        where = ("sequence", "blocks", number)
        if isinstance(block, Phases):
            yield from _unknown((*where, "rotate"), block.rotate, file.task_sets, "task set")
            for inner, phase in enumerate(block.blocks):
                yield from _phase(file, (*where, "blocks", inner), phase, block.rotate)
        elif isinstance(block, Phase):
            yield from _phase(file, where, block, ())
        else:
            yield from _page(file, where, block)
    if sum(holder is not None for holder, _ in phases_in(file.sequence)) > 1:
        yield ("sequence", "blocks"), "phases stand in two groups; one group of them can be put in order, keep one."


def _phase(file: ScriptFile, where: Place, phase: Phase, rotate: Sequence[str]) -> Iterator[Mistake]:
    if phase.condition is not None:
        yield from _unknown((*where, "condition"), [phase.condition], file.conditions, "condition")
    if phase.tasks == ROTATED and not rotate:
        yield (*where, "tasks"), "rotated, but the phases rotate no task sets; name them under rotate."
    if phase.tasks != ROTATED:
        yield from _unknown((*where, "tasks"), [phase.tasks], file.task_sets, "task set")
    if phase.first is not None:
        yield from _page(file, (*where, "first"), phase.first)


def _page(file: ScriptFile, where: Place, page: Page) -> Iterator[Mistake]:
    if page.task is not None:
        yield from _unknown((*where, "task"), [page.task], file.tasks, "task")
    if page.page == "text" and not page.text:
        yield where, "a text page without text; give text, in the script or in a .md file beside it."
    if page.page == "questions" and not page.ask:
        yield where, "a page of questions without any; give ask."
    if page.page == "tutorial" and not page.task:
        yield where, "a tutorial without a task to practise on; give task."
    yield from _answers((*where, "ask"), page.ask)


def _doubles(where: Place, names: Iterable[str]) -> Iterator[Mistake]:
    for name, count in Counter(names).items():
        if count > 1:
            yield where, f"{name!r} stands twice; keep one."


def _unknown(where: Place, named: Iterable[str], known: Iterable[str], what: str) -> Iterator[Mistake]:
    there = list(known)
    for name in named:
        if name not in there:
            yield where, f"{what} {name!r} is not there; there are {', '.join(there) or 'none'}."
