"""One component's card, for the workspace to fetch when it is opened: all that is known of it, and where it fires."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from core.attribution import leave_one_out
from core.profile import class_profile
from core.steering import look
from pages.parts.gallery import url_of
from pages.parts.names import named
from pages.parts.opened import Opened, open_picture
from pages.parts.pieces import card_at, known, piece
from pages.parts.rig import Rig
from pages.parts.visits import facing
from study.explanations import explanation_in
from study.participants import find
from study.records import Record
from study.script import StudyScript
from study.session import session_in
from study.state import canonical
from study.task_events import TaskStarted

_LISTED = 8  # neighbours, and partners


def tasks_begun(records: Iterable[Record]) -> tuple[str, ...]:
    """The tasks of a session whose pictures were shown in it, in that order; those of later tasks are nobody's yet."""
    started = (record.event for record in records)
    return tuple(dict.fromkeys(event.task for event in started if isinstance(event, TaskStarted)))


def edition(opened: Opened, begun: Sequence[str]) -> str:
    """A short name of everything that cards rest on: under it, one may be kept for ever."""
    names = {str(component): given.called for component, given in opened.names.items()}
    who = {str(component): given.by for component, given in opened.names.items()}
    pair = [opened.target, opened.against]
    said = canonical([opened.bundle.fingerprint["bundle"], opened.pinned.state(()).id, pair, list(begun), names, who])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def is_component(text: str, opened: Opened) -> bool:
    """Whether somebody's text is the number of a component of the dictionary in use."""
    return text.isascii() and text.isdecimal() and len(text) < 10 and int(text) < opened.bundle.sae.size


def card_asked(here: Rig, token: str, component: str) -> dict[str, Any] | None:
    """The card that the owner of `token` asks for; None where no picture is open or no component may be looked at."""
    found = find(here.log, token)
    if found is None:
        return None
    records = here.log.read(found[0])
    place = session_in(records, here.script, session_id=found[0])
    if place.task is None or place.finished or "attribution" not in place.tools:
        return None
    opened = on_screen(here, records, place.task, frozenset(place.tools))
    if not is_component(component, opened):
        return None
    return card_of(here, here.script, opened, tasks_begun(records), int(component))


def on_screen(here: Rig, records: Sequence[Record], task: str, tools: frozenset[str]) -> Opened:
    """The picture that the participant of these rows has before them, with the margin explained that they chose."""
    pair = explanation_in(records, task).pair
    own = named(here, records, open_picture(here, here.script.tasks[task], pair))
    return facing(here, own, tools, records, task)


def card_of(here: Rig, script: StudyScript, opened: Opened, begun: Sequence[str], component: int) -> dict[str, Any]:
    """The card of `component` beside an opened picture.

    Args:
        begun: keys of the tasks whose pictures may be shown with it; the present one among them.
    """
    card = card_at(opened, component)
    given = opened.names.get(component)
    return {
        "edition": edition(opened, begun),
        "component": piece(opened, card, effect_of(here, opened, component)),
        "named_by": None if given is None else given.by,
        "own_name": card.label,
        "fit": known(card.label_score),
        "runner_ups": [[word, score] for word, score in card.runner_ups],
        "density": known(card.density),
        "density_class": known(card.density_class),
        "density_patches": known(card.density_patches),
        "p99": known(card.p99),
        "maximum": known(card.maximum),
        "clarity": known(card.clarity),
        "monosemanticity": known(card.monosemanticity),
        "histograms": {"class": list(card.histogram_class), "patches": list(card.histogram_patches)},
        "classes": [
            {"label": one.label, "fires": one.fires, "images": one.images}
            for one in class_profile(opened.bundle.reference, component)
        ],
        "neighbours": _near(opened, card.neighbours),
        "partners": _near(opened, card.partners),
        "study": _study(here, script, opened, begun, component),
    }


def effect_of(here: Rig, opened: Opened, component: int) -> float:
    """What the margin loses without a component, in logits; 0 where it does not fire."""
    if component in opened.effects or component not in opened.attribution.scores:
        return opened.effects.get(component, 0.0)
    target, against = opened.attribution.target, opened.attribution.against

    def measure() -> tuple[float]:
        with here.gate:
            lost = leave_one_out(opened.model, opened.bundle.sae, opened.seen, target, against, (component,))
        return (lost[component],)

    return here.states.recall(("effect", opened.pinned, target, against, component), measure)[0]


def _near(opened: Opened, others: Sequence[tuple[int, float]]) -> list[dict[str, Any]]:
    return [{"index": other, "name": opened.name_of(other), "score": score} for other, score in others[:_LISTED]]


def _study(
    here: Rig, script: StudyScript, opened: Opened, begun: Sequence[str], component: int
) -> list[dict[str, Any]]:
    """The pictures of these tasks and how strongly it fires there, strongest first; what they show is not said."""
    tasks = {script.tasks[key].picture: key for key in reversed(begun) if key in script.tasks}
    found: list[dict[str, Any]] = []
    for picture, key in tasks.items():
        if picture not in here.tasks:
            continue
        code = _peaks(here, script, opened, key).get(component, 0.0)
        file = here.tasks[picture].file
        found.append({"url": url_of(file, 96, opened.bundle), "code": code, "here": file == opened.picture})
    if not any(one["here"] for one in found):  # another picture than a task's was opened, and so was met as well
        code = opened.seen.codes.peaks().get(component, 0.0)
        found.append({"url": url_of(opened.picture, 96, opened.bundle), "code": code, "here": True})
    return sorted(found, key=lambda one: -one["code"])


def _peaks(here: Rig, script: StudyScript, opened: Opened, key: str) -> dict[int, float]:
    """The greatest code of each component in a task's picture, under the dictionary that is looked through."""
    file, bundle = here.tasks[script.tasks[key].picture].file, opened.bundle
    memory: Hashable = ("peaks", file, bundle.sae.digest)

    def measure() -> dict[int, float]:
        if file == opened.picture:
            return opened.seen.codes.peaks()
        task = script.tasks[key]
        if here.bundles.get(task.sae) is bundle:
            return open_picture(here, task).seen.codes.peaks()
        with here.gate:
            return look(
                bundle.model, bundle.sae, bundle.model.pixels(here.picture_file(file).read_bytes())
            ).codes.peaks()

    return here.pictures.recall(memory, measure)
