"""What each of the four views promises, held against formulas that share nothing with it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from core.attribution import agreement, attribute, leave_one_out, spearman
from core.convention import ConstantNorm, Convention, LayerNorm, Relu, TopK
from core.sae import SparseAutoencoder
from core.steering import look, steer
from core.types import Edit, Scope, SteeringPlan, TillerError, View

CONVENTIONS = {
    "topk": Convention(TopK(8)),
    "relu, layer norm": Convention(Relu(), LayerNorm()),
    "signed topk, constant norm, class token": Convention(TopK(8, signed=True), ConstantNorm(), tokens="cls"),
}


@pytest.fixture(scope="module", params=[0, 1, 2])
def block(request):
    return request.param


@pytest.fixture(scope="module", params=CONVENTIONS.values(), ids=CONVENTIONS)
def scene(request, block, make_clip, make_sae, pixels):
    model = make_clip(block=block)
    sae = make_sae(model, request.param)
    return model, sae, look(model, sae, pixels[:1])


@pytest.fixture(scope="module", params=CONVENTIONS.values(), ids=CONVENTIONS)
def last(request, make_clip, make_sae, pixels):
    model = make_clip(block=-1)
    torch.nn.init.normal_(model.visual.ln_post.bias, std=0.3)
    sae = make_sae(model, request.param)
    return model, sae, look(model, sae, pixels[:1])


def spoken(sae):
    return [0] if sae.convention.tokens == "cls" else list(range(17))


def scales(sae, x):
    norm = sae.convention.normalisation
    if isinstance(norm, LayerNorm):
        return x.std(dim=-1), x.mean(dim=-1)
    if isinstance(norm, ConstantNorm):
        return x.norm(dim=-1) / math.sqrt(x.shape[-1]), torch.zeros(len(x))
    return torch.ones(len(x)), torch.zeros(len(x))


def test_scores_bias_error_and_constant_sum_to_the_margin(last):
    model, sae, seen = last
    for target, against in ((0, 1), (2, 0), (1, 2)):
        found = attribute(model, sae, seen, target, against=against, view=View.EXACT)
        assert found.margin == pytest.approx(seen.clean.margin(target, against), abs=1e-5)
        assert found.total == pytest.approx(found.margin, abs=1e-4)
        assert found.completeness_gap == pytest.approx(0, abs=1e-4)
        parts = sum(found.scores.values()) + found.bias + found.error + found.constant
        assert parts == pytest.approx(found.margin, abs=1e-4)


def test_the_exact_view_is_the_frozen_readout_written_out_in_numpy(last):
    model, sae, seen = last
    x = seen.activations[0, 0].double().numpy()
    gain, shift = (getattr(model.visual.ln_post, name).double().numpy() for name in ("weight", "bias"))
    proj, text = model.visual.proj.double().numpy(), model.text.double().numpy()
    direction = model.scale * (text[0] - text[2])
    deviation = np.sqrt(((x - x.mean()) ** 2).mean() + 1e-5)
    length = np.linalg.norm(((x - x.mean()) / deviation * gain + shift) @ proj)

    def read(vector):
        return float(((vector - vector.mean()) / deviation * gain) @ proj @ direction / length)

    scale, centre = (each[0].item() for each in scales(sae, seen.activations[0]))
    z, rows = seen.codes.dense()[0, 0].double().numpy(), sae.dictionary.double().numpy()
    found = attribute(model, sae, seen, 0, against=2, view=View.EXACT)
    assert set(found.scores) == set(np.nonzero(z)[0].tolist())
    for component, score in found.scores.items():
        assert score == pytest.approx(read(z[component] * scale * rows[component]), abs=1e-5)
    bias = scale * sae.bias.double().numpy() + centre
    assert found.bias == pytest.approx(read(bias), abs=1e-5)
    assert found.error == pytest.approx(read(x - scale * (z @ rows) - bias), abs=1e-5)
    assert found.constant == pytest.approx(float(shift @ proj @ direction / length), abs=1e-6)


def test_the_exact_view_is_refused_where_it_is_not_exact(make_clip, make_network, make_sae, pixels):
    below = make_clip(block=-2)
    averaging = make_clip(make_network(pool_type="avg"), block=-1)
    for model in (below, averaging):
        sae = make_sae(model, Convention(TopK(8)))
        with pytest.raises(TillerError, match="after the last block"):
            attribute(model, sae, look(model, sae, pixels[:1]), 0, view=View.EXACT)
    model = make_clip(block=-1)
    sae = make_sae(model, Convention(TopK(8), tokens="patches"))
    with pytest.raises(TillerError, match="class token"):
        attribute(model, sae, look(model, sae, pixels[:1]), 0, view=View.EXACT)


def test_a_gradient_score_is_the_code_times_a_finite_difference(scene):
    model, sae, seen = scene
    found = attribute(model, sae, seen, 0, against=1)
    x = seen.activations.double()
    network = model.network.double()  # differences drown in single precision
    try:
        scale, _ = scales(sae, x[0])
        rows, components, values = (
            each.tolist() for each in (seen.codes.rows, seen.codes.components, seen.codes.values)
        )
        half = model.at(model.block)
        totals: dict[int, float] = {}
        step = 1e-5
        text = model.text.double()
        for token, component, value in zip(rows, components, values, strict=True):
            move = torch.zeros_like(x)
            move[0, token] = step * value * scale[token] * sae.dictionary[component].double()
            both = torch.nn.functional.normalize(half.embedding(torch.cat([x + move, x - move])), dim=-1)
            high, low = (network.logit_scale.exp() * both @ (text[0] - text[1])).tolist()
            totals[component] = totals.get(component, 0.0) + (high - low) / (2 * step)
    finally:
        network.float()
    for component, total in totals.items():
        assert found.scores.get(component, 0.0) == pytest.approx(total, abs=2e-4)


def test_gradient_entries_after_the_last_block_sum_to_nothing(make_clip, make_sae, pixels):
    """Euler's theorem: the last LayerNorm makes the margin the same for x and 2 x."""
    model = make_clip(block=-1)
    for convention in CONVENTIONS.values():
        sae = make_sae(model, convention)
        seen = look(model, sae, 30 * pixels[:1])
        assert attribute(model, sae, seen, 0).total == pytest.approx(0, abs=1e-2)


