"""Why a checkpoint is refused, in the words of the person who has to put it right: the fault, and its likely cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from core.checkpoints import LEAST_PICTURES, CheckpointRefused
from core.checkpoints.contents import NATIVE, Checkpoint
from core.checkpoints.decision import Decision
from core.checkpoints.places import refuse_place
from core.checkpoints.readings import KINDS, readings, tried
from core.checkpoints.sample import Sample
from core.model import Clip
from core.sae import TENSORS
from core.types import EMBEDDING, Block, TillerError, many, place_of

CLEARLY = 0.03  # another reading or block must explain so much more; below that, what the format states is kept
LARGEST_GAP = 1e-4  # logits
_ROWS = 256  # of each token type, while looking for a cause
_TOKENS = {"all": "all tokens", "cls": "the class token alone", "patches": "patches alone"}
_WHOSE = {"class": "the class token's", "patches": "the patches'"}


def refuse_reading(checkpoint: Checkpoint, sample: Sample, decision: Decision) -> None:
    """Raise CheckpointRefused unless the best reading is good enough; says what was probably the mistake."""
    wrong = _fault(checkpoint, decision)
    if wrong:
        raise CheckpointRefused(f"{wrong} {next(_likely_causes(checkpoint, sample, decision))}")


def _fault(checkpoint: Checkpoint, decision: Decision) -> str:
    """What is wrong with the decision, in one sentence; nothing where all is well."""
    where = f"{place_of(decision.block)} of {decision.model} on {decision.images} pictures"
    what = f"{checkpoint.source} explains {decision.explained:.1%} of the variance {where}"
    if not any(decision.l0.values()):
        return f"{checkpoint.source} was asked for, and none of its components fires {where}."
    if not max(decision.explained, decision.per_token) >= decision.floor:
        asked = f"{decision.floor:.1%} is the least"
        known = "" if decision.published is None else f", 5 points below the published {decision.published:.1%}"
        return f"{what}, and {asked}{known}."
    if not min(decision.by_type.values()) >= 0:
        parts = ", ".join(f"{value:.1%} of {_WHOSE[kind]}" for kind, value in decision.by_type.items())
        return f"{what}, but {parts}: less than a mean would."
    here = decision.elsewhere.get(decision.block, 1.0)
    other = max(decision.elsewhere, key=lambda block: decision.elsewhere[block], default=decision.block)
    if decision.elsewhere and decision.elsewhere[other] > here + CLEARLY:
        return f"{what}, and {decision.elsewhere[other]:.1%} {place_of(other)}."
    if not decision.gap <= LARGEST_GAP:
        return (
            f"{checkpoint.source} put together again with its own error moves a logit of {decision.model} by "
            f"{decision.gap:.2g}, and {LARGEST_GAP:g} is the most."
        )
    return ""


def refuse_contents(checkpoint: Checkpoint, model: Clip) -> None:
    """Refuse what cannot be a dictionary for `model`, whatever the pictures."""
    refuse_place(checkpoint)
    place = model.block if checkpoint.place is None else checkpoint.place
    if checkpoint.dictionary.shape[1] != model.width_at(place):
        if isinstance(place, int) and place >= model.depth:
            raise CheckpointRefused(
                f"{checkpoint.source} was to be read after block {place}, counted from 0, and {model.name} has "
                f"{many(model.depth, 'block')}; load the model it was made on, or name its own place with --block."
            )
        what = "embeddings" if place == EMBEDDING else "activations"
        raise CheckpointRefused(
            f"{checkpoint.source} reads {what} {checkpoint.dictionary.shape[1]} wide, and {model.name} gives "
            f"{model.width_at(place)}; load the model it was made on{_named(checkpoint)}."
        )
    if place == EMBEDDING and checkpoint.convention.tokens == "patches":
        raise CheckpointRefused(
            f"{checkpoint.source} speaks for patches alone, and the embedding has none; name the block that it was "
            "made after with --block, counted from 0."
        )
    if checkpoint.format == NATIVE and (made := checkpoint.said["weights"]) != model.digest:
        raise CheckpointRefused(
            f"{checkpoint.source} was made on {checkpoint.model} with weights of the digest {made[:12]}, and those "
            f"of this {model.name} have {model.digest[:12]}; load the weights it was made on."
        )
    wrong = [part for part in TENSORS if (held := getattr(checkpoint, part)) is not None and not held.isfinite().all()]
    if wrong:
        raise CheckpointRefused(
            f"{checkpoint.source} holds values that are not finite in {', '.join(wrong)}; fetch or train it again."
        )


def refuse_sample(checkpoint: Checkpoint, sample: Sample, block: Block) -> None:
    """Refuse activations on which nothing can be judged."""
    if block not in sample.classes:
        raise CheckpointRefused(
            f"{checkpoint.source} was made {place_of(block)}, and the activations are those "
            f"{', '.join(map(place_of, sample.classes))}; cut the model {place_of(block)}."
        )
    if sample.images < LEAST_PICTURES:
        raise CheckpointRefused(
            f"{checkpoint.source} was to be judged on {many(sample.images, 'picture')}; it takes "
            f"{LEAST_PICTURES}: give more."
        )
    rows = torch.cat([sample.classes[block], sample.patches[block]])
    if not rows.isfinite().all():
        raise TillerError("The activations hold values that are not finite; use single precision, or other pictures.")
    if not (sample.classes[block].std(dim=0) > 0).any():
        raise TillerError("All pictures are alike, and nothing can be judged on them; give pictures that differ.")


def _likely_causes(checkpoint: Checkpoint, sample: Sample, decision: Decision) -> Iterator[str]:
    """The mistakes that, put right, make the dictionary explain what is asked, the surest first; then the rest."""
    few, block = sample.thinned(_ROWS), decision.block
    reading = next(readings(checkpoint, few, block))[0]

    def explains(changed: Checkpoint) -> float:
        return tried(changed, reading, True, few, block).explained

    if not any(decision.l0.values()):
        yield "It is dead, or was made on activations of another size: fetch or train it again."
    other = max(decision.elsewhere, key=lambda each: decision.elsewhere[each], default=block)
    there = decision.elsewhere.get(other, 0.0)
    if there >= decision.floor and there > decision.elsewhere.get(block, 1.0) + CLEARLY:
        yield f"It was made {place_of(other)}: say so, and cut the model there."
    now = explains(checkpoint)
    for tokens in ("cls", "patches"):
        if tokens != decision.tokens and len(few.rows(KINDS[tokens][0], block)):
            found = explains(replace(checkpoint, convention=replace(checkpoint.convention, tokens=tokens)))
            if found >= max(decision.floor, now + CLEARLY):
                words = _TOKENS[tokens]
                yield f"It explains {found:.1%} of {words}: it speaks for {words}, not for {_TOKENS[decision.tokens]}."
    if checkpoint.dictionary.shape[0] == checkpoint.dictionary.shape[1]:
        for part in ("encoder", "dictionary"):
            turned = getattr(checkpoint, part).T
            found = explains(replace(checkpoint, **{part: turned}))
            if found >= decision.floor and found > now + CLEARLY:
                yield f"With its {part} transposed it explains {found:.1%}: write the {part} the other way round."
    free = tried(replace(checkpoint, unsaid=("scale",)), reading, True, few, block)
    if "scale" not in checkpoint.unsaid and free.explained >= max(decision.floor, now + CLEARLY):
        yield (
            f"Its reconstruction times {free.candidate.scale:.4g} explains {free.explained:.1%}: it was trained on "
            "activations of another size; use a reader that leaves the scale open."
        )
    if decision.gap > LARGEST_GAP and decision.explained >= decision.floor:
        yield "Its reconstruction is far larger than what it reconstructs: fetch or train it again."
    yield f"No reading of it fits, so it was most likely made on other weights than these of {decision.model}" + (
        f"; its file names {checkpoint.model}." if checkpoint.model else "."
    )


def _named(checkpoint: Checkpoint) -> str:
    return "" if checkpoint.model is None else f", which its file calls {checkpoint.model}"
