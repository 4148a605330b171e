"""A ripple is steering each picture alone, and a sham has the size of the plan it stands for."""

from __future__ import annotations

import math

import pytest
import torch
from conventions import AT_BOTH_BLOCKS, CONVENTIONS
from hypothesis import given, settings
from hypothesis import strategies as st

from core.convention import Convention, TopK
from core.ripple import build_reference, control, pieces, planned, ripple, sham
from core.sae import SparseAutoencoder
from core.steering import look, steer
from core.types import Edit, Op, Scope, SteeringPlan, TillerError

N = 24


@pytest.fixture(scope="module", params=AT_BOTH_BLOCKS, ids=str)
def world(request, make_clip, make_sae):
    name, block = request.param
    model = make_clip(block=block)
    sae = make_sae(model, CONVENTIONS[name])
    pictures = torch.randn(N, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    truth = [each % 3 for each in range(N)]
    reference = build_reference(model, sae, pictures.split(7), truth, [f"{each}.png" for each in range(N)])
    return model, sae, pictures, truth, reference


@pytest.fixture(scope="module")
def strong(world):
    """A plan that changes some predictions and not others, looked for among a few loud ones."""
    model, sae, _, _, reference = world
    common = torch.bincount(reference.codes.components.long(), minlength=64).topk(12).indices.tolist()
    for loud, quiet in zip(common, reversed(common), strict=True):
        for strength in (3.0, -3.0, 10.0, -10.0, 40.0, -40.0):
            plan = SteeringPlan((Edit(loud, Op.SCALE, strength), Edit(quiet, Op.SET, 0.5)) if loud != quiet else ())
            found = ripple(model, sae, reference, plan)
            if 2 <= sum(was != now for was, now in zip(found.before, found.after, strict=True)) <= N - 2:
                return plan
    raise AssertionError("no plan was found that changes some predictions and not others")


def test_a_ripple_is_steering_each_picture_alone(world, strong):
    model, sae, pictures, truth, reference = world
    found = ripple(model, sae, reference, strong)
    before, after = [], []
    for picture in pictures:
        seen = look(model, sae, picture[None])
        before.append(seen.clean.ranked[0])
        after.append(steer(model, sae, seen, strong).prediction.ranked[0])
    assert found.before == tuple(before)
    assert found.after == tuple(after)
    assert before != after
    rows = list(zip(truth, before, after, strict=True))
    assert found.fixed == sum(b != t and a == t for t, b, a in rows)
    assert found.broken == sum(b == t and a != t for t, b, a in rows)
    assert found.unchanged == N - found.fixed - found.broken
    assert found.rerouted == sum(b != t and a != t and a != b for t, b, a in rows)
    assert sum(change.images for change in found.classes) == found.images == N
    assert [change.right_before for change in found.classes] == [
        sum(b == t == place for t, b, _ in rows) for place in range(3)
    ]


@pytest.mark.parametrize("first", [1, 40, 1 << 12])
def test_a_ripple_in_pieces_is_the_ripple_and_each_lead_is_that_of_the_picture_alone(world, strong, first, monkeypatch):
    monkeypatch.setattr("core.ripple.TOKENS_AT_FIRST", first)
    model, sae, pictures, truth, reference = world
    whole = ripple(model, sae, reference, strong)
    came = list(pieces(model, reference, planned(sae, reference, strong)))
    assert sorted(place for piece in came for place in piece.places) == list(range(N))
    assert len(came) > 1 or first > 1
    for piece in came:
        rows = zip(piece.places, piece.before, piece.after, piece.leads_before, piece.leads_after, strict=True)
        for place, before, after, lead_before, lead_after in rows:
            assert (before, after) == (whole.before[place], whole.after[place])
            seen = look(model, sae, pictures[place][None])
            steered = steer(model, sae, seen, strong).prediction
            for said, lead in ((seen.clean, lead_before), (steered, lead_after)):
                others = [logit for label, logit in enumerate(said.logits) if label != truth[place]]
                assert lead == pytest.approx(said.logits[truth[place]] - max(others), abs=1e-4)


@pytest.mark.parametrize("op", [Op.SET, Op.ADD])
@pytest.mark.parametrize("scope", [Scope.ALL, Scope.CLASS, Scope.PATCHES])
def test_a_ripple_of_any_operation_on_any_tokens_is_steering_each_picture_alone(world, op, scope):
    model, sae, pictures, _, reference = world
    patches = (0, 5, 6, 15) if scope is Scope.PATCHES else ()
    common = torch.bincount(reference.codes.components.long(), minlength=64).topk(2).indices.tolist()
    plan = SteeringPlan(tuple(Edit(each, op, 6.0, scope, patches) for each in common))
    leads = {}
    for piece in pieces(model, reference, planned(sae, reference, plan)):
        leads.update(zip(piece.places, zip(piece.leads_before, piece.leads_after, strict=True), strict=True))
    moved = 0
    for place, picture in enumerate(pictures[:9]):
        seen = look(model, sae, picture[None])
        right = reference.truth[place]
        for said, lead in zip((seen.clean, steer(model, sae, seen, plan).prediction), leads[place], strict=True):
            others = [logit for label, logit in enumerate(said.logits) if label != right]
            assert lead == pytest.approx(said.logits[right] - max(others), abs=1e-4)
        moved += leads[place][0] != leads[place][1]
    reached = sae.convention.tokens != "cls" and not model.is_last if scope is Scope.PATCHES else True
    assert bool(moved) == reached


@pytest.mark.parametrize("op", Op)
def test_a_control_of_painted_patches_has_the_size_of_its_plan(world, op):
    _, sae, _, _, reference = world
    tokens = reference.activations.shape[1]
    plan = SteeringPlan(tuple(Edit(each, op, 1.5, Scope.PATCHES, (2, 3, 9)) for each in range(0, 64, 5)))
    own = planned(sae, reference, plan).norms(N, tokens)
    for kind in ("random", "flipped"):
        assert torch.allclose(control(sae, reference, plan, kind, 3).norms(N, tokens), own, rtol=1e-4, atol=1e-5)


def test_an_empty_plan_moves_nothing(world):
    model, sae, _, _, reference = world
    found = ripple(model, sae, reference, SteeringPlan())
    assert found.before == found.after
    assert (found.fixed, found.broken, found.unchanged, found.rerouted) == (0, 0, N, 0)


def test_after_the_last_block_only_class_tokens_are_kept(world):
    model, _, _, _, reference = world
    assert reference.activations.shape == (N, 1 if model.is_last else 17, 32)


@settings(max_examples=6, deadline=None)
@given(
    components=st.lists(st.integers(0, 63), min_size=1, max_size=3, unique=True),
    op=st.sampled_from(Op),
    strength=st.floats(-2, 2, allow_nan=False),
    scope=st.sampled_from([Scope.ACTIVE, Scope.ALL, Scope.CLASS]),
    seed=st.integers(0, 99),
)
def test_a_control_has_the_size_of_its_plan(world, components, op, strength, scope, seed):
    _, sae, _, _, reference = world
    plan = SteeringPlan(tuple(Edit(each, op, strength, scope) for each in components))
    tokens = reference.activations.shape[1]
    size = planned(sae, reference, plan).norms(N, tokens)
    for kind in ("random", "flipped"):
        assert torch.allclose(control(sae, reference, plan, kind, seed).norms(N, tokens), size, rtol=1e-4, atol=1e-6)


def test_a_flipped_control_is_the_plan_turned_round(world, strong):
    _, sae, _, _, reference = world
    one, two = planned(sae, reference, strong), control(sae, reference, strong, "flipped", 0)
    assert torch.equal(one.delta, -two.delta)
    assert torch.equal(one.rows, two.rows)


def test_a_random_control_removes_another_active_component(world):
    _, sae, _, _, reference = world
    edited = int(torch.bincount(reference.codes.components.long()).argmax())
    plan = SteeringPlan((Edit(edited),))
    tokens = reference.activations.shape[1]
    shift = control(sae, reference, plan, "random", 7)
    dense = reference.codes.dense()
    for row, delta in zip(shift.rows.tolist(), shift.delta, strict=True):
        aligned = torch.nn.functional.normalize(delta, dim=0) @ sae.dictionary.T
        component = int(aligned.argmin())
        assert aligned[component] == pytest.approx(-1, abs=1e-4)
        assert component != edited
        assert dense[row // tokens, row % tokens, component] > 0


def test_a_random_control_takes_away_what_has_the_least_lot(world):
    _, sae, _, _, reference = world
    images, tokens, _ = reference.activations.shape
    dense = reference.codes.dense()
    common = torch.bincount(reference.codes.components.long(), minlength=sae.size).topk(4).indices.tolist()
    plan = SteeringPlan(tuple(Edit(each, Op.SCALE, 0.0) for each in sorted(common)))
    generator = torch.Generator().manual_seed(5)
    of_component = torch.rand(sae.size, generator=generator, dtype=torch.float64).tolist()
    of_image = torch.rand(images, generator=generator, dtype=torch.float64).tolist()
    changed = (planned(sae, reference, plan).norms(images, tokens) > 0).tolist()
    drawn = control(sae, reference, plan, "random", 5)
    for image in range(images):
        active = dense[image].any(dim=0).nonzero()[:, 0].tolist()
        lots = {each: 2**20 * of_component[each] * of_image[image] % 1 for each in active if each not in common}
        if not changed[image] or not lots:
            continue
        least = min(lots, key=lots.__getitem__)
        rows = (image * tokens + dense[image, :, least].nonzero()[:, 0]).tolist()
        mine = (drawn.rows // tokens == image).nonzero()[:, 0]
        assert drawn.rows[mine].tolist() == rows
        along = torch.nn.functional.cosine_similarity(drawn.delta[mine], -sae.dictionary[least][None])
        signs = dense[image, :, least][dense[image, :, least] != 0].sign()
        assert torch.allclose(along * signs, torch.ones_like(along), atol=1e-4)


def test_random_controls_differ_by_seed_and_repeat_with_it(world, strong):
    model, sae, _, _, reference = world
    one, two, again = (control(sae, reference, strong, "random", seed) for seed in (1, 2, 1))
    assert torch.equal(one.delta, again.delta)
    assert one.delta.shape != two.delta.shape or not torch.equal(one.delta, two.delta)
    assert sham(model, sae, reference, strong, seed=1) == sham(model, sae, reference, strong, seed=1)


def test_a_control_has_its_size_where_nothing_else_is_active(make_clip):
    model = make_clip(block=-1)
    rows = torch.nn.functional.normalize(torch.randn(4, 32, generator=torch.Generator().manual_seed(0)), dim=-1)
    bias = torch.tensor([1000.0, -1000.0, -1000.0, -1000.0])  # component 0 always fires, the others never
    sae = SparseAutoencoder(rows, bias, rows, torch.zeros(32), convention=Convention(TopK(2)))
    pictures = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    reference = build_reference(model, sae, [pictures], [0] * 5, ["x"] * 5)
    plan = SteeringPlan((Edit(0, Op.SCALE, 0.5),))
    size = planned(sae, reference, plan).norms(5, 1)
    drawn = control(sae, reference, plan, "random", 3)
    assert (size > 0).all()
    assert torch.allclose(drawn.norms(5, 1), size, rtol=1e-4)


@pytest.mark.parametrize(("seeds", "copies"), [(400, 1), (1, 400)], ids=["over seeds", "over pictures"])
def test_every_active_component_may_be_drawn_equally_often(make_clip, seeds, copies):
    model = make_clip(block=-1)
    rows = torch.nn.functional.normalize(torch.randn(6, 32, generator=torch.Generator().manual_seed(0)), dim=-1)
    bias = torch.tensor([100.0] * 5 + [-100.0])  # 0 to 4 always fire
    sae = SparseAutoencoder(rows, bias, rows, torch.zeros(32), convention=Convention(TopK(5)))
    pictures = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    reference = build_reference(model, sae, [pictures.expand(copies, -1, -1, -1)], [0] * copies, ["x"] * copies)
    drawn = [0] * 6
    for seed in range(seeds):
        delta = control(sae, reference, SteeringPlan((Edit(0),)), "random", seed).delta
        for component in (torch.nn.functional.normalize(delta, dim=-1) @ rows.T).argmin(dim=-1).tolist():
            drawn[component] += 1
    assert drawn[0] == drawn[5] == 0
    assert all(abs(count - 100) < 5 * math.sqrt(75) for count in drawn[1:5])


def test_truth_follows_the_names_when_labels_change(world):
    model, sae, _, _, reference = world
    relabelled = model.labelled(["zebra", "car", "boat", "apple"])
    found = ripple(relabelled, sae, reference, SteeringPlan())
    assert {change.label: change.images for change in found.classes} == {"apple": 8, "boat": 8, "car": 8}
    with pytest.raises(TillerError, match="car"):
        ripple(model.labelled(["apple", "boat"]), sae, reference, SteeringPlan())


def test_a_plan_too_strong_to_compute_is_refused(world):
    model, sae, _, _, reference = world
    with pytest.raises(TillerError, match="choose a smaller one"):
        ripple(model, sae, reference, SteeringPlan((Edit(0, Op.SET, 1e30, Scope.ALL),)))


def test_a_reference_set_of_nothing_is_refused(tiny_model, tiny_sae):
    with pytest.raises(TillerError, match="no picture was given"):
        build_reference(tiny_model, tiny_sae, [], [], [])


def test_pictures_names_and_truth_must_match(tiny_model, tiny_sae, pixels):
    with pytest.raises(ValueError, match="4 pictures, 3 truths"):
        build_reference(tiny_model, tiny_sae, [pixels], [0, 1, 2], ["a", "b", "c", "d"])