def test_the_class_and_patch_parts_are_the_score(scene):
    model, sae, seen = scene
    for view in (View.GRADIENT, View.INTEGRATED):
        found = attribute(model, sae, seen, 0, view=view)
        for component in found.components:
            patches = found.patches(component)
            assert patches.shape == (4, 4)
            assert patches.sum() == pytest.approx(found.patch_part[component], abs=1e-5)
            whole = found.class_part[component] + found.patch_part[component]
            assert whole == pytest.approx(found.scores[component], abs=1e-9)


def test_a_patch_score_lies_where_its_token_is(make_clip, make_sae, pixels):
    model = make_clip(block=-2)
    sae = make_sae(model, Convention(TopK(8)))
    seen = look(model, sae, pixels[:1])
    found = attribute(model, sae, seen, 0)
    component = next(each for each in found.components if found.patch_part[each])
    rows, _ = seen.codes.of(component)
    shown = found.patches(component)
    lit = {1 + row * 4 + column for row, column in zip(*np.nonzero(shown), strict=True)}
    assert lit == {row for row in rows.tolist() if row > 0}


def test_after_the_last_block_no_patch_has_a_part(last):
    model, sae, seen = last
    for view in (View.EXACT, View.GRADIENT, View.INTEGRATED):
        found = attribute(model, sae, seen, 0, view=view)
        assert set(found.patch_part.values()) <= {0.0}
        assert not any(found.patches(component).any() for component in found.components)


def test_integrated_scores_sum_to_what_the_codes_add_to_the_margin(scene):
    model, sae, seen = scene
    found = attribute(model, sae, seen, 0, against=1, view=View.INTEGRATED)
    x, rebuilt = seen.activations, sae.decode(seen.codes, at=seen.activations)
    scale, centre = scales(sae, x[0])
    empty = rebuilt.clone()
    for token in spoken(sae):
        empty[0, token] = scale[token] * sae.bias + centre[token]
    without_codes = x - rebuilt + empty
    high, low = (model.logits(each)[0].tolist() for each in (x, without_codes))
    added = (high[0] - high[1]) - (low[0] - low[1])
    assert sum(found.scores.values()) == pytest.approx(added, abs=0.02 + 0.02 * abs(added))
    assert found.completeness_gap == pytest.approx(added - sum(found.scores.values()), abs=1e-4)
    assert found.constant + found.bias + found.error == pytest.approx(low[0] - low[1], abs=1e-4)


