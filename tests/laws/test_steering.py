"""What steering must hold to whatever the picture, the dictionary and the plan."""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from core.attribution import attribute, leave_one_out
from core.sae import BatchTopK, ConstantNorm, Convention, DatasetNorm, JumpRelu, LayerNorm, NoNorm, Relu, TopK
from core.steering import edited, idle, look, steer
from core.types import Edit, Op, Scope, SteeringPlan, TillerError, View

CONVENTIONS = {
    "topk": Convention(TopK(8)),
    "relu, layer norm": Convention(Relu(), LayerNorm()),
    "batch topk, constant norm": Convention(BatchTopK(8, 0.4), ConstantNorm(), pre_bias=False),
    "jump relu, data set norm": Convention(JumpRelu(), DatasetNorm(0.5)),
    "signed topk, class token": Convention(TopK(8, signed=True), tokens="cls"),
    "topk, patches": Convention(TopK(8), tokens="patches"),
}


def parts_of(convention, size=64, width=32):
    parts = {}
    if isinstance(convention.activation, JumpRelu):
        parts["thresholds"] = torch.full((size,), 0.3)
    if isinstance(convention.normalisation, DatasetNorm):
        parts["mean"] = torch.linspace(-0.2, 0.2, width)
    return parts


@pytest.fixture(scope="module", params=list(itertools.product(CONVENTIONS, [0, 1, 2])), ids=str)
def scene(request, make_clip, make_sae, pixels):
    name, block = request.param
    model = make_clip(block=block)
    convention = CONVENTIONS[name]
    sae = make_sae(model, convention, **parts_of(convention))
    return model, sae, look(model, sae, pixels[:1])


def shift_by_hand(sae, seen, plan):
    """What decode(z') + error adds to x, from a dense double-precision loop over edits and tokens."""
    x = seen.activations
    z = seen.codes.dense()[0].double()
    after = z.clone()
    spoken = {"all": range(17), "cls": range(1), "patches": range(1, 17)}[sae.convention.tokens]
    for edit in plan:
        for token in spoken:
            code = z[token, edit.component].item()
            reached = {
                Scope.ACTIVE: code != 0,
                Scope.ALL: True,
                Scope.CLASS: token == 0,
                Scope.PATCHES: token - 1 in edit.patches,
            }[edit.scope]
            if not reached:
                continue
            new = {Op.SCALE: edit.strength * code, Op.SET: edit.strength, Op.ADD: code + edit.strength}[edit.op]
            if edit.op is Op.ADD and not (
                isinstance(sae.convention.activation, TopK) and sae.convention.activation.signed
            ):
                new = max(0.0, new)
            after[token, edit.component] = new
    norm = sae.convention.normalisation
    scale = {
        NoNorm: lambda: torch.ones(17, 1),
        LayerNorm: lambda: x[0].std(dim=-1, keepdim=True),
        ConstantNorm: lambda: x[0].norm(dim=-1, keepdim=True) / math.sqrt(x.shape[-1]),
        DatasetNorm: lambda: torch.full((17, 1), 2.0),
    }[type(norm)]().double()
    return (scale * ((after - z) @ sae.dictionary.double())).float()


def hooked_pass(model, shift, pixels):
    """Logits of the whole tower with `shift` added to the block's output by a hook."""
    network = model.network
    block = network.visual.transformer.resblocks[model.block]
    handle = block.register_forward_hook(lambda *args: args[-1] + shift)
    try:
        vector = torch.nn.functional.normalize(network.encode_image(pixels), dim=-1)
    finally:
        handle.remove()
    return (network.logit_scale.exp() * vector @ model.text.T)[0]


