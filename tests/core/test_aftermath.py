"""What comes to light of an edit: codes of the steered state, its distance to real ones, interaction."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from core.convention import Convention, TopK
from core.distance import neighbours_of
from core.joint import joint_effect
from core.reencoding import side_effects, steered_activations
from core.ripple import build_reference
from core.steering import look, steer
from core.types import Edit, Op, Prediction, Scope, SteeringPlan

PICTURES = 9


@pytest.fixture(scope="module")
def made(make_clip: Any, make_sae: Any) -> Any:
    model = make_clip(block=-2)
    sae = make_sae(model, Convention(TopK(6)))
    pictures = torch.randn(PICTURES, 3, 32, 32, generator=torch.Generator().manual_seed(9))
    return model, sae, pictures


def loud(seen: Any, many: int) -> list[int]:
    return sorted(seen.codes.totals(), key=lambda each: -seen.codes.totals()[each])[:many]


def test_side_effects_are_the_codes_of_the_state_that_a_hook_makes(made: Any) -> None:
    model, sae, pictures = made
    seen = look(model, sae, pictures[:1])
    edited = loud(seen, 2)
    plan = SteeringPlan((Edit(edited[0]), Edit(edited[1], Op.SCALE, 3.0)))
    caught: list[torch.Tensor] = []

    def steered(_module: Any, _given: Any, x: torch.Tensor) -> torch.Tensor:
        z = sae.encode(x).dense()
        x = (
            x
            - z[..., edited[0], None] * sae.dictionary[edited[0]]
            + 2 * z[..., edited[1], None] * sae.dictionary[edited[1]]
        )
        caught.append(x)
        return x

    hook = model.visual.transformer.resblocks[model.block].register_forward_hook(steered)
    with torch.no_grad():
        model.network.encode_image(pictures[:1])
    hook.remove()
    assert torch.allclose(caught[0], steered_activations(sae, seen, plan), atol=1e-5)
    before, after = seen.codes.dense()[0].amax(0), sae.encode(caught[0]).dense()[0].amax(0)
    found = side_effects(sae, seen, plan, lambda component: 2.0 + component)
    wanted = {
        each: (before[each].item() / (2.0 + each), after[each].item() / (2.0 + each))
        for each in range(sae.size)
        if each not in edited and abs(before[each] - after[each]) > 1e-4
    }
    assert wanted
    assert {one.component for one in found} >= wanted.keys()
    for one in found:
        was, now = wanted.get(one.component, (one.before, one.before))
        assert (one.before, one.after) == (pytest.approx(was, abs=1e-4), pytest.approx(now, abs=1e-4))
    changes = [abs(one.after - one.before) for one in found]
    assert changes == sorted(changes, reverse=True)


SCOPES = {Scope.ACTIVE: (), Scope.ALL: (), Scope.CLASS: (), Scope.PATCHES: (0, 7, 8)}


@pytest.mark.parametrize("op", [Op.SET, Op.ADD])
@pytest.mark.parametrize("scope", SCOPES)
def test_side_effects_of_set_and_add_are_those_of_the_state_that_a_hook_makes(made: Any, op: Op, scope: Scope) -> None:
    model, sae, pictures = made
    seen = look(model, sae, pictures[:1])
    (mine,) = loud(seen, 1)
    plan = SteeringPlan((Edit(mine, op, 3.0, scope, SCOPES[scope]),))
    caught: list[torch.Tensor] = []

    def steered(_module: Any, _given: Any, x: torch.Tensor) -> torch.Tensor:
        z = sae.encode(x).dense()[0, :, mine]
        for token in range(len(z)):
            where = {Scope.ACTIVE: z[token] != 0, Scope.ALL: True, Scope.CLASS: token == 0}
            if where.get(scope, token - 1 in SCOPES[scope]):
                more = 3.0 - z[token] if op is Op.SET else 3.0
                x[0, token] = x[0, token] + more * sae.dictionary[mine]
        caught.append(x.clone())
        return x

    hook = model.visual.transformer.resblocks[model.block].register_forward_hook(steered)
    with torch.no_grad():
        vector = model.network.encode_image(pictures[:1])
    hook.remove()
    assert torch.allclose(caught[0], steered_activations(sae, seen, plan), atol=1e-5)
    said = torch.tensor(steer(model, sae, seen, plan).prediction.logits)
    scale = model.network.logit_scale.exp()
    assert torch.allclose(said, scale * (torch.nn.functional.normalize(vector) @ model.text.T)[0], atol=1e-3)
    before, after = seen.codes.dense()[0].amax(0), sae.encode(caught[0]).dense()[0].amax(0)
    found = {one.component: one for one in side_effects(sae, seen, plan, lambda _: 2.0)}
    wanted = [each for each in range(sae.size) if each != mine and abs(before[each] - after[each]) > 1e-4]
    assert set(wanted) <= found.keys() and mine not in found
    for each in wanted:
        change = (after[each] - before[each]).item() / 2
        assert found[each].after - found[each].before == pytest.approx(change, abs=1e-4)


def test_a_component_without_a_unit_is_left_out_and_no_edit_has_no_side_effect(made: Any) -> None:
    model, sae, pictures = made
    seen = look(model, sae, pictures[:1])
    plan = SteeringPlan((Edit(loud(seen, 1)[0], Op.SCALE, 4.0),))
    (first, *_) = side_effects(sae, seen, plan, lambda _: 1.0)
    left = side_effects(sae, seen, plan, lambda component: float("nan") if component == first.component else 1.0)
    assert first.component not in {one.component for one in left}
    assert side_effects(sae, seen, SteeringPlan(), lambda _: 1.0) == ()


def nearest(token: torch.Tensor, bank: list[torch.Tensor]) -> float:
    """The distance to the nearest of a bank over the bank's mean norm, one by one."""
    norm = sum(float(each.norm()) for each in bank) / len(bank)
    return min(float((token - each).norm()) for each in bank) / norm


