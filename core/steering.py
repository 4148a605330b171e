"""Steering adds the change of a few codes to the activations; what is not edited, error included, stays bit for bit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

import torch
from jaxtyping import Float, Int
from torch import Tensor

from core.codes import Codes
from core.model import Clip
from core.sae import SparseAutoencoder
from core.types import Edit, Op, Prediction, Scope, SteeringPlan, TillerError, refuse_component
from core.vision import VisionModel

STRONGEST = 1e6  # codes, or times; far above any code, and far below where single precision ends


@dataclass(frozen=True, eq=False)
class Look:
    """One picture at the autoencoder's block: computed once, shared, never written to."""

    activations: Float[Tensor, "1 t d"]
    codes: Codes
    clean: Prediction


@dataclass(frozen=True, eq=False)
class Change:
    """z' - z where it is not 0: one line per row touched (ascending), one column per edited component."""

    rows: Int[Tensor, " n"]
    components: Int[Tensor, " m"]
    values: Float[Tensor, "n m"]


@dataclass(frozen=True)
class Steered:
    """What the model says under a plan, and how far the plan moved it: ||dx|| / ||x|| over a token set.

    A ratio over no tokens is 0. Above about 0.5 an edit is as large as what it edits: expect off-manifold behaviour.
    """

    prediction: Prediction
    edit_norm_ratio: float
    class_norm_ratio: float
    patch_norm_ratio: float


@torch.no_grad()
def look(model: VisionModel, sae: SparseAutoencoder, pixels: Float[Tensor, "1 3 h w"]) -> Look:
    """The dear half, once per picture: activations, codes, and the prediction nobody has touched.

    Raises:
        TillerError: `sae` was made for another width, backbone or block.
    """
    if isinstance(model, Clip):
        sae.check(model)
    activations = model.activations(pixels)
    return Look(activations, sae.encode(activations), _prediction(model, activations))


def check_plan(plan: SteeringPlan, sae: SparseAutoencoder, model: Clip) -> None:
    """Refuse a plan that names a component or a patch that does not exist, or a strength beyond `STRONGEST`."""
    _check(plan, sae.size, model.tokens - 1)


def refuse_logits(logits: Float[Tensor, "*b"]) -> None:
    """Refuse logits that are no numbers, before anybody takes them for a prediction."""
    if not logits.isfinite().all():
        raise TillerError(
            "A prediction was asked for, and the logits are not finite: the activations are beyond single precision; "
            "use smaller strengths, or another model or dictionary."
        )


@torch.no_grad()
def steer(model: VisionModel, sae: SparseAutoencoder, seen: Look, plan: SteeringPlan) -> Steered:
    """Predict one picture's class with `plan` applied; only the edited dictionary rows and the tail are computed.

    x' = x + (z' - z) @ dictionary, scaled back by the normaliser as the clean x says. An empty plan is the unsteered
    model bit for bit, and edits are summed in component order, so the order they came in cannot matter.

    Raises:
        TillerError: the plan names a component or a patch that does not exist, or is too strong to be computed.
    """
    x = seen.activations
    _check(plan, sae.size, x.shape[1] - 1)
    change = edited(seen.codes, plan, sae)
    delta = x.new_zeros(0, x.shape[2])
    if len(change.rows):
        delta = sae.shift(change.values, change.components, at=x[0, change.rows])
    return pushed(model, seen, change.rows, delta)


@torch.no_grad()
def pushed(model: VisionModel, seen: Look, rows: Int[Tensor, " n"], delta: Float[Tensor, "n d"]) -> Steered:
    """Predict one picture's class with `delta` added at `rows`, whatever it was made of; nothing added is no change."""
    x = moved = seen.activations
    if len(rows):
        moved = x.clone()
        moved[0, rows] += delta
    return Steered(_prediction(model, moved), *_ratios(x[0], delta, rows))