def edits():
    finite = st.floats(-3, 3, allow_nan=False).map(lambda value: round(value, 3))
    scoped = st.one_of(
        st.tuples(st.sampled_from([Scope.ACTIVE, Scope.ALL, Scope.CLASS]), st.just(())),
        st.tuples(st.just(Scope.PATCHES), st.lists(st.integers(0, 15), min_size=1, max_size=4).map(tuple)),
    )
    return st.builds(
        lambda component, op, strength, where: Edit(component, op, strength, *where),
        st.integers(0, 63),
        st.sampled_from(Op),
        finite,
        scoped,
    )


def plans():
    return st.lists(edits(), max_size=4, unique_by=lambda edit: edit.component).map(
        lambda some: SteeringPlan(tuple(some))
    )


def test_an_empty_plan_is_the_unsteered_model(scene, pixels):
    model, sae, seen = scene
    whole = model.classify(model.network.encode_image(pixels[:1]))[0]
    steered = steer(model, sae, seen, SteeringPlan())
    assert steered.prediction.logits == seen.clean.logits == tuple(whole.tolist())
    assert (steered.edit_norm_ratio, steered.class_norm_ratio, steered.patch_norm_ratio) == (0.0, 0.0, 0.0)


@settings(max_examples=12, deadline=None)
@given(plan=plans())
def test_steering_is_a_slow_hooked_pass_that_keeps_the_error(scene, pixels, plan):
    model, sae, seen = scene
    shift = shift_by_hand(sae, seen, plan)
    expected = hooked_pass(model, shift, pixels[:1])
    steered = steer(model, sae, seen, plan)
    assert torch.allclose(torch.tensor(steered.prediction.logits), expected, atol=1e-4)
    x = seen.activations[0]
    assert steered.edit_norm_ratio == pytest.approx((shift.norm() / x.norm()).item(), rel=1e-3, abs=1e-5)
    assert steered.class_norm_ratio == pytest.approx((shift[0].norm() / x[0].norm()).item(), rel=1e-3, abs=1e-5)
    assert steered.patch_norm_ratio == pytest.approx((shift[1:].norm() / x[1:].norm()).item(), rel=1e-3, abs=1e-5)


@settings(max_examples=8, deadline=None)
@given(plan=plans(), data=st.data())
def test_the_order_of_edits_does_not_matter(scene, plan, data):
    model, sae, seen = scene
    shuffled = SteeringPlan(tuple(data.draw(st.permutations(plan.edits))))
    assert steer(model, sae, seen, shuffled) == steer(model, sae, seen, plan)


def test_scale_one_changes_nothing(scene):
    model, sae, seen = scene
    plan = SteeringPlan(tuple(Edit(component, Op.SCALE, 1.0) for component in range(64)))
    assert steer(model, sae, seen, plan).prediction == seen.clean


def test_scale_zero_is_set_zero(scene):
    model, sae, seen = scene
    for component in seen.codes.active()[:6]:
        scaled = steer(model, sae, seen, SteeringPlan((Edit(component, Op.SCALE, 0.0),)))
        assert steer(model, sae, seen, SteeringPlan((Edit(component, Op.SET, 0.0),))) == scaled
        assert steer(model, sae, seen, SteeringPlan((Edit(component, Op.SCALE, 0.0, Scope.ALL),))) == scaled


def test_an_edit_is_idle_where_its_component_is_silent_or_its_strength_is_one(scene):
    _, sae, seen = scene
    dense = seen.codes.dense()[0]
    silent = tuple(component for component in range(64) if not dense[:, component].any())
    assert idle(seen.codes, SteeringPlan(tuple(Edit(component) for component in range(64))), sae) == silent
    same = SteeringPlan(tuple(Edit(component, Op.SCALE, 1.0) for component in range(64)))
    assert idle(seen.codes, same, sae) == tuple(range(64))


def test_setting_a_code_to_itself_changes_nothing(scene):
    model, sae, seen = scene
    rows, components, values = seen.codes.rows.tolist(), seen.codes.components.tolist(), seen.codes.values.tolist()
    for token, component, value in list(zip(rows, components, values, strict=True))[:12]:
        where = (Scope.CLASS, ()) if token == 0 else (Scope.PATCHES, (token - 1,))
        edit = Edit(component, Op.SET, value, *where)
        assert steer(model, sae, seen, SteeringPlan((edit,))).prediction == seen.clean


