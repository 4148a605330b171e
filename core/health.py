"""What a dictionary can be trusted with, measured on the pictures that its bundle ships, beside what was published."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from core.bundle import Bundle
from core.checkpoints.contents import Checkpoint
from core.checkpoints.decision import Decision, verdict_of
from core.checkpoints.gate import decide
from core.checkpoints.sample import gather
from core.faithfulness import Curve, curves
from core.figures import Rebuilt, error_shares, rebuilt, speeds
from core.steering import Look, look
from core.types import Block, TillerError

VERSION = 1
LOOKS = 32  # pictures of the faithfulness curves and of the error share; each is taken apart one by one
ORDERS = ("random", "activation", "exact", "gradient", "ablation")

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, the steps done and the steps in all."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A published figure and the measured one; `measured` is None where Tiller measures no figure of that name."""

    name: str
    published: float
    tolerance: float
    source: str
    measured: float | None

    @property
    def met(self) -> bool:
        """Whether the two differ by no more than the tolerance."""
        return self.measured is not None and abs(self.measured - self.published) <= self.tolerance


@dataclass(frozen=True, slots=True)
class Health:
    """One dictionary of a bundle; shares are from 0 to 1, speeds are medians in milliseconds.

    `decision` is what the gate finds today, on `decision.images` of the bundle's pictures; `verdict` is what the file's
    own header says. `error_share` holds the deciles, least and greatest included, of the share that the error has in
    a prediction: |error| / (|error| + sum |component|). `alive` is the share of components that fire at least once over
    `images`.
    """

    bundle: str
    dictionary: str
    model: str
    weights: str
    sae: str
    block: Block
    components: int
    images: int
    measured: str
    verdict: str
    decision: Decision
    alive: float
    rebuilt: Rebuilt
    error_share: tuple[float, ...]
    looks: int
    curves: tuple[Curve, ...]
    speeds: Mapping[str, float]
    published: tuple[Beside, ...] = ()

    @property
    def figures(self) -> dict[str, float]:
        """What a published figure may be held against, by name."""
        decision = self.decision
        found = {"explained": decision.explained, "explained_per_token": decision.per_token}
        for kind, value in decision.by_type.items():
            found[f"explained_{kind}"] = value
            found[f"explained_per_token_{kind}"] = decision.per_token_by_type[kind]
        found |= {f"l0_{kind}": value for kind, value in decision.l0.items()}
        return found | {
            "alive": self.alive,
            "accuracy": self.rebuilt.accuracy.value,
            "accuracy_rebuilt": self.rebuilt.accuracy_rebuilt.value,
            "agreement": self.rebuilt.agreement.value,
            "cosine": self.rebuilt.cosine,
        }

    @property
    def well(self) -> bool:
        """Whether every published figure is met."""
        return all(one.met for one in self.published)

    def as_json(self) -> dict[str, Any]:
        """Plain values; None stands for a number that is none."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        said |= {
            "version": VERSION,
            "decision": self.decision.as_json(),
            "rebuilt": self.rebuilt.as_json(),
            "curves": [asdict(one) for one in self.curves],
            "published": [asdict(one) | {"met": one.met} for one in self.published],
            "figures": self.figures,
            "well": self.well,
        }
        return _sound(said)


def examine(bundle: Bundle, which: str, *, progress: Progress | None = None) -> Health:
    """Measure the dictionary of `bundle`, which is called `which` there; nothing is written.

    Args:
        progress: called often; an exception that it raises stops the work.
    """
    tell = progress or (lambda stage, done, steps: None)
    _beside({}, which, bundle.published)  # what is wrong with them is said before minutes of work
    model, sae, reference = bundle.model, bundle.sae, bundle.reference
    pictures = [bundle.images / name for name in reference.names]
    sample = gather(model, pictures, progress=tell)
    tell("reading the weights in every way", 0, 1)
    decision, _ = decide(Checkpoint.of(sae, source=which, sha256=sae.digest), model, sample)
    tell("reading the weights in every way", 1, 1)
    taken = pictures[:: max(1, len(pictures) // LOOKS)][:LOOKS]
    looks: list[Look] = []
    for place, picture in enumerate(taken):
        looks.append(look(model, sae, model.pixels(picture)))
        tell("taking predictions apart", place + 1, len(taken))
    shares = error_shares(model, sae, looks)
    orders = [each for each in ORDERS if each != "exact" or model.reads_one_token]
    found: tuple[Curve, ...] = ()
    if len(model.labels) > 1:
        stage = "putting components in and out"
        found = curves(model, sae, looks, orders=orders, progress=lambda done, of: tell(stage, done, of))
        tell(stage, len(looks), len(looks))
    health = Health(
        bundle=bundle.fingerprint["bundle"],
        dictionary=which,
        model=model.name,
        weights=model.digest,
        sae=sae.digest,
        block=model.block,
        components=sae.size,
        images=len(reference.names),
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
        verdict=verdict_of(sae.header),
        decision=decision,
        alive=len(reference.codes.active()) / sae.size,
        rebuilt=rebuilt(model, sae, reference, progress=tell),
        error_share=shares,
        looks=len(looks),
        curves=found,
        speeds=speeds(bundle, taken[0], progress=tell),
    )
    return replace(health, published=_beside(health.figures, which, bundle.published))


def _beside(figures: Mapping[str, float], which: str, published: Mapping[str, Any]) -> tuple[Beside, ...]:
    """Each published figure with the measured one; the mapping may hold one mapping for each dictionary instead."""
    own = published.get(which, published)
    try:
        return tuple(
            Beside(name, float(said["value"]), float(said["tolerance"]), str(said.get("source", "")), figures.get(name))
            for name, said in own.items()
            if "value" in said
        )
    except (TypeError, KeyError, ValueError, AttributeError) as wrong:
        raise TillerError(
            f"The published figures of the bundle are not whole ({wrong!r}); each has a value and a tolerance, both "
            "numbers, and a source."
        ) from wrong


def _sound(said: Any) -> Any:
    """The same with None where a number is not finite: JSON has no NaN."""
    if isinstance(said, Mapping):
        return {key: _sound(value) for key, value in said.items()}
    if isinstance(said, list | tuple):
        return [_sound(value) for value in said]
    return None if isinstance(said, float) and not math.isfinite(said) else said