def edited(codes: Codes, plan: SteeringPlan, sae: SparseAutoencoder) -> Change:
    """The change of the codes that `plan` asks for, over a batch; rows and components it leaves alone are absent."""
    non_negative = sae.convention.non_negative
    parts = [(edit.component, *_change(codes, edit, sae, non_negative)) for edit in plan]
    parts = [part for part in parts if len(part[1])]
    device = codes.values.device
    rows = torch.unique(torch.cat([rows for _, rows, _ in parts])) if parts else codes.rows.new_zeros(0).long()
    values = codes.values.new_zeros(len(rows), len(parts))
    for column, (_, touched, change) in enumerate(parts):
        values[torch.searchsorted(rows, touched), column] = change
    components = torch.tensor([component for component, _, _ in parts], dtype=torch.long, device=device)
    return Change(rows, components, values)


def idle(codes: Codes, plan: SteeringPlan, sae: SparseAutoencoder) -> tuple[int, ...]:
    """Components whose edit changes no code of this picture, such as one suppressed where it is silent anyway."""
    moved = edited(codes, plan, sae).components.tolist()
    return tuple(edit.component for edit in plan if edit.component not in moved)


def _change(codes: Codes, edit: Edit, sae: SparseAutoencoder, non_negative: bool) -> tuple[Tensor, Tensor]:
    """Rows that `edit` changes, ascending, and z' - z there."""
    rows, z = _within(codes, edit, sae)
    match edit.op:
        case Op.SCALE:
            after = edit.strength * z
        case Op.SET:
            after = torch.full_like(z, edit.strength)
        case Op.ADD:
            after = z + edit.strength
            if non_negative:
                after = after.clamp_min(0.0)
        case _:
            assert_never(edit.op)
    change = after - z
    moved = change != 0
    return rows[moved], change[moved]


def _within(codes: Codes, edit: Edit, sae: SparseAutoencoder) -> tuple[Tensor, Tensor]:
    """The rows an edit reaches, ascending, and the codes there."""
    rows, values = codes.of(edit.component)
    if edit.scope is Scope.ACTIVE:
        return rows, values
    images, tokens, _ = codes.shape
    reached = sae.rows(images, tokens)
    match edit.scope:
        case Scope.ALL:
            pass
        case Scope.CLASS:
            reached = reached[reached % tokens == 0]
        case Scope.PATCHES:
            wanted = torch.tensor(edit.patches, device=reached.device) + 1
            reached = reached[torch.isin(reached % tokens, wanted)]
        case _:
            assert_never(edit.scope)
    z = values.new_zeros(images * tokens)
    z[rows] = values
    return reached, z[reached]


def _prediction(model: VisionModel, activations: Float[Tensor, "1 t d"]) -> Prediction:
    logits = model.logits(activations)[0]
    refuse_logits(logits)
    return Prediction(model.labels, tuple(logits.tolist()))


def _ratios(x: Tensor, delta: Tensor, rows: Tensor) -> tuple[float, float, float]:
    of_class = rows == 0
    sizes = [(delta, x), (delta[of_class], x[:1]), (delta[~of_class], x[1:])]
    return tuple((moved.norm() / at.norm()).item() if len(moved) else 0.0 for moved, at in sizes)  # pyright: ignore[reportReturnType]


def _check(plan: Iterable[Edit], components: int, patches: int) -> None:
    for edit in plan:
        refuse_component(edit.component, components)
        if abs(edit.strength) > STRONGEST:
            raise TillerError(
                f"Component {edit.component} was given strength {edit.strength:g}; strengths from {-STRONGEST:,.0f} to "
                f"{STRONGEST:,.0f} are computed: choose a smaller one."
            )
        if edit.patches and not patches:
            raise TillerError(
                f"Component {edit.component}: patch {edit.patches[-1]} was asked for; at the embedding none is left: "
                "edit it where it is active."
            )
        if edit.patches and edit.patches[-1] >= patches:
            raise TillerError(
                f"Component {edit.component}: patch {edit.patches[-1]} was asked for; the model sees {patches} "
                f"patches: name some from 0 to {patches - 1}."
            )
