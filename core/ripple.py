"""A plan that mends one picture is tried on many: what it fixes, what it breaks, and whether a sham does as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from core.codes import Codes
from core.model import Clip
from core.sae import SparseAutoencoder
from core.steering import check_plan, edited, refuse_logits
from core.types import ClassChange, Ripple, SteeringPlan, TillerError

TOKENS_AT_ONCE = 1 << 14  # in one tail pass

Control = Literal["random", "flipped"]


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """Labelled pictures, run once as far as the autoencoder's block.

    After the last block of a model that reads its class token only that token is kept: t is 1. `embeddings` are those
    of the untouched pictures, `truth` the places of the right class in `labels`, `names` what the pictures are called.
    """

    activations: Float[Tensor, "n t d"]
    codes: Codes
    embeddings: Float[Tensor, "n e"]
    labels: tuple[str, ...]
    truth: tuple[int, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Shift:
    """What is added to a reference set's activations: `delta[i]` at `rows[i]` = image * tokens + token, ascending."""

    rows: Int[Tensor, " m"]
    delta: Float[Tensor, "m d"]

    def norms(self, images: int, tokens: int) -> Float[Tensor, " n"]:
        """||dx|| of each image."""
        squares = self.delta.new_zeros(images)
        return squares.index_add_(0, self.rows // tokens, self.delta.square().sum(dim=-1)).sqrt()


@torch.no_grad()
def build_reference(
    model: Clip,
    sae: SparseAutoencoder,
    pixels: Iterable[Float[Tensor, "_ 3 h w"]],
    truth: Sequence[int],
    names: Sequence[str],
) -> ReferenceSet:
    """Run batches of pictures through the first half, once and for all plans."""
    sae.check(model)
    halves, embeddings = [], []
    for batch in pixels:
        activations = model.activations(batch)
        if model.is_last and model.reads_class_token:
            activations = activations[:, :1].clone()
        halves.append(activations)
        embeddings.append(model.embedding(activations, exact=False))
    if not halves:
        raise TillerError("A reference set was asked for and no picture was given; name at least one.")
    activations = torch.cat(halves)
    if not len(activations) == len(truth) == len(names):
        raise ValueError(
            f"{len(activations)} pictures, {len(truth)} truths and {len(names)} names; one of each is due."
        )
    return ReferenceSet(
        activations, sae.encode(activations), torch.cat(embeddings), model.labels, tuple(truth), tuple(names)
    )


def ripple(model: Clip, sae: SparseAutoencoder, reference: ReferenceSet, plan: SteeringPlan) -> Ripple:
    """What `plan` does to each picture of the reference set; pictures in which it changes no code cost nothing.

    Batches round otherwise than one picture does: expect logits within 1e-4 of `steer`'s, not its bits.
    """
    check_plan(plan, sae, model)
    return spread(model, reference, planned(sae, reference, plan))


def sham(
    model: Clip,
    sae: SparseAutoencoder,
    reference: ReferenceSet,
    plan: SteeringPlan,
    *,
    kind: Control = "random",
    seed: int = 0,
) -> Ripple:
    """The same for a control whose ||dx|| equals the plan's in each picture: would any edit of this size do it?

    Args:
        kind: "flipped" turns the plan's dx round; "random" takes away another component that is active in the
            picture, drawn anew for each with `seed`, scaled to the plan's size.
    """
    check_plan(plan, sae, model)
    return spread(model, reference, control(sae, reference, plan, kind, seed))


@torch.no_grad()
def planned(sae: SparseAutoencoder, reference: ReferenceSet, plan: SteeringPlan) -> Shift:
    """The plan's own dx over the reference set."""
    change = edited(reference.codes, plan, sae)
    at = reference.activations.flatten(0, 1)[change.rows]
    return Shift(change.rows, sae.shift(change.values, change.components, at=at))


@torch.no_grad()
def control(sae: SparseAutoencoder, reference: ReferenceSet, plan: SteeringPlan, kind: Control, seed: int) -> Shift:
    """A dx of the plan's size in each picture that is not the plan's; see `sham`."""
    real = planned(sae, reference, plan)
    if kind == "flipped":
        return Shift(real.rows, -real.delta)
    images, tokens, _ = reference.activations.shape
    wanted = real.norms(images, tokens)
    drawn = _without_another(sae, reference, plan, wanted > 0, seed)
    found = drawn.norms(images, tokens)
    bare = ((wanted > 0) & (found == 0))[real.rows // tokens]
    drawn = _joined(drawn, _anywhere(sae, Shift(real.rows[bare], real.delta[bare]), plan, seed=seed))
    factor = wanted / drawn.norms(images, tokens).clamp_min(torch.finfo(wanted.dtype).tiny)
    return Shift(drawn.rows, drawn.delta * factor[drawn.rows // tokens, None])


@torch.no_grad()
def spread(model: Clip, reference: ReferenceSet, shift: Shift) -> Ripple:
    """Predictions before and after `shift`; only pictures that it touches are computed."""
    before = model.classify(reference.embeddings).argmax(dim=-1)
    after = before.clone()
    tokens = reference.activations.shape[1]
    moved, step = torch.unique(shift.rows // tokens), max(1, TOKENS_AT_ONCE // tokens)
    for first in range(0, len(moved), step):
        touched = moved[first : first + step]
        x = reference.activations[touched]
        start, stop = torch.searchsorted(shift.rows, torch.stack([touched[0] * tokens, (touched[-1] + 1) * tokens]))
        rows = shift.rows[start:stop]
        place = torch.searchsorted(touched, rows // tokens) * tokens + rows % tokens
        x.view(-1, x.shape[-1])[place] += shift.delta[start:stop]
        logits = model.logits(x, exact=False)
        refuse_logits(logits)
        after[touched] = logits.argmax(dim=-1)
    return _counted(_truth(reference, model.labels), tuple(before.tolist()), tuple(after.tolist()), model.labels)


@dataclass(frozen=True, eq=False)
class _Lots:
    """Each picture's active components in the order in which `_without_another` would draw them.

    Those of picture n are at begin[n] to begin[n + 1]; the codes of each are codes[first : first + many].
    """

    begin: Int[Tensor, " n_plus_1"]
    component: Int[Tensor, " p_plus_1"]  # -1 at the end
    first: Int[Tensor, " p"]
    many: Int[Tensor, " p"]


@lru_cache(maxsize=8)
def _lots(reference: ReferenceSet, components: int, seed: int) -> _Lots:
    """A fair draw: (large random per component * random per image) mod 1, the least first; no plan changes it."""
    codes, (images, tokens, _) = reference.codes, reference.activations.shape
    generator = torch.Generator().manual_seed(seed)
    of_component = 2**20 * torch.rand(components, generator=generator, dtype=torch.float64).to(codes.values.device)
    of_image = torch.rand(images, generator=generator, dtype=torch.float64).to(codes.values.device)
    # codes are sorted by component, then row: those of one component in one picture are neighbours
    pair = codes.components.long() * images + codes.rows.long() // tokens
    pair, many = torch.unique_consecutive(pair, return_counts=True)
    component, image = pair // images, pair % images
    order = (of_component[component] * of_image[image] % 1).argsort()
    order = order[image[order].argsort(stable=True)]
    return _Lots(
        torch.searchsorted(image[order], torch.arange(images + 1, device=image.device)),
        torch.cat([component[order], component.new_tensor([-1])]),
        (many.cumsum(0) - many)[order],
        many[order],
    )


def _without_another(
    sae: SparseAutoencoder, reference: ReferenceSet, plan: SteeringPlan, wanted: Tensor, seed: int
) -> Shift:
    """dx of taking one active component that `plan` leaves alone out of each `wanted` picture that has one."""
    codes, width, lots = reference.codes, reference.activations.shape[-1], _lots(reference, sae.size, seed)
    place, end = lots.begin[:-1].clone(), lots.begin[1:]
    taken = torch.isin(lots.component, lots.component.new_tensor([edit.component for edit in plan]))
    for _ in plan:
        place += (place < end) & taken[place]
    place = place[wanted & (place < end)]
    first, many = lots.first[place], lots.many[place]
    chosen = torch.arange(int(many.sum()), device=first.device)
    chosen += torch.repeat_interleave(first - many.cumsum(0) + many, many)
    rows = codes.rows[chosen].long()
    scale = sae.frame(reference.activations.view(-1, width)[rows])[0]
    return Shift(rows, -codes.values[chosen, None] * scale * sae.dictionary[codes.components[chosen].long()])


def _anywhere(sae: SparseAutoencoder, real: Shift, plan: SteeringPlan, *, seed: int) -> Shift:
    """For pictures where nothing else is active: some component's direction at the rows the plan touches."""
    others = [each for each in range(sae.size) if plan.on(each) is None] or list(range(sae.size))
    lot = torch.randint(len(others), (), generator=torch.Generator().manual_seed(seed)).item()
    return Shift(real.rows, sae.dictionary[others[int(lot)]].expand(len(real.rows), -1))


def _joined(one: Shift, two: Shift) -> Shift:
    rows, order = torch.cat([one.rows, two.rows]).sort()
    return Shift(rows, torch.cat([one.delta, two.delta])[order])


def _truth(reference: ReferenceSet, labels: tuple[str, ...]) -> tuple[int, ...]:
    lost = {reference.labels[each] for each in reference.truth} - set(labels)
    if lost:
        raise TillerError(
            f"The reference set has pictures of {', '.join(sorted(lost))}, and the classes are {', '.join(labels)}; "
            "add the missing names, or leave the ripple out."
        )
    return tuple(labels.index(reference.labels[each]) for each in reference.truth)


def _counted(
    truth: tuple[int, ...], before: tuple[int, ...], after: tuple[int, ...], labels: tuple[str, ...]
) -> Ripple:
    rows = list(zip(truth, before, after, strict=True))
    fixed = sum(was != right == now for right, was, now in rows)
    broken = sum(was == right != now for right, was, now in rows)
    classes = []
    for place, label in enumerate(labels):
        mine = [(was, now) for right, was, now in rows if right == place]
        if mine:
            right_before = sum(was == place for was, _ in mine)
            classes.append(ClassChange(label, len(mine), right_before, sum(now == place for _, now in mine)))
    return Ripple(
        images=len(rows),
        fixed=fixed,
        broken=broken,
        unchanged=len(rows) - fixed - broken,
        rerouted=sum(right not in (was, now) and was != now for right, was, now in rows),
        classes=tuple(classes),
        before=before,
        after=after,
    )
