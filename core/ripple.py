"""A plan that mends one picture is tried on many: what it fixes, what it breaks, and whether a sham does as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from core.changes import counted
from core.codes import Codes
from core.lots import anywhere, without_another
from core.model import Clip
from core.sae import SparseAutoencoder
from core.steering import check_plan, edited, refuse_logits
from core.types import Ripple, SteeringPlan, TillerError

TOKENS_AT_ONCE = 1 << 14  # in one tail pass
TOKENS_AT_FIRST = 1 << 12  # in the first of a ripple that somebody waits for

Control = Literal["random", "flipped"]
Gate = AbstractContextManager[object]  # entered again and again, such as a semaphore
OPEN: Gate = nullcontext()


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """Labelled pictures, run once as far as the autoencoder's block.

    Where the answer is read from one token only that one is kept: t is 1. `embeddings` are those of the untouched
    pictures, `truth` the places of the right class in `labels`, `names` what the pictures are called.
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


@dataclass(frozen=True, slots=True)
class Piece:
    """Some pictures of a reference set, by their places in it: the best class of each before and after, and its lead.

    A lead is the logit of the right class less the best other: above 0 the picture is called right.
    """

    places: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    leads_before: tuple[float, ...]
    leads_after: tuple[float, ...]


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
        if model.reads_one_token:
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
    drawn = Shift(*without_another(sae, reference, plan, wanted > 0, seed))
    found = drawn.norms(images, tokens)
    bare = ((wanted > 0) & (found == 0))[real.rows // tokens]
    drawn = _joined(drawn, Shift(*anywhere(sae, real.rows[bare], plan, seed=seed)))
    factor = wanted / drawn.norms(images, tokens).clamp_min(torch.finfo(wanted.dtype).tiny)
    return Shift(drawn.rows, drawn.delta * factor[drawn.rows // tokens, None])


@torch.no_grad()
def spread(model: Clip, reference: ReferenceSet, shift: Shift) -> Ripple:
    """Predictions before and after `shift`; only pictures that it touches are computed."""
    before = model.classify(reference.embeddings).argmax(dim=-1)
    after = before.clone()
    tokens = reference.activations.shape[1]
    moved, step = torch.unique(shift.rows // tokens), max(1, TOKENS_AT_ONCE // tokens)
    for touched in moved.split(step):
        after[touched] = _moved(model, reference, shift, touched).argmax(dim=-1)
    return counted(truth_of(reference, model.labels), before.tolist(), after.tolist(), model.labels)


def gated_pieces(
    model: Clip, reference: ReferenceSet, shift: Callable[[], Shift], gate: Gate = OPEN
) -> Iterator[Piece]:
    """`pieces`, each computed while `gate` is held and told once it is given back: others compute in between."""
    with gate:
        coming = pieces(model, reference, shift())
    while True:
        with gate:
            piece = next(coming, None)
        if piece is None:
            return
        yield piece


@torch.no_grad()
def pieces(model: Clip, reference: ReferenceSet, shift: Shift) -> Iterator[Piece]:
    """`spread` bit by bit: first few pictures, so that there is something to see at once, then ever more at a time.

    The order is drawn once and for all, so that what has come so far is a fair sample of the whole set.
    """
    images, tokens, _ = reference.activations.shape
    truth = torch.tensor(truth_of(reference, model.labels), device=shift.rows.device)
    before = model.classify(reference.embeddings)
    order = torch.randperm(images, generator=torch.Generator().manual_seed(0)).to(shift.rows.device)
    touched = torch.zeros(images, dtype=torch.bool, device=order.device)
    touched[torch.unique(shift.rows // tokens)] = True
    cost, done, size = touched[order].long().cumsum(0) * tokens, 0, TOKENS_AT_FIRST
    while done < images:
        spent = int(cost[done - 1]) if done else 0
        upto = max(done + 1, int(torch.searchsorted(cost, spent + size, right=True)))
        places = order[done:upto].sort().values
        after = before[places]
        mine = touched[places]
        if mine.any():
            after[mine] = _moved(model, reference, shift, places[mine])
        was, now = (
            (logits.argmax(dim=-1).tolist(), _leads(logits, truth[places])) for logits in (before[places], after)
        )
        yield Piece(tuple(places.tolist()), tuple(was[0]), tuple(now[0]), tuple(was[1]), tuple(now[1]))
        done, size = upto, min(2 * size, TOKENS_AT_ONCE)


def _moved(model: Clip, reference: ReferenceSet, shift: Shift, touched: Tensor) -> Float[Tensor, "n c"]:
    """The logits of pictures that `shift` touches, under it; ascending."""
    tokens = reference.activations.shape[1]
    x = reference.activations[touched]
    begin, end = torch.searchsorted(shift.rows, torch.stack([touched * tokens, (touched + 1) * tokens]))
    many = end - begin
    chosen = torch.arange(int(many.sum()), device=touched.device)
    chosen += torch.repeat_interleave(begin - many.cumsum(0) + many, many)
    place = torch.repeat_interleave(torch.arange(len(touched), device=touched.device) * tokens, many)
    x.view(-1, x.shape[-1])[place + shift.rows[chosen] % tokens] += shift.delta[chosen]
    logits = model.logits(x, exact=False)
    refuse_logits(logits)
    return logits


def _leads(logits: Float[Tensor, "n c"], truth: Int[Tensor, " n"]) -> list[float]:
    """Logit of the right class less the best other."""
    own = logits.gather(1, truth[:, None])[:, 0]
    return (own - logits.scatter(1, truth[:, None], -torch.inf).amax(dim=-1)).tolist()


def _joined(one: Shift, two: Shift) -> Shift:
    rows, order = torch.cat([one.rows, two.rows]).sort()
    return Shift(rows, torch.cat([one.delta, two.delta])[order])


def truth_of(reference: ReferenceSet, labels: tuple[str, ...]) -> tuple[int, ...]:
    """The right class of each picture, by its place in `labels`; a TillerError where one has none there."""
    lost = {reference.labels[each] for each in reference.truth} - set(labels)
    if lost:
        raise TillerError(
            f"The reference set has pictures of {', '.join(sorted(lost))}, and the classes are {', '.join(labels)}; "
            "add the missing names, or leave the ripple out."
        )
    return tuple(labels.index(reference.labels[each]) for each in reference.truth)
