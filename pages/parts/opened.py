"""A task's picture, opened once: what the model says of it, what that rests on, and what each plan makes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import NamedTuple

from core.attribution import Attribution, agreement, attribute, leave_one_out
from core.bundle import Bundle
from core.component import Component
from core.environment import environment_of
from core.model import Clip
from core.steering import Look, look, steer
from core.types import SteeringPlan, View
from pages.parts.claims import certifier
from pages.parts.rig import Rig
from study.bench import Bench, Seen
from study.concept_names import Given
from study.explanations import Pair
from study.prompts import held
from study.script import Task
from study.session import Session
from study.simulation import Desk
from study.state import Pinned, digest, labels_digest
from study.task_events import ExplanationViewed

SHOWN = 16
SCREENED = 32


@dataclass(frozen=True, eq=False)
class Opened:
    """One picture under one dictionary and the margin of one pair of classes; by default the prediction's own.

    `effects` are exact leave-one-out losses of that margin, in logits.
    """

    bundle: Bundle
    model: Clip  # the bundle's, with the task's own class names where it has some
    picture: str
    truth: str
    hidden: bool  # whether no participant is told the truth
    seen: Look
    attribution: Attribution
    effects: Mapping[int, float]
    agreement: float | None
    shown: tuple[Component, ...]  # by attribution, greatest push towards `target` first
    pinned: Pinned
    own: Pair  # what the model says, against the right one if it is told and the model wrong, else the second choice
    names: Mapping[int, Given] = field(default_factory=dict)  # by researchers, as this session shows them
    kept_back: frozenset[str] = frozenset()  # pictures that are no examples: tasks of this session's script

    def name_of(self, component: int) -> str:
        """What a component is called here."""
        given = self.names.get(component)
        return given.called if given else self.bundle.index.named(component)

    @property
    def said(self) -> str:
        """What the model says of the picture as it is."""
        return self.own.toward

    @property
    def target(self) -> str:
        """The class whose lead is explained."""
        return self.seen.clean.labels[self.attribution.target]

    @property
    def against(self) -> str:
        """The class that it leads."""
        return self.seen.clean.labels[self.attribution.against]

    @property
    def asked(self) -> Pair | None:
        """The pair explained, where it was chosen and is not the prediction's own."""
        pair = Pair(self.target, self.against)
        return None if pair == self.own else pair

    @property
    def shows(self) -> str | None:
        """What participants are told that it shows, if they are."""
        return None if self.hidden else self.truth


def open_picture(here: Rig, task: Task, pair: Pair | None = None) -> Opened:
    """The picture of `task`, looked at and attributed once for everybody, and once more for each other `pair`."""
    own = here.pictures.recall((task.picture, task.sae, task.labels, task.truth), lambda: _opened(here, task))
    return explaining(here, own, pair)


def explaining(here: Rig, opened: Opened, pair: Pair | None) -> Opened:
    """The same picture with the margin of `pair` explained; as it is without a pair, or with one it does not have."""
    labels = opened.model.labels
    if pair is None or pair == Pair(opened.target, opened.against) or not {pair.toward, pair.against} <= set(labels):
        return opened

    def attributed() -> _Margin:
        with here.gate:
            return _margin(opened.bundle, opened.model, opened.seen, *map(labels.index, (pair.toward, pair.against)))

    found = here.margins.recall((opened.pinned, pair), attributed)
    return replace(opened, **found._asdict())


def open_another(here: Rig, opened: Opened, name: str, shows: str) -> Opened:
    """Another picture under the dictionary and the classes of `opened`, told what it shows."""
    bundle, model = opened.bundle, opened.model
    key = bundle.sae.digest, model.labels, name, shows
    return here.visits.recall(key, lambda: _looked(here, bundle, model, name, shows, truth="shown"))


def seen_under(here: Rig, opened: Opened, plan: SteeringPlan) -> Seen:
    """What the model says of the picture under `plan`; computed once per plan, by the tail alone, and on opening."""
    if not plan.edits:
        return Seen(prediction=opened.seen.clean, edit_norm_ratio=0.0, latency_ms=0.0, cache_hit=True)
    key = (opened.pinned, plan)
    known: Seen | None = here.states.peek(key)
    if known is not None:
        return replace(known, cache_hit=True)
    return here.states.recall(key, lambda: _steered(here, opened, plan))


