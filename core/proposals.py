"""Debugging tasks proposed from a labelled folder: failures that few suppressions repair, and like ones held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.failures import Answers, Asked, Journal, Progress
from core.folder import AT_ONCE
from core.model import Clip
from core.repair import find_repair
from core.ripple import ReferenceSet, build_reference, ripple
from core.sae import SparseAutoencoder
from core.steering import look, steer
from core.types import Edit, Rate, SteeringPlan

TRIED = 4  # failing pictures tried for each task that is wanted
REFERENCE = 200  # right pictures on which damage is counted, and as many again on which it is checked


@dataclass(frozen=True, slots=True)
class Found:
    """A failing picture, the components whose suppression repairs it, and what that does elsewhere.

    `before` and `after` are probabilities of the right class, `leads` its logit less the best other. `broken` is over
    right pictures that the choice was made with, `broken_elsewhere` over others; `fixed` over `held_out`.
    """

    picture: Asked
    components: tuple[int, ...]
    before: float
    after: float
    leads: tuple[float, float]
    broken: Rate
    broken_elsewhere: Rate
    held_out: tuple[Asked, ...]
    fixed: Rate

    @property
    def score(self) -> float:
        """How much more probable the right class becomes, less what the damage may take at the worst."""
        return (self.after - self.before) * (1 - self.broken.high)


@dataclass(frozen=True, slots=True)
class Proposals:
    """Tasks, the best first, pictures where nothing needs repair, and how many were tried."""

    tasks: tuple[Found, ...]
    controls: tuple[Asked, ...]
    tried: int
    repaired: int
    reference: tuple[Asked, ...]  # right pictures that damage was counted on


def propose_tasks(
    model: Clip,
    sae: SparseAutoencoder,
    folder: Path,
    answers: Answers,
    *,
    top: int,
    most: int,
    held_out: int,
    controls: int,
    near: float,
    journal: Journal,
    progress: Progress = lambda what, done, of: None,
) -> Proposals:
    """Up to `top` tasks, each repaired by a steered pass with at most `most` suppressions.

    A held-out picture fails as the task's does: for the same wrong class, or pushed by a component of its repair. It is
    no task's picture, and no picture that damage was counted on, under whatever name.
    """
    failing = [one for one in answers.asked if one.lead <= near]
    right = _spread(one for one in answers.asked if one.lead > near)
    spare = _controls(right, controls)
    taken = {one.sha256 for one in (*spare, *failing)}
    free = [one for one in right if one.sha256 not in taken]
    counted, checked = free[0::2][:REFERENCE], free[1::2][:REFERENCE]
    first = _reference(model, sae, folder, counted)
    tried = _worth_trying(failing)[: TRIED * top]
    plans: list[tuple[Asked, dict[str, Any], Rate]] = []
    for done, one in enumerate(tried, 1):
        kept = journal.recall(f"repair {one.name}", _repairing(model, sae, folder, one, near, most))
        if kept is not None:
            plans.append((one, kept, _broken(model, sae, first, kept["components"])))
        progress("repairs", done, len(tried))
    found = [_as_found(one, kept, broken) for one, kept, broken in plans]
    found.sort(key=lambda each: (each.picture.lead > 0, -each.score, each.picture.name))
    chosen = _without_doubles(found)[:top]
    met = {each.picture.sha256 for each in chosen} | {one.sha256 for one in counted}
    second = _reference(model, sae, folder, checked)
    tasks: list[Found] = []
    for done, each in enumerate(chosen, 1):
        like = _like(each, [one for one in failing if one.sha256 not in met and one.lead <= 0], held_out)
        tasks.append(_measured(model, sae, folder, each, second, like))
        progress("held-out pictures", done, len(chosen))
    return Proposals(tuple(tasks), spare, len(tried), len(plans), tuple(counted))


def _repairing(
    model: Clip, sae: SparseAutoencoder, folder: Path, one: Asked, near: float, most: int
) -> Callable[[], dict[str, Any] | None]:
    def run() -> dict[str, Any] | None:
        truth = model.labels.index(one.shows)
        seen = look(model, sae, model.pixels((folder / one.name).read_bytes()))
        repair = find_repair(model, sae, seen, truth, lead=near if one.lead > 0 else 0.0, most=most)
        if repair is None:
            return None
        after = steer(model, sae, seen, repair.plan).prediction
        leads = [
            said.logits[truth] - max(said.logits[:truth] + said.logits[truth + 1 :]) for said in (seen.clean, after)
        ]
        chances = [said.prob(one.shows) for said in (seen.clean, after)]
        return {"components": list(repair.components), "leads": leads, "chances": chances}

    return run


def _as_found(one: Asked, kept: dict[str, Any], broken: Rate) -> Found:
    (before, after), (led, leads) = kept["chances"], kept["leads"]
    nothing = Rate(0, 0)
    return Found(one, tuple(kept["components"]), before, after, (led, leads), broken, nothing, (), nothing)


def _measured(
    model: Clip, sae: SparseAutoencoder, folder: Path, each: Found, second: ReferenceSet | None, like: Sequence[Asked]
) -> Found:
    held = _reference(model, sae, folder, like)
    fixed = Rate(0, 0) if held is None else ripple(model, sae, held, plan_of(each.components)).fixed_rate
    elsewhere = _broken(model, sae, second, each.components)
    return Found(
        each.picture, each.components, each.before, each.after, each.leads, each.broken, elsewhere, tuple(like), fixed
    )


def plan_of(components: Iterable[int]) -> SteeringPlan:
    """Each of `components` suppressed where it is active."""
    return SteeringPlan(tuple(Edit(each) for each in components))


def _broken(model: Clip, sae: SparseAutoencoder, reference: ReferenceSet | None, components: Iterable[int]) -> Rate:
    return Rate(0, 0) if reference is None else ripple(model, sae, reference, plan_of(components)).broken_rate


def _reference(model: Clip, sae: SparseAutoencoder, folder: Path, some: Sequence[Asked]) -> ReferenceSet | None:
    if not some:
        return None
    batches = (
        torch.cat([model.pixels((folder / one.name).read_bytes()) for one in some[start : start + AT_ONCE]])
        for start in range(0, len(some), AT_ONCE)
    )
    truth = [model.labels.index(one.shows) for one in some]
    return build_reference(model, sae, batches, truth, [one.name for one in some])


def _spread(pictures: Iterable[Asked]) -> list[Asked]:
    """One of each class after another, within a class in the order of digests, which says nothing of the pictures."""
    turn: Counter[str] = Counter()
    placed: list[tuple[int, str, str, Asked]] = []
    met: set[str] = set()
    for one in sorted(pictures, key=lambda one: (one.sha256, one.name)):
        if one.sha256 in met:
            continue
        met.add(one.sha256)
        placed.append((turn[one.shows], one.shows, one.name, one))
        turn[one.shows] += 1
    return [one for *_, one in sorted(placed, key=lambda each: each[:3])]


def _controls(right: Sequence[Asked], many: int) -> tuple[Asked, ...]:
    """Pictures of different classes that are right beyond doubt: of the surer half."""
    if not right:
        return ()
    middle = sorted(one.lead for one in right)[len(right) // 2]
    return tuple(_spread(one for one in right if one.lead >= middle)[:many])


def _worth_trying(failing: Sequence[Asked]) -> list[Asked]:
    """The surest mistakes of each pair of classes in turn, the commonest pair first; near misses after all mistakes."""
    pairs = Counter((one.shows, one.rival) for one in failing if one.lead <= 0)
    turn: Counter[tuple[str, str, bool]] = Counter()
    placed: list[tuple[bool, int, int, str, Asked]] = []
    for one in sorted(failing, key=lambda one: (one.lead, one.name)):
        pair, near = (one.shows, one.rival), one.lead > 0
        placed.append((near, turn[*pair, near], -pairs[pair], one.name, one))
        turn[*pair, near] += 1
    return [one for *_, one in sorted(placed, key=lambda each: each[:4])]


def _without_doubles(found: Sequence[Found]) -> list[Found]:
    first = {each.picture.sha256: each for each in reversed(found)}
    return [each for each in found if first[each.picture.sha256] is each]


def _like(each: Found, others: Sequence[Asked], many: int) -> tuple[Asked, ...]:
    """Failures of the same two classes first, then those that a component of the repair pushes."""
    pair, mine = (each.picture.shows, each.picture.rival), set(each.components)
    ranked = [
        ((one.shows, one.rival) != pair, -len(mine & set(one.pushing)), one.sha256, one)
        for one in others
        if (one.shows, one.rival) == pair or mine & set(one.pushing)
    ]
    ranked.sort(key=lambda one: one[:3])
    once = {one.sha256: one for *_, one in reversed(ranked)}
    return tuple(one for *_, one in ranked if once[one.sha256] is one)[:many]
