"""A sham of one picture has the plan's size and not its direction, and names what it took away."""

from __future__ import annotations

import math

import pytest
import torch
from conventions import AT_BOTH_BLOCKS, CONVENTIONS
from hypothesis import given, settings
from hypothesis import strategies as st

from core.convention import Convention, TopK
from core.sae import SparseAutoencoder
from core.sham import MATCHED, sham_of
from core.steering import look, pushed, steer
from core.types import Edit, Op, Scope, SteeringPlan, TillerError


@pytest.fixture(scope="module", params=AT_BOTH_BLOCKS, ids=str)
def world(request, make_clip, make_sae):
    name, block = request.param
    model = make_clip(block=block)
    sae = make_sae(model, CONVENTIONS[name])
    picture = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    return model, sae, look(model, sae, picture)


def moved(monkeypatch, model, seen, call):
    """dx as the model's second half met it."""
    met = []
    honest = type(model).logits
    with monkeypatch.context() as patch:
        patch.setattr(type(model), "logits", lambda self, x, **more: met.append(x) or honest(self, x, **more))
        result = call()
    return result, met[-1][0] - seen.activations[0]


def size_of(sae, seen, component):
    """||dx|| of taking `component` away, from dense codes and the decoder's own arithmetic."""
    dense = seen.codes.dense()[0]
    x = seen.activations[0]
    total = 0.0
    for token in range(len(x)):
        code = dense[token, component].item()
        if code:
            scale = sae.frame(x[token][None])[0].item()
            total += sum((code * scale * weight) ** 2 for weight in sae.dictionary[component].tolist())
    return math.sqrt(total)