def viewed(opened: Opened, task: str, attempt: int) -> ExplanationViewed:
    """That the attribution of a picture is on the screen, with its components in the order shown."""
    return ExplanationViewed(
        task=task,
        attempt=attempt,
        view=opened.attribution.view,
        toward=opened.target,
        against=opened.against,
        components=tuple(component.index for component in opened.shown),
    )


def bench_of(here: Rig, place: Session) -> Bench:
    """The workspace of the present task, as far as the record needs to know it."""
    key = str(place.task)
    task = here.script.tasks[key]
    opened = open_picture(here, task)
    return Bench(
        task=key,
        attempt=place.attempt,
        pinned=opened.pinned,
        tools=frozenset(place.tools),
        components=opened.bundle.sae.size,
        patches=opened.model.tokens - 1,
        see=lambda plan: seen_under(here, opened, plan),
        unit=lambda component, scope: opened.bundle.index[component].unit(scope),
        environment=environment_of(opened.model),
        labels=opened.model.labels,
        prompts={prompt.id: prompt for prompt in (here.script.think_aloud.prompts if here.script.think_aloud else ())},
        certify=certifier(here, opened, task),
        expect=task.expect,
        shows=opened.truth,
        held=lambda records: held(records, here.script, place),
    )


def desk_of(here: Rig, place: Session) -> Desk:
    """The present task as a simulated participant meets it."""
    opened = open_picture(here, here.script.tasks[str(place.task)])
    return Desk(
        bench=bench_of(here, place),
        image=opened.picture,
        view=opened.attribution.view,
        labels=opened.model.labels,
        target=opened.target,
        against=opened.against,
        truth=opened.truth,
        shown=tuple((component.index, opened.effects[component.index]) for component in opened.shown),
    )


def _steered(here: Rig, opened: Opened, plan: SteeringPlan) -> Seen:
    with here.gate:
        start = perf_counter()
        steered = steer(opened.model, opened.bundle.sae, opened.seen, plan)
        taken = 1000 * (perf_counter() - start)
    return Seen(prediction=steered.prediction, edit_norm_ratio=steered.edit_norm_ratio, latency_ms=taken)


def _opened(here: Rig, task: Task) -> Opened:
    bundle = here.bundles[task.sae]
    picture = here.tasks[task.picture]
    model = bundle.model if task.labels is None else bundle.model.labelled(task.labels)
    return _looked(here, bundle, model, picture.file, picture.label, truth=task.truth)


def _looked(here: Rig, bundle: Bundle, model: Clip, file: str, shows: str, *, truth: str) -> Opened:
    """The picture in `file`; `truth` says whether participants are told what it shows, as in a script."""
    data = here.picture_file(file).read_bytes()
    with here.gate:
        seen = look(model, bundle.sae, model.pixels(data))
        said = seen.clean.ranked[0]
        right = model.labels.index(shows)
        told = right if truth == "shown" else said
        against = told if told != said else seen.clean.ranked[1]
        margin = _margin(bundle, model, seen, said, against)
    return Opened(
        bundle=bundle,
        model=model,
        picture=file,
        truth=shows,
        hidden=truth == "hidden",
        seen=seen,
        **margin._asdict(),
        own=Pair(model.labels[said], model.labels[against]),
        pinned=Pinned(
            model_sha256=model.digest,
            dictionary_sha256=bundle.sae.digest,
            image_sha256=digest(data),
            labels_sha256=labels_digest(model.labels, model.templates),
            explanation=margin.attribution.view.value,
        ),
    )


class _Margin(NamedTuple):
    """What an opened picture has of one margin."""

    attribution: Attribution
    effects: Mapping[int, float]
    agreement: float | None
    shown: tuple[Component, ...]


def _margin(bundle: Bundle, model: Clip, seen: Look, target: int, against: int) -> _Margin:
    view = View.EXACT if model.reads_one_token else View.GRADIENT
    attribution = attribute(model, bundle.sae, seen, target, against=against, view=view)
    effects = leave_one_out(model, bundle.sae, seen, target, against, attribution.ranked(SCREENED))
    trust = agreement(attribution, effects)
    shown = sorted(attribution.ranked(SHOWN), key=lambda component: -attribution.scores[component])
    return _Margin(
        attribution, effects, None if math.isnan(trust) else trust, tuple(bundle.index[one] for one in shown)
    )