def test_patch_edits_at_the_last_block_change_nothing(scene):
    model, sae, seen = scene
    if model.is_last:
        plan = SteeringPlan((Edit(3, Op.SET, 5.0, Scope.PATCHES, (0, 7)), Edit(9, Op.ADD, 5.0, Scope.PATCHES, (15,))))
        assert steer(model, sae, seen, plan).prediction == seen.clean


def test_the_reconstruction_with_its_error_is_the_picture(scene):
    model, sae, seen = scene
    x = seen.activations
    rebuilt = sae.decode(seen.codes, at=x)
    logits = model.logits(rebuilt + (x - rebuilt))
    assert torch.allclose(logits, torch.tensor([seen.clean.logits]), atol=1e-4)


def test_steering_leaves_the_look_as_it_was(scene):
    model, sae, seen = scene
    before = (seen.activations.clone(), seen.codes.values.clone())
    steer(model, sae, seen, SteeringPlan((Edit(3, Op.SET, 5.0, Scope.ALL),)))
    assert torch.equal(seen.activations, before[0])
    assert torch.equal(seen.codes.values, before[1])


def test_only_edited_components_and_touched_rows_are_in_a_change(tiny_model, tiny_sae, pixels):
    seen = look(tiny_model, tiny_sae, pixels[:1])
    component = seen.codes.active()[0]
    rows, values = seen.codes.of(component)
    change = edited(seen.codes, SteeringPlan((Edit(component), Edit(63, Op.SCALE, 1.0))), tiny_sae)
    assert change.components.tolist() == [component]
    assert torch.equal(change.rows, rows)
    assert torch.equal(change.values[:, 0], -values)


def test_adding_below_zero_stops_at_zero_unless_codes_have_signs(make_clip, make_sae, pixels):
    model = make_clip()
    for signed in (False, True):
        sae = make_sae(model, Convention(TopK(8, signed=signed)))
        seen = look(model, sae, pixels[:1])
        component = seen.codes.active()[0]
        _, z = seen.codes.of(component)
        change = edited(seen.codes, SteeringPlan((Edit(component, Op.ADD, -100.0),)), sae)
        assert torch.allclose(change.values[:, 0], torch.full_like(z, -100.0) if signed else -z, atol=1e-4)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (Edit(64), "Component 64 was asked for; the dictionary has 64"),
        (Edit(0, Op.SET, 1.0, Scope.PATCHES, (3, 16)), "patch 16 was asked for; the model sees 16 patches"),
    ],
)
def test_a_plan_beyond_the_dictionary_or_the_picture_is_refused(tiny_model, tiny_sae, pixels, edit, said):
    seen = look(tiny_model, tiny_sae, pixels[:1])
    with pytest.raises(TillerError, match=said):
        steer(tiny_model, tiny_sae, seen, SteeringPlan((edit,)))


@pytest.mark.parametrize("strength", [2e6, -1e30, 1e300])
@pytest.mark.parametrize("op", Op)
def test_a_strength_beyond_what_can_be_computed_is_refused(tiny_model, tiny_sae, pixels, op, strength):
    seen = look(tiny_model, tiny_sae, pixels[:1])
    with pytest.raises(TillerError, match="choose a smaller one"):
        steer(tiny_model, tiny_sae, seen, SteeringPlan((Edit(0, op, strength, Scope.ALL),)))


def test_the_greatest_strengths_still_give_numbers(tiny_model, tiny_sae, pixels):
    seen = look(tiny_model, tiny_sae, pixels[:1])
    plan = SteeringPlan(tuple(Edit(each, Op.SET, 1e6, Scope.ALL) for each in range(8)))
    said = steer(tiny_model, tiny_sae, seen, plan)
    assert all(math.isfinite(logit) for logit in said.prediction.logits)
    assert math.isfinite(said.edit_norm_ratio)