def test_integrated_scores_are_sixteen_midpoints_of_slow_gradients(scene):
    model, sae, seen = scene
    found = attribute(model, sae, seen, 2, against=0, view=View.INTEGRATED)
    z, x = seen.codes.dense()[0], seen.activations
    scale, _ = scales(sae, x[0])
    expected = torch.zeros(64)
    held = x[0] - scale[:, None] * (z @ sae.dictionary)
    for step in range(16):
        leaf = (z * (step + 0.5) / 16).requires_grad_()
        logits = model.logits((held + scale[:, None] * (leaf @ sae.dictionary))[None])[0]
        (slope,) = torch.autograd.grad(logits[2] - logits[0], leaf)
        expected += (slope * z).sum(dim=0) / 16
    for component, score in found.scores.items():
        assert score == pytest.approx(expected[component].item(), abs=1e-4)


def test_leaving_one_out_is_scaling_it_to_zero(scene):
    model, sae, seen = scene
    found = attribute(model, sae, seen, 0, against=1, view=View.ABLATION)
    everywhere = [attribute(model, sae, seen, 0, against=1).scores, found.scores]
    assert len(found.scores) == (min(32, len(everywhere[0])) if not model.is_last else len(everywhere[0]))
    for component, effect in found.scores.items():
        without = steer(model, sae, seen, SteeringPlan((Edit(component),))).prediction
        assert effect == pytest.approx(seen.clean.margin(0, 1) - without.margin(0, 1), abs=1e-4)
    some = found.components[:3]
    assert leave_one_out(model, sae, seen, 0, 1, some) == pytest.approx(
        {each: found.scores[each] for each in some}, abs=1e-5
    )


def test_the_effect_of_the_error_and_of_all_others_is_measured_too(scene):
    model, sae, seen = scene
    found = attribute(model, sae, seen, 0, against=1, view=View.ABLATION, top=3)
    x, clean = seen.activations, seen.clean.margin(0, 1)
    rebuilt = sae.decode(seen.codes, at=x)
    logits = model.logits(rebuilt)[0].tolist()
    assert found.error == pytest.approx(clean - (logits[0] - logits[1]), abs=1e-4)
    if not model.is_last:
        ranked = sorted(attribute(model, sae, seen, 0, against=1).scores.items(), key=lambda each: -abs(each[1]))
        assert set(found.scores) == {component for component, _ in ranked[:3]}
        others = SteeringPlan(tuple(Edit(each) for each in seen.codes.active() if each not in found.scores))
        without = steer(model, sae, seen, others).prediction
        assert found.other == pytest.approx(clean - without.margin(0, 1), abs=1e-4)


def test_a_component_that_is_not_active_has_no_effect(tiny_model, tiny_sae, pixels):
    seen = look(tiny_model, tiny_sae, pixels[:1])
    silent = [each for each in range(64) if each not in seen.codes.active()]
    loud = seen.codes.active()[0]
    effects = leave_one_out(tiny_model, tiny_sae, seen, 0, 1, [*silent, loud])
    assert {each: effects[each] for each in silent} == dict.fromkeys(silent, 0.0)
    assert effects[loud] != 0


def test_the_runner_up_is_the_default_opponent(scene):
    model, sae, seen = scene
    first, second, third = seen.clean.ranked
    assert attribute(model, sae, seen, first).against == second
    assert attribute(model, sae, seen, third).against == first


def test_components_are_listed_by_score_and_ranked_by_size(scene):
    found = attribute(*scene, 0)
    listed = [found.scores[each] for each in found.components]
    assert listed == sorted(listed, reverse=True)
    sizes = [abs(found.scores[each]) for each in found.ranked()]
    assert sizes == sorted(sizes, reverse=True)
    assert found.ranked(3) == found.ranked()[:3]
    short = sum(found.scores[each] for each in found.ranked(3)) + found.beyond(found.ranked(3))
    assert short == pytest.approx(sum(found.scores.values()) + found.other)


def test_the_explained_share_is_what_components_carry_beside_the_error(scene):
    found = attribute(*scene, 0)
    sizes = sum(abs(score) for score in found.scores.values())
    assert found.explained_share == pytest.approx(sizes / (sizes + abs(found.error)))


def test_the_activation_is_the_greatest_code(scene):
    model, _, seen = scene
    found = attribute(*scene, 0)
    dense = seen.codes.dense()[0, :1] if model.is_last else seen.codes.dense()[0]
    for component, code in found.activation.items():
        column = dense[:, component]
        assert code == column[column != 0].max().item()


