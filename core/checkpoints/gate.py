"""No foreign weights are steered before real activations have shown how they are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import NATIVE, Checkpoint
from core.checkpoints.decision import Decision, decision_of
from core.checkpoints.readings import KINDS, Tried, read_as, readings, tried
from core.checkpoints.refusals import CLEARLY, refuse_contents, refuse_reading, refuse_sample
from core.checkpoints.sample import Sample, sampled
from core.explained import pooled, sums
from core.model import Clip
from core.sae import SparseAutoencoder
from core.types import EMBEDDING, Block

# The worst published dictionary explains 0.64; where less than half is explained, the error outweighs the codes.
FLOOR = 0.5
BELOW_PUBLISHED = 0.05
_SCREENED, _WITHIN = 64, 0.1  # rows of each type for a first look, and how far behind the best a reading may be then
_ELSEWHERE = 128  # rows of each type after each other block
_SAME = 6  # decimals of explained variance, beyond which nothing but rounding speaks
_CHECKED, _LEAST_CHECKED = 512, 64  # patches at each load, and pictures below which nothing is concluded


def accept(
    checkpoint: Checkpoint,
    model: Clip,
    activations: Sample | Float[Tensor, "n t d"],
    *,
    published: float | None = None,
) -> SparseAutoencoder:
    """The autoencoder that `checkpoint` is, read as real activations show; the decision is in its header's `gate`.

    Args:
        activations: what `gather` gave for 256 pictures or more, at every block; or the activations of as many where
            the checkpoint was made, where other places are then not compared.
        published: its explained variance as published, from 0 to 1.

    Raises:
        CheckpointRefused: no reading explains enough, or it was made elsewhere; the likely cause is named.
    """
    if published is not None and not 0 <= published <= 1:
        raise ValueError(f"published is {published!r}, not a share from 0 to 1")
    refuse_contents(checkpoint, model)
    block = model.block if checkpoint.place is None else checkpoint.place
    if block == EMBEDDING:  # one token is all there is
        checkpoint = replace(checkpoint, convention=replace(checkpoint.convention, tokens="cls"))
    if isinstance(activations, Tensor):
        activations = sampled(model, activations)
    refuse_sample(checkpoint, activations, block)
    model = model.at(block)
    decision, best = decide(checkpoint, model, activations, published=published)
    refuse_reading(checkpoint, activations, decision)
    sae = _with_scale(read_as(checkpoint, best.reading, activations.classes[block].device), decision.scale)
    sae.header.update(_header(checkpoint, model, decision))
    return sae


def decide(
    checkpoint: Checkpoint, model: Clip, sample: Sample, *, published: float | None = None
) -> tuple[Decision, Tried]:
    """Try every reading on `sample` where `model` is cut, and choose; nothing is refused here.

    Among readings that agree with the format and explain the same, the format's own is taken.
    """
    block = model.block
    every = _measured(checkpoint, sample, block)
    stated = max((one for one in every if one.candidate.stated), key=lambda one: round(one.explained, _SAME))
    best = max(every, key=lambda one: one.explained)
    chosen = best if best.explained > stated.explained + CLEARLY else stated
    candidate, found = chosen.candidate, chosen.found
    weighted = [(sample.weight(kind), one) for kind, one in found.items()]
    sae = _with_scale(read_as(checkpoint, chosen.reading, sample.classes[block].device), candidate.scale)
    if candidate.scale != 1.0:
        found = {kind: sums(sae, sample.rows(kind, block)) for kind in found}
        weighted = [(sample.weight(kind), one) for kind, one in found.items()]
    tokens = sum(weight * one.rows for weight, one in weighted)
    fired = torch.stack([one.fired for one in found.values()]).any(dim=0)
    decision = Decision(
        chosen=candidate,
        candidates=tuple(one.candidate for one in every),
        corrected=not candidate.stated,
        explained=pooled(weighted),
        by_type={kind: one.explained() for kind, one in found.items()},
        per_token=sum(weight * one.ratios.sum().item() for weight, one in weighted) / tokens,
        per_token_by_type={kind: one.ratios.mean().item() for kind, one in found.items()},
        l0={kind: one.l0 for kind, one in found.items()},
        alive=fired.double().mean().item(),
        floor=FLOOR if published is None else published - BELOW_PUBLISHED,
        published=published,
        images=sample.images,
        rows={kind: one.rows for kind, one in found.items()},
        tokens=checkpoint.convention.tokens,
        seed=sample.seed,
        scale=candidate.scale,
        gap=reassembly_gap(model, sae, sample.whole[block]),
        model=model.name,
        weights=model.digest,
        block=block,
        elsewhere=_elsewhere(checkpoint, sample, block, {stated, chosen}),
        unsaid=tuple(checkpoint.unsaid),
    )
    return decision, chosen


def check_gate(sae: SparseAutoencoder, model: Clip, activations: Float[Tensor, "n t d"]) -> float | None:
    """What a gated file explains of activations at hand; None where it was never gated or these are too few to tell.

    The token types that `activations` hold are compared with the same of the recorded decision; a set of pictures may
    be narrower than the gate's, so the bar is the floor, or 0.05 below the record where that is lower. Where an earlier
    version of Tiller wrote the decision, nothing of it is taken: the bar is the floor of a file that was never gated.

    Raises:
        CheckpointRefused: it explains less than that.
    """
    if sae.header.get("gate") is None or len(activations) < _LEAST_CHECKED:
        return None
    decision = decision_of(sae.header)
    sample = sampled(model, activations, patches=_CHECKED)
    types = KINDS[sae.convention.tokens] if decision is None else decision.by_type
    kinds = [kind for kind in types if len(sample.rows(kind, model.block))]
    found = [(sample.weight(kind), sums(sae, sample.rows(kind, model.block))) for kind in kinds]
    value = pooled(found)
    if decision is None:
        if not value >= FLOOR:
            raise CheckpointRefused(
                f"The dictionary was accepted by an earlier version of Tiller and explains {value:.0%} of the variance "
                f"of these {len(activations)} pictures, where {FLOOR:.0%} is the least; run `tiller sae convert` again."
            )
        return value
    recorded = decision.explained if len(kinds) > 1 else decision.by_type[kinds[0]]
    if not value >= min(decision.floor, recorded - BELOW_PUBLISHED):
        raise CheckpointRefused(
            f"The dictionary explained {recorded:.0%} of the variance when it was accepted, and explains {value:.0%} "
            f"of these {len(activations)} pictures'; it is not the file it was, or these are no pictures for it: "
            "convert it again, or choose other pictures."
        )
    return value


@torch.no_grad()
def reassembly_gap(model: Clip, sae: SparseAutoencoder, whole: Float[Tensor, "n t d"]) -> float:
    """The largest change of a logit when reconstruction and error are put together again: invariant 9."""
    x = whole.float()
    rebuilt = sae.decode(sae.encode(x), at=x)
    again = (rebuilt + (x - rebuilt)).to(whole.dtype)
    return (model.logits(again) - model.logits(whole)).abs().max().item()


def _measured(checkpoint: Checkpoint, sample: Sample, block: Block) -> list[Tried]:
    """Every reading on a few rows, then on all rows those that are stated or near the best."""
    few = sample.thinned(_SCREENED)
    every = [tried(checkpoint, reading, stated, few, block) for reading, stated in readings(checkpoint, sample, block)]
    if few is sample:
        return every
    bar = max(one.explained for one in every) - _WITHIN
    return [
        tried(checkpoint, one.reading, one.candidate.stated, sample, block)
        if one.candidate.stated or one.explained >= bar
        else one
        for one in every
    ]


def _elsewhere(checkpoint: Checkpoint, sample: Sample, own: Block, read: set[Tried]) -> Mapping[Block, float]:
    """What it explains at each place as wide as its own that has tokens for it, read as stated or as chosen.

    Whichever is more; 0 at the least.
    """
    kinds = KINDS[checkpoint.convention.tokens]
    places = [place for place in sample.like(own) if any(len(sample.rows(kind, place)) for kind in kinds)]
    if len(places) < 2:
        return {}
    few = sample.thinned(_ELSEWHERE)
    return {
        place: max(0.0, *(tried(checkpoint, one.reading, one.candidate.stated, few, place).explained for one in read))
        for place in places
    }


def _with_scale(sae: SparseAutoencoder, scale: float) -> SparseAutoencoder:
    """The same codes with the reconstruction multiplied; the bias that the encoder takes off stays what it was."""
    if scale == 1.0:
        return sae
    kept = (scale - 1) * (sae.encoder @ sae.bias) if sae.convention.pre_bias else 0.0
    return sae.changed(encoder_bias=sae.encoder_bias + kept, dictionary=sae.dictionary * scale, bias=sae.bias * scale)


def _header(checkpoint: Checkpoint, model: Clip, decision: Decision) -> dict[str, object]:
    names = ("format", "source", "sha256", "model", "notes", "said")
    origin = {name: getattr(checkpoint, name) for name in names}
    origin |= {"notes": list(checkpoint.notes), "said": dict(checkpoint.said)}
    known = checkpoint.said if checkpoint.format == NATIVE else {}  # where a native file came from stays known
    return {
        "model": model.name,
        "weights": model.digest,
        "block": model.block,
        "training": known.get("training", {}),
        "metrics": known.get("metrics", {}),
        **({"origin": known["origin"]} if "origin" in known else {} if known else {"origin": origin}),
        "gate": decision.as_json(),
    }
