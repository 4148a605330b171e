"""The plans that participants handed in, run on pictures they never worked on: like failures, and all others."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import partial

from core.bundle import Bundle
from core.model import Clip
from core.ripple import ReferenceSet, ripple, sham
from core.types import Ripple, SteeringPlan, TillerError
from pages.parts.opened import open_picture
from pages.parts.rig import Rig
from pages.parts.similar import similar_set
from study.findings import Measured, Portrait, Spread
from study.findings.portrait import Attempt, portrait_in
from study.findings.repair import AttemptKey
from study.rules import read_rule
from study.script.names import HELD_OUT

Progress = Callable[[int, int], None]  # plans done, plans in all


def measured(
    here: Rig, people: Iterable[Portrait], progress: Progress = lambda done, of: None
) -> dict[AttemptKey, Measured | str]:
    """What each plan that was handed in does to held-out pictures, or why that cannot be said; kept for the next call.

    The model is asked anew, in batches: a picture at the very edge between two classes may fall otherwise than alone.
    """
    wanted = _handed_in(people)
    found: dict[AttemptKey, Measured | str] = {}
    for done, (key, attempt) in enumerate(wanted.items()):
        progress(done, len(wanted))
        bundle = _bundle(here, attempt)
        if attempt.pinned is None:
            found[key] = "no prediction of it is on record"
        elif bundle is None:
            found[key] = "the bundle in use is not the one that the participants worked with"
        else:
            make = partial(_run, here, bundle, attempt)
            found[key] = here.held_out.recall(_memory(bundle, attempt), make)
    progress(len(wanted), len(wanted))
    return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one handed-in plan does to held-out pictures, by the script's rule; `passed` is None if nobody can say."""

    shows: str | None  # None where participants are not told
    target: str
    passed: bool | None
    fixed: int = 0
    wrong: int = 0
    broken: int = 0
    right: int = 0


def verdicts_of(here: Rig, session_id: str) -> tuple[Verdict, ...]:
    """The verdict on each task of a session whose script shows it, computed from the plans on record."""
    shown = {key: task.success.held_out for key, task in here.script.tasks.items() if task.success}
    asked = {key: held for key, held in shown.items() if held is not None and held.show}
    portrait = portrait_in(here.log, session_id) if asked else None
    if portrait is None:
        return ()
    found: list[Verdict] = []
    for (_, key, _), result in measured(here, [portrait]).items():
        if key not in asked:
            continue
        opened = open_picture(here, here.script.tasks[key])
        if isinstance(result, str) or result.own is None:
            found.append(Verdict(opened.shows, opened.target, None))
            continue
        own, every = result.own, result.all
        wrong = own.images - own.right_before
        shares = {"fixed": own.fixed / wrong, "broken": every.broken / every.right_before}
        passed = read_rule(asked[key].rule, HELD_OUT).holds(shares)
        found.append(Verdict(opened.shows, opened.target, passed, own.fixed, wrong, every.broken, every.right_before))
    return tuple(found)


def waiting(here: Rig, people: Iterable[Portrait]) -> tuple[AttemptKey, ...]:
    """The attempts whose plans have not been run yet."""
    known = ((key, attempt, _bundle(here, attempt)) for key, attempt in _handed_in(people).items())
    return tuple(key for key, attempt, b in known if b and here.held_out.peek(_memory(b, attempt)) is None)


def _handed_in(people: Iterable[Portrait]) -> dict[AttemptKey, Attempt]:
    return {(one.session, a.task, a.number): a for one in people for a in one.attempts if a.handed_in}


def _bundle(here: Rig, attempt: Attempt) -> Bundle | None:
    """The bundle that the attempt was made on, if it is the one in use."""
    pinned = attempt.pinned
    return next(
        (
            bundle
            for bundle in here.bundles.values()
            if pinned and (bundle.model.digest, bundle.sae.digest) == (pinned.model_sha256, pinned.dictionary_sha256)
        ),
        None,
    )


def _memory(bundle: Bundle, attempt: Attempt) -> Hashable:
    return bundle.sae.digest, attempt.labels, attempt.image, attempt.plan


def _run(here: Rig, bundle: Bundle, attempt: Attempt) -> Measured | str:
    model = bundle.model if attempt.labels == bundle.model.labels else bundle.model.labelled(attempt.labels)
    picture = next((one for one in here.tasks.values() if one.file == attempt.image), None)
    try:
        with here.gate:
            own = None if picture is None else similar_set(here, bundle, model, picture)
            every, every_sham = _both(model, bundle, bundle.reference, attempt.plan)
            on_own = None if own is None else _both(model, bundle, own, attempt.plan)
    except TillerError as error:
        return str(error)
    if not every.right_before:
        return "without any plan the model gets no reference picture right"
    if on_own is None or on_own[0].images == on_own[0].right_before:
        return Measured(own=None, own_sham=None, all=every, all_sham=every_sham)
    return Measured(own=on_own[0], own_sham=on_own[1], all=every, all_sham=every_sham)


def _both(model: Clip, bundle: Bundle, reference: ReferenceSet, plan: SteeringPlan) -> tuple[Spread, Spread]:
    real = ripple(model, bundle.sae, reference, plan)
    return _spread(real), _spread(sham(model, bundle.sae, reference, plan) if plan else real)


def _spread(found: Ripple) -> Spread:
    right = sum(change.right_before for change in found.classes)
    return Spread(images=found.images, right_before=right, fixed=found.fixed, broken=found.broken)