@dataclass
class LinearHead:
    """Two labels read off the sum of all tokens by a fixed matrix: every account of it is exact."""

    weight: Tensor
    labels: tuple[str, ...] = ("yes", "no")

    def pixels(self, image):
        return torch.as_tensor(image, dtype=torch.float32)[None]

    def activations(self, pixels):
        return pixels.flatten(1)[:, :40].view(-1, 5, 8)

    def logits(self, activations):
        return activations.sum(dim=1) @ self.weight


def test_scores_sum_to_what_the_dictionary_adds_to_the_logit():
    draw = torch.Generator().manual_seed(3)
    model = LinearHead(torch.randn(8, 2, generator=draw))
    rows = torch.randn(16, 8, generator=draw)
    sae = SparseAutoencoder(rows, torch.zeros(16), rows, torch.zeros(8), convention=Convention(Relu()))
    seen = look(model, sae, torch.randn(1, 3, 3, 5, generator=draw))
    z = seen.codes.dense()[0]
    pull = model.weight[:, 0] - model.weight[:, 1]
    added = (z @ rows @ pull).sum().item()
    for view in (View.GRADIENT, View.INTEGRATED):
        found = attribute(model, sae, seen, 0, view=view)
        assert sum(found.scores.values()) == pytest.approx(added, rel=1e-4)
        assert found.completeness_gap == pytest.approx(0, abs=1e-3)
    one = leave_one_out(model, sae, seen, 0, 1, [2])[2]
    assert one == pytest.approx((z[:, 2].sum() * (rows[2] @ pull)).item(), abs=1e-3)


def test_rank_agreement_has_hand_made_values():
    rising = [1.0, 2.0, 3.0, 4.0]
    assert spearman(rising, [10.0, 20.0, 30.0, 40.0]) == pytest.approx(1)
    assert spearman(rising, rising[::-1]) == pytest.approx(-1)
    assert spearman([1.0, 2.0, 3.0], [1.0, 3.0, 2.0]) == pytest.approx(0.5)  # 1 - 6 * 2 / (3 * 8)
    assert spearman([1.0, 2.0, 2.0, 3.0], rising) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert math.isnan(spearman([1.0], [1.0]))
    assert math.isnan(spearman([1.0, 1.0], [1.0, 2.0]))


def test_gradient_and_ablation_agree_with_themselves(scene):
    model, sae, seen = scene
    gradient = attribute(model, sae, seen, 0)
    assert agreement(gradient, gradient.scores) == pytest.approx(1)
    effects = attribute(model, sae, seen, 0, view=View.ABLATION).scores
    assert -1 <= agreement(gradient, effects) <= 1


def test_attribution_leaves_no_trace(scene):
    model, sae, seen = scene
    before = seen.activations.clone()
    for view in (View.GRADIENT, View.INTEGRATED, View.ABLATION):
        attribute(model, sae, seen, 0, view=view)
    assert torch.equal(seen.activations, before)
    assert not seen.activations.requires_grad
    assert all(weight.grad is None for weight in model.network.parameters())


@pytest.mark.parametrize(
    ("target", "against", "said"), [(3, None, "Class 3"), (0, 0, "against itself"), (0, -1, "Class -1")]
)
def test_a_class_that_is_not_there_is_refused(tiny_model, tiny_sae, pixels, target, against, said):
    with pytest.raises(TillerError, match=said):
        attribute(tiny_model, tiny_sae, look(tiny_model, tiny_sae, pixels[:1]), target, against=against)


def test_a_margin_takes_two_classes(tiny_model, tiny_sae, pixels):
    alone = tiny_model.labelled(["apple"])
    with pytest.raises(TillerError, match="takes two"):
        attribute(alone, tiny_sae, look(alone, tiny_sae, pixels[:1]), 0)


def test_a_removed_component_has_no_map(tiny_model, tiny_sae, pixels):
    found = attribute(tiny_model, tiny_sae, look(tiny_model, tiny_sae, pixels[:1]), 0, view=View.ABLATION)
    with pytest.raises(TillerError, match="has no map"):
        found.patches(found.components[0])


def test_clean_scopes_do_not_matter_to_removal(tiny_model, tiny_sae, pixels):
    seen = look(tiny_model, tiny_sae, pixels[:1])
    component = seen.codes.active()[0]
    everywhere = steer(tiny_model, tiny_sae, seen, SteeringPlan((Edit(component, scope=Scope.ALL),)))
    assert everywhere == steer(tiny_model, tiny_sae, seen, SteeringPlan((Edit(component),)))
