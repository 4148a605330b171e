"""Deletion and insertion: curves that a slow loop of steering draws the same, for every order."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.accounts import gradient
from core.attribution import attribute
from core.convention import Convention, TopK
from core.faithfulness import KS, curves
from core.steering import look, steer
from core.types import Edit, SteeringPlan, TillerError, View


@pytest.fixture(scope="module", params=[-1, -2], ids=["last block", "block before"])
def scene(request, make_clip, make_sae, pixels):
    model = make_clip(block=request.param)
    sae = make_sae(model, Convention(TopK(12)))
    return model, sae, [look(model, sae, pixels[each : each + 1]) for each in range(4)]


def margin_without(model, sae, seen, components):
    target, against = seen.clean.ranked[:2]
    plan = SteeringPlan(tuple(Edit(each) for each in components))
    return steer(model, sae, seen, plan).prediction.margin(target, against)


def active(model, seen):
    return (seen.codes.of_class_token() if model.is_last else seen.codes).active()


def test_curves_are_what_steering_step_by_step_draws(scene):
    model, sae, looks = scene
    (found,) = curves(model, sae, looks, orders=["gradient"])
    assert found.left_out + found.pictures == 4
    deletion, insertion = [], []
    for seen in looks:
        target = seen.clean.ranked[0]
        scores = attribute(model, sae, seen, target, view=View.GRADIENT).scores
        ranked = sorted(scores, key=lambda each: (-scores[each], each))
        full, empty = margin_without(model, sae, seen, []), margin_without(model, sae, seen, active(model, seen))
        if full - empty < 0.05:
            continue
        out = [margin_without(model, sae, seen, ranked[:k]) for k in KS]
        alone = [margin_without(model, sae, seen, ranked[k:]) for k in KS]
        deletion.append([(each - empty) / (full - empty) for each in out])
        insertion.append([(each - empty) / (full - empty) for each in alone])
    assert found.deletion == pytest.approx(np.mean(deletion, axis=0), abs=2e-3)
    assert found.insertion == pytest.approx(np.mean(insertion, axis=0), abs=2e-3)


def test_every_order_starts_and_ends_at_the_same_points(scene):
    model, sae, looks = scene
    for found in curves(model, sae, looks):
        assert found.deletion[0] == pytest.approx(1, abs=1e-4)
        assert found.insertion[0] == pytest.approx(0, abs=1e-4)
        assert found.deletion[-1] == pytest.approx(0, abs=1e-4)  # fewer than 64 are ever active here
        assert found.insertion[-1] == pytest.approx(1, abs=1e-4)


def test_all_orders_are_there_and_the_exact_one_only_after_the_last_block(scene):
    model, sae, looks = scene
    orders = [found.order for found in curves(model, sae, looks)]
    everywhere = ["gradient", "integrated", "ablation", "activation", "random"]
    assert orders == (["exact", *everywhere] if model.is_last else everywhere)


def test_the_true_effects_agree_with_themselves(scene):
    model, sae, looks = scene
    (found,) = curves(model, sae, looks, orders=["ablation"])
    assert found.spearman == pytest.approx(1)
    assert found.top5 == 1


def test_the_true_effects_delete_faster_than_chance(scene):
    model, sae, looks = scene
    ablation, random = curves(model, sae, looks, orders=["ablation", "random"])
    assert ablation.insertion_area.value > random.insertion_area.value
    assert ablation.deletion_area.value < random.deletion_area.value


def test_an_area_is_the_trapezium_over_log_k_and_lies_in_its_interval(scene):
    model, sae, looks = scene
    for found in curves(model, sae, looks):
        along = [math.log(1 + k) / math.log(65) for k in KS]
        steps = zip(along, along[1:], found.insertion, found.insertion[1:], strict=False)
        by_hand = sum((b - a) * (low + high) / 2 for a, b, low, high in steps)
        assert found.insertion_area.value == pytest.approx(by_hand)
        assert found.insertion_area.low <= found.insertion_area.value <= found.insertion_area.high


def test_the_same_seed_gives_the_same_report(scene):
    model, sae, looks = scene
    assert curves(model, sae, looks, seed=4) == curves(model, sae, looks, seed=4)


@pytest.mark.parametrize(("orders", "said"), [(["zebra"], "zebra"), (["gradient", "exact"], "exact were asked for")])
def test_an_order_that_is_not_there_is_refused(make_clip, make_sae, pixels, orders, said):
    model = make_clip(block=-2)
    sae = make_sae(model, Convention(TopK(12)))
    with pytest.raises(TillerError, match=said):
        curves(model, sae, [look(model, sae, pixels[:1])], orders=orders)


def test_curves_take_two_classes(make_clip, make_sae, pixels):
    model = make_clip(block=-2, labels=("apple",))
    sae = make_sae(model, Convention(TopK(12)))
    with pytest.raises(TillerError, match="takes two"):
        curves(model, sae, [look(model, sae, pixels[:1])])


def test_pictures_that_the_codes_do_not_move_are_left_out_and_counted(make_clip, make_sae, pixels):
    model = make_clip(block=-2)
    sae = make_sae(model, Convention(TopK(12)))
    sae.dictionary.data *= 0  # a dictionary that says nothing
    (found,) = curves(model, sae, [look(model, sae, pixels[:1])], orders=["random"])
    assert (found.pictures, found.left_out) == (0, 1)
    assert math.isnan(found.deletion_area.value)


def test_a_component_whose_true_effect_was_not_tried_stands_where_code_times_gradient_puts_it(scene, monkeypatch):
    model, sae, looks = scene

    def worst(cut):
        scores = gradient(cut).scores
        return sorted(scores, key=lambda each: scores[each])[:2]

    monkeypatch.setattr("core.faithfulness.screened", worst)
    tried, guessed = curves(model, sae, looks, orders=["ablation", "gradient"])
    assert tried.pictures
    assert tried.insertion[:3] == pytest.approx(guessed.insertion[:3])  # the two that were tried come last, not first