def test_activations_that_are_no_numbers_are_never_a_prediction(tiny_model, tiny_sae, pixels):
    broken = pixels[:1].clone()
    broken[0, 0, 0, 0] = math.nan
    with pytest.raises(TillerError, match="not finite"):
        look(tiny_model, tiny_sae, broken)


class Largest(TorchDispatchMode):
    """Notes the element count of the largest tensor that any operation gives."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = func(*args, **(kwargs or {}))
        made = [each for each in (given if isinstance(given, tuple | list) else [given]) if isinstance(each, Tensor)]
        for each in made:
            self.elements = max(self.elements, each.untyped_storage().nbytes() // each.element_size())
        return given


@pytest.mark.parametrize("activation", [TopK(8), Relu()], ids=["topk", "relu"])
@pytest.mark.parametrize("block", [-1, -2])
def test_no_edit_and_no_view_allocates_tokens_by_latents(make_clip, make_sae, pixels, activation, block):
    latents = 4096
    model = make_clip(block=block)
    sae = make_sae(model, Convention(activation), components=latents)
    sae.encoder_bias.data -= 3 * isinstance(activation, Relu)  # a ReLU is as sparse as its bias makes it
    seen = look(model, sae, pixels[:1])
    assert 0 < seen.codes.count < 17 * latents / 32
    active = seen.codes.active()
    everywhere = [Edit(each, Op.SET, 1.0, Scope.ALL) for each in active[:3]]
    with Largest() as largest:
        steer(model, sae, seen, SteeringPlan((*everywhere, Edit(active[3]), Edit(active[4], Op.ADD, 1.0, Scope.CLASS))))
        for view in View:
            if view is not View.EXACT or model.is_last:
                attribute(model, sae, seen, 0, view=view)
        leave_one_out(model, sae, seen, 0, 1, active[:16])
    assert 0 < largest.elements < 17 * latents


@pytest.fixture
def torch_threads(request):
    """As many threads inside each operation; several in each of six participants' threads mostly wait for a core."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("torch_threads", "times"), [(1, 100), (2, 8)], indirect=["torch_threads"])
@pytest.mark.usefixtures("torch_threads")
def test_two_participants_do_not_steer_each_other(tiny_model, tiny_sae, pixels, times):
    """Threads on one model, each with its own plan, many times over: always the bits of being alone."""
    looks = [look(tiny_model, tiny_sae, pixels[each : each + 1]) for each in range(4)]
    jobs = [
        (seen, SteeringPlan(tuple(Edit(component, Op.SCALE, strength) for component in seen.codes.active()[:5])))
        for seen in looks
        for strength in (0.0, 0.5, 1.0, 3.0)
    ]
    alone = [steer(tiny_model, tiny_sae, *job) for job in jobs]
    with ThreadPoolExecutor(max_workers=6) as threads:
        for _ in range(times):
            together = list(threads.map(lambda job: steer(tiny_model, tiny_sae, *job), jobs))
            assert together == alone


def test_looking_and_steering_at_once_do_not_meet(tiny_model, tiny_sae, pixels):
    first = look(tiny_model, tiny_sae, pixels[:1])
    plan = SteeringPlan((Edit(first.codes.active()[0]),))
    alone = steer(tiny_model, tiny_sae, first, plan)

    def one(turn):
        if turn % 2:
            return steer(tiny_model, tiny_sae, first, plan).prediction
        return look(tiny_model, tiny_sae, pixels[:1]).clean

    with ThreadPoolExecutor(max_workers=6) as threads:
        seen = list(threads.map(one, range(400)))
    assert set(seen[1::2]) == {alone.prediction}
    assert set(seen[::2]) == {first.clean}
