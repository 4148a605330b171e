"""What the overview sums up over many pictures is what plain loops over the whole model find."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from conventions import AT_BOTH_BLOCKS, CONVENTIONS, labelled
from scipy.sparse import csr_array

from core.difference import newcombe
from core.overview.members import mean_scores, members, over_represented, told_apart
from core.overview.shares import Shares, share_out
from core.overview.slices import rand_index, slice_failures
from core.overview.trials import choose_repair, halves, picked, repairing
from core.ripple import build_reference
from core.types import Rate, TillerError, View

N = 12


@pytest.fixture(scope="module", params=AT_BOTH_BLOCKS, ids=str)
def world(request, make_clip, make_sae):
    name, block = request.param
    model = make_clip(block=block)
    sae = make_sae(model, CONVENTIONS[name])
    pictures, _, reference = labelled(model, sae, N, at_once=5)
    return model, sae, pictures, reference


def through_hooks(model, sae, picture, said, against):
    """Each component's share of one margin: the whole network with a hook that rebuilds the block's output from codes.

    The codes are a leaf; what they do not rebuild is held. After the last block the readout is frozen instead, and
    each component's direction is put through it on its own.
    """
    kept = {}

    def rebuilt(block, inputs, output):
        x = output[0].detach()
        codes = sae.encode(x[None]).dense()[0]
        scale = sae.frame(x)[0].detach()
        kept["codes"] = codes.clone().requires_grad_()
        part = scale * (kept["codes"] @ sae.dictionary)
        kept["scale"], kept["x"] = scale, x
        return (x + part - part.detach())[None]

    with torch.enable_grad():
        handle = model.visual.transformer.resblocks[model.block].register_forward_hook(rebuilt)
        try:
            vector = model.network.encode_image(picture[None])
        finally:
            handle.remove()
        logits = model.network.logit_scale.exp() * torch.nn.functional.normalize(vector, dim=-1) @ model.text.T
        margin = logits[0, said] - logits[0, against]
        if not model.is_last:
            (slope,) = torch.autograd.grad(margin, kept["codes"])
            return (kept["codes"] * slope).sum(dim=0).detach(), margin.item()
    x = kept["x"][0].double()
    deviation, length = (x.var(unbiased=False) + 1e-5).sqrt(), vector.norm().double()
    gain, proj = model.visual.ln_post.weight.double(), model.visual.proj.double()
    pull = model.network.logit_scale.exp().double() * (model.text[said] - model.text[against]).double()
    rows = sae.dictionary.double()
    given = ((rows - rows.mean(dim=1, keepdim=True)) / deviation * gain) @ proj @ pull / length
    return (kept["codes"][0].double() * kept["scale"][0, 0] * given).detach(), margin.item()


def test_every_share_is_that_of_the_whole_model_with_a_hook(world):
    model, sae, pictures, reference = world
    if sae.convention.tokens == "patches" and model.is_last:
        pytest.skip("no token of this dictionary can reach the prediction")
    shares = share_out(model, sae, reference)
    assert (shares.view is View.EXACT) == model.is_last
    dense = shares.scores.toarray()
    for place in range(N):
        with torch.no_grad():
            logits = model.logits(model.activations(pictures[place : place + 1]))[0]
        said, runner_up = logits.argsort(descending=True)[:2].tolist()
        truth = reference.truth[place]
        against = truth if truth != said else runner_up
        assert (shares.said[place], shares.against[place]) == (said, against)
        own, margin = through_hooks(model, sae, pictures[place], said, against)
        assert shares.margin[place] == pytest.approx(margin, abs=1e-4)
        assert dense[place] == pytest.approx(own.double().numpy(), abs=2e-5)


def test_a_mean_is_a_loop_over_the_pictures_of_its_group(world):
    model, sae, _, reference = world
    shares = share_out(model, sae, reference)
    inside = shares.truth == 1
    signs = np.where(shares.wrong, -1.0, 1.0)
    means = mean_scores(shares, inside, signs)
    dense, codes = shares.scores.toarray(), reference.codes.dense()
    if model.is_last and model.reads_class_token:
        codes = codes[:, :1]
    chosen = np.argsort(-np.abs(means))[:5].tolist()
    for each, found in zip(chosen, members(shares, inside, ~inside, signs, chosen, 0, shown=1), strict=True):
        own = [(-1 if shares.said[n] != shares.truth[n] else 1) * dense[n, each] for n in range(N) if inside[n]]
        rest = [(-1 if shares.said[n] != shares.truth[n] else 1) * dense[n, each] for n in range(N) if not inside[n]]
        assert means[each] == pytest.approx(sum(own) / len(own), abs=1e-12)
        assert found.mean.value == pytest.approx(sum(own) / len(own), abs=1e-12)
        assert found.contrast.value == pytest.approx(sum(own) / len(own) - sum(rest) / len(rest), abs=1e-12)
        assert found.mean.low <= found.mean.value <= found.mean.high
        fires = [bool((codes[n, :, each] != 0).any()) for n in range(N)]
        assert found.active == Rate(sum(fires[n] for n in range(N) if inside[n]), int(inside.sum()))
        assert found.elsewhere == Rate(sum(fires[n] for n in range(N) if not inside[n]), int((~inside).sum()))
        peaks = [codes[n, :, each].max().item() if fires[n] else 0.0 for n in range(N)]
        wins = [
            1.0 if peaks[n] > peaks[m] else 0.5 if peaks[n] == peaks[m] else 0.0
            for n in range(N)
            for m in range(N)
            if inside[n] and not inside[m]
        ]
        assert found.told.value == pytest.approx(sum(wins) / len(wins), abs=1e-12)


def test_the_bootstrap_interval_of_a_mean_is_that_of_the_central_limit():
    draw = np.random.default_rng(3)
    values = draw.normal(2.0, 1.0, 400)
    shares = planted(values[:, None], said=[1] * 400, truth=[1] * 400)
    every = np.ones(400, bool)
    (found,) = members(shares, every, ~every, np.ones(400), [0], 0)
    half = 1.96 * values.std(ddof=1) / math.sqrt(400)
    assert found.mean.low == pytest.approx(values.mean() - half, abs=0.25 * half)
    assert found.mean.high == pytest.approx(values.mean() + half, abs=0.25 * half)


def test_the_interval_of_an_area_is_worked_by_hand():
    """Hanley and McNeil (1982): area 8/9 over 3 and 3, Q1 = A / (2 - A), Q2 = 2 A^2 / (1 + A)."""
    found = told_apart(np.array([3.0, 2.0, 5.0]), np.array([1.0, 0.0, 2.5]))
    area = 8 / 9
    variance = (area * (1 - area) + 2 * (area / (2 - area) - area**2) + 2 * (2 * area**2 / (1 + area) - area**2)) / 9
    assert found.value == pytest.approx(area)
    assert found.low == pytest.approx(area - 1.959964 * math.sqrt(variance))
    assert found.high == 1.0


def test_what_is_over_represented_stands_every_comparison():
    strengths = np.zeros((60, 40))
    draw = np.random.default_rng(0)
    strengths[draw.random(strengths.shape) < 0.3] = 1
    strengths[:20, 7], strengths[20:, 7] = 1, 0
    truth = [0] * 20 + [1] * 40
    shares = planted(strengths, said=truth, truth=truth)
    inside = shares.truth == 0
    found, compared = over_represented(shares, inside, ~inside, 8)
    assert [each.component for each in found] == [7]
    assert compared == int((strengths[:20] > 0).any(axis=0).sum())
    low = newcombe(np.array([20]), 20, np.array([0]), 40, z=3.2272)[1][0]  # the normal quantile at 1 - 0.025 / 40
    assert found[0].more.low == pytest.approx(low, abs=1e-3)


def planted(values, *, said, truth):
    """Shares without a model: `values` are scores, and strengths where they are above 0."""
    table = csr_array(np.asarray(values, dtype=float))
    strong = csr_array(np.abs(np.asarray(values, dtype=float)))
    count, size = table.shape
    said, truth = np.array(said), np.array(truth)
    return Shares(View.GRADIENT, said, truth, truth, np.ones(count), np.zeros(count), table, strong, strong, size)


def test_planted_groups_of_failures_are_found_and_what_is_alike_to_none_stays_alone():
    draw = np.random.default_rng(1)
    causes = [0] * 14 + [1] * 9 + [2] * 6
    values = np.zeros((60, 30))
    values[:, 20:] = draw.gamma(1.0, 0.5, (60, 10))  # what fires everywhere and says nothing
    for row, cause in enumerate(causes):
        values[row, 3 * cause : 3 * cause + 3] = draw.gamma(4.0, 0.5, 3)
    values[29, 15] = 9.0
    truth = [1] * 60
    shares = planted(values, said=[0] * 30 + [1] * 30, truth=truth)
    found = slice_failures(shares, seed=5)
    assert [sorted(each) for each in found.groups] == [list(range(14)), list(range(14, 23)), list(range(23, 29))]
    assert found.alone == (29,)
    assert found.stability >= 0.95
    assert slice_failures(shares, seed=5) == found


def test_failures_that_share_nothing_are_put_into_no_group():
    draw = np.random.default_rng(2)
    values = np.zeros((80, 480))
    for row in range(40):
        values[row, 12 * row : 12 * row + 12] = draw.gamma(1.0, 1.0, 12)
    shares = planted(values, said=[0] * 40 + [1] * 40, truth=[1] * 80)
    found = slice_failures(shares)
    assert found.groups == ()
    assert len(found.alone) == 40


def test_the_adjusted_rand_index_is_worked_by_hand():
    """Pairs together in both 2, in one 4 and 4, of 15: expected 16/15, greatest 4."""
    one, two = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 0])
    both, first, second = 2, 4, 6
    expected = first * second / 15
    assert rand_index(one, two) == pytest.approx((both - expected) / ((first + second) / 2 - expected))
    assert rand_index(one, one) == 1.0


def test_halves_share_no_picture_and_a_trial_is_measured_on_what_it_was_not_chosen_on(world):
    model, sae, _, reference = world
    shares = share_out(model, sae, reference)
    choose, measure = halves(range(N), 3)
    assert sorted((*choose, *measure)) == list(range(N))
    places = np.flatnonzero(shares.wrong).tolist()
    asked = []

    def among(some):
        asked.append(tuple(some))
        return list(range(sae.size))

    trial = repairing(model, sae, reference, shares, places, among=among, seed=0)
    assert set(asked[0]) < set(places)
    if trial is not None:
        assert trial.chosen == asked[0]
        assert not set(trial.chosen) & set(trial.measured)
        assert set(trial.chosen) | set(trial.measured) == set(places)


def test_picked_pictures_are_those_of_a_set_of_their_own(world):
    model, sae, pictures, reference = world
    places = [1, 4, 9]
    own = build_reference(model, sae, [pictures[places]], [reference.truth[each] for each in places], ["a", "b", "c"])
    found = picked(reference, places)
    assert torch.allclose(found.activations, own.activations, atol=1e-5)
    assert torch.equal(found.codes.dense() != 0, own.codes.dense() != 0)
    assert torch.allclose(found.codes.dense(), own.codes.dense(), atol=1e-5)
    assert found.truth == own.truth


def test_no_single_suppression_beats_those_that_are_chosen_and_none_of_them_is_idle(make_clip, make_sae):
    model = make_clip(block=-1)
    sae = make_sae(model, CONVENTIONS["topk"])
    pictures = torch.randn(N, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    reference = build_reference(model, sae, [pictures], [0] * N, list("abcdefghijkl"))
    truth = np.zeros(N, int)
    found = choose_repair(model, sae, reference, truth, list(range(sae.size))[:12])

    def deficit(components):
        dense = reference.codes.dense()[:, 0]
        gone = (dense[:, components] @ sae.dictionary[components])[:, None]
        logits = model.logits(reference.activations - gone)
        return (logits.max(dim=1).values - logits[:, 0]).clamp_min(0).mean().item()

    alone = min(range(12), key=lambda each: deficit([each]))
    assert deficit(list(found)) <= deficit([alone]) + 1e-6
    assert all(deficit(list(found)) < deficit([other for other in found if other != each]) + 1e-6 for each in found)


def test_a_model_of_one_class_is_refused(world):
    model, sae, _, reference = world
    one = replace(reference, labels=("apple",), truth=(0,) * N)
    with pytest.raises(TillerError, match="takes two"):
        share_out(model.labelled(("apple",)), sae, one)