def away(state: torch.Tensor, others: list[torch.Tensor], rows: list[int], weights: list[float]) -> float:
    """The weighted mean of the distances of the tokens in `rows` to the nearest of their kind in `others`."""
    banks = {True: [one[0] for one in others], False: [token for one in others for token in one[1:]]}
    return sum(weight * nearest(state[row], banks[row == 0]) for row, weight in zip(rows, weights, strict=True))


def test_the_share_of_nearer_pictures_is_that_of_a_count_one_by_one(made: Any) -> None:
    model, sae, pictures = made
    reference = build_reference(model, sae, [pictures[1:]], [0] * (PICTURES - 1), ["x"] * (PICTURES - 1))
    known = neighbours_of(reference)
    seen = look(model, sae, pictures[:1])
    all_x = list(reference.activations)
    for strength in (0.0, 2.0, 8.0, 200.0):
        plan = SteeringPlan((Edit(loud(seen, 1)[0], Op.SCALE, strength),))
        x = steered_activations(sae, seen, plan)[0]
        moved = (x - seen.activations[0]).norm(dim=-1)
        rows = moved.nonzero()[:, 0].tolist()
        weights = [float(moved[row] / moved.sum()) for row in rows]

        here = away(x, all_x, rows, weights)
        own = [away(one, [other for other in all_x if other is not one], rows, weights) for one in all_x]
        assert known.share_nearer(x, moved) == pytest.approx(sum(each < here for each in own) / len(own))
    assert known.share_nearer(x, moved) == 1.0, "two hundred times a code is like no picture"
    assert known.share_nearer(x, torch.zeros_like(moved)) is None


@pytest.mark.parametrize(
    ("op", "scope"), [(Op.SCALE, Scope.ACTIVE), *((op, scope) for op in (Op.SET, Op.ADD) for scope in SCOPES)]
)
def test_interaction_is_together_less_the_sum_of_each_alone(made: Any, op: Op, scope: Scope) -> None:
    model, sae, pictures = made
    seen = look(model, sae, pictures[:1])
    one, two, three = (Edit(each, op, 4.0, scope, SCOPES[scope]) for each in loud(seen, 3))

    def said(*edits: Edit) -> Prediction:
        return steer(model, sae, seen, SteeringPlan(edits)).prediction

    found = joint_effect(lambda plan: said(*plan), SteeringPlan((one, two, three)), 1, 0)
    assert found is not None
    clean = said().logits[1] - said().logits[0]
    alone = [said(each).logits[1] - said(each).logits[0] - clean for each in (one, two, three)]
    together = said(one, two, three).logits[1] - said(one, two, three).logits[0] - clean
    assert found.together == pytest.approx(together)
    assert found.apart == pytest.approx(sum(alone))
    assert found.interaction == pytest.approx(together - sum(alone))
    assert found.interaction != 0
    assert joint_effect(lambda plan: said(*plan), SteeringPlan((one,)), 1, 0) is None