@settings(max_examples=8, deadline=None)
@given(
    components=st.lists(st.integers(0, 63), min_size=1, max_size=3, unique=True),
    op=st.sampled_from(Op),
    strength=st.floats(-2, 2, allow_nan=False),
    scope=st.sampled_from([Scope.ACTIVE, Scope.ALL, Scope.CLASS]),
    seed=st.integers(0, 99),
)
def test_a_sham_is_as_large_as_its_plan(world, components, op, strength, scope, seed):
    model, sae, seen = world
    plan = SteeringPlan(tuple(Edit(each, op, strength, scope) for each in components))
    size = steer(model, sae, seen, plan).edit_norm_ratio * seen.activations[0].norm().item()
    for kind in ("random", "flipped"):
        sham = sham_of(model, sae, seen, plan, kind=kind, seed=seed)
        assert sham.size == pytest.approx(size, rel=1e-4, abs=1e-6)
        whole = sham.steered.edit_norm_ratio * seen.activations[0].norm().item()
        assert whole == pytest.approx(size, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("op", Op)
@pytest.mark.parametrize("strength", [-1.0, 0.3, 4.0])
def test_a_sham_of_painted_patches_is_as_large_as_its_plan(world, op, strength):
    model, sae, seen = world
    plan = SteeringPlan(tuple(Edit(each, op, strength, Scope.PATCHES, (1, 4, 12)) for each in (3, 9)))
    size = steer(model, sae, seen, plan).edit_norm_ratio
    for kind in ("random", "flipped"):
        sham = sham_of(model, sae, seen, plan, kind=kind, seed=1)
        assert sham.steered.edit_norm_ratio == pytest.approx(size, rel=1e-4, abs=1e-6)


def test_what_the_second_half_meets_has_the_plans_norm(world, monkeypatch):
    model, sae, seen = world
    component = seen.codes.active()[0]
    plan = SteeringPlan((Edit(component, Op.SCALE, 2.5),))
    _, real = moved(monkeypatch, model, seen, lambda: steer(model, sae, seen, plan))
    for seed in range(5):
        sham, dx = moved(monkeypatch, model, seen, lambda seed=seed: sham_of(model, sae, seen, plan, seed=seed))
        assert dx.norm().item() == pytest.approx(real.norm().item(), rel=1e-4)
        assert sham.component in seen.codes.active()
        assert sham.component != component
        away = torch.nn.functional.normalize(dx[dx.norm(dim=-1) > 0], dim=-1) @ sae.dictionary.T
        assert set(away.argmin(dim=-1).tolist()) == {sham.component}  # it is taken away, at each token that it fires at
        assert sham.factor == pytest.approx(real.norm().item() / size_of(sae, seen, sham.component), rel=1e-3)


def test_the_draw_is_among_those_nearest_in_size_and_fair(world):
    model, sae, seen = world
    component = seen.codes.active()[-1]
    plan = SteeringPlan((Edit(component),))
    own = size_of(sae, seen, component)
    others = [each for each in seen.codes.active() if each != component]
    nearest = sorted(others, key=lambda each: abs(math.log(size_of(sae, seen, each) / own)))[:MATCHED]
    drawn = [sham_of(model, sae, seen, plan, seed=seed).component for seed in range(200)]
    assert set(drawn) == set(nearest)
    expected = len(drawn) / len(nearest)
    assert all(abs(drawn.count(each) - expected) < 5 * math.sqrt(expected) for each in nearest)


def test_a_flipped_sham_is_the_plan_turned_round(world, monkeypatch):
    model, sae, seen = world
    plan = SteeringPlan((Edit(seen.codes.active()[0], Op.SCALE, 3.0),))
    _, real = moved(monkeypatch, model, seen, lambda: steer(model, sae, seen, plan))
    sham, dx = moved(monkeypatch, model, seen, lambda: sham_of(model, sae, seen, plan, kind="flipped"))
    assert torch.allclose(dx, -real, atol=1e-5)
    assert (sham.component, sham.factor) == (None, 1.0)


def test_the_same_seed_draws_the_same(world):
    model, sae, seen = world
    plan = SteeringPlan((Edit(seen.codes.active()[0]),))
    assert sham_of(model, sae, seen, plan, seed=7) == sham_of(model, sae, seen, plan, seed=7)


def test_a_plan_that_moves_nothing_has_a_sham_that_moves_nothing(world):
    model, sae, seen = world
    silent = next(each for each in range(64) if each not in seen.codes.active())
    for plan in (SteeringPlan(), SteeringPlan((Edit(silent),))):
        for kind in ("random", "flipped"):
            sham = sham_of(model, sae, seen, plan, kind=kind)
            assert sham.steered.prediction == seen.clean
            assert sham.size == 0


def test_where_nothing_else_is_active_some_other_direction_stands_in(make_clip):
    model = make_clip(block=-1)
    rows = torch.nn.functional.normalize(torch.randn(4, 32, generator=torch.Generator().manual_seed(0)), dim=-1)
    bias = torch.tensor([1000.0, -1000.0, -1000.0, -1000.0])  # component 0 always fires, the others never
    sae = SparseAutoencoder(rows, bias, rows, torch.zeros(32), convention=Convention(TopK(2)))
    seen = look(model, sae, torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(4)))
    plan = SteeringPlan((Edit(0, Op.SCALE, 0.5),))
    sham = sham_of(model, sae, seen, plan, seed=3)
    real = steer(model, sae, seen, plan)
    assert sham.component is None
    assert sham.steered.edit_norm_ratio == pytest.approx(real.edit_norm_ratio, rel=1e-4)
    assert sham.steered.prediction != real.prediction


def test_a_push_of_nothing_is_the_unsteered_model_bit_for_bit(world):
    model, _, seen = world
    x = seen.activations
    none = pushed(model, seen, torch.zeros(0, dtype=torch.long), x.new_zeros(0, x.shape[2]))
    assert none.prediction == seen.clean


def test_a_plan_beyond_the_dictionary_is_refused(world):
    model, sae, seen = world
    with pytest.raises(TillerError, match="the dictionary has 64"):
        sham_of(model, sae, seen, SteeringPlan((Edit(64),)))
