"""The waterfall adds up to the margin: in its values, in what it prints, and by passes that share nothing with it."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.accounts import STEPS, Dissection, integrated
from core.attribution import Attribution, attribute
from core.convention import Convention, LayerNorm, Relu, TopK
from core.steering import look
from core.types import TillerError, View
from core.waterfall import NOTICED, SHOWN, hundredths, waterfall

CONVENTIONS = {"topk": Convention(TopK(8)), "relu, layer norm": Convention(Relu(), LayerNorm())}


@pytest.fixture(scope="module", params=CONVENTIONS.values(), ids=CONVENTIONS)
def last(request, make_clip, make_sae, pixels):
    model = make_clip(block=-1)
    torch.nn.init.normal_(model.visual.ln_post.bias, std=0.3)
    sae = make_sae(model, request.param)
    return model, sae, look(model, sae, pixels[:1])


@pytest.fixture(scope="module", params=CONVENTIONS.values(), ids=CONVENTIONS)
def below(request, make_clip, make_sae, pixels):
    model = make_clip(block=-2)
    sae = make_sae(model, request.param)
    return model, sae, look(model, sae, pixels[:1])


def passed(model, activations, target, against):
    """The margin by the model's own tower, from the cut to the logits."""
    logits = model.logits(activations)[0].double()
    return (logits[target] - logits[against]).item()


def whole(seen, target, against):
    return seen.clean.logits[target] - seen.clean.logits[against]


@pytest.mark.parametrize(("target", "against"), [(0, 1), (2, 0), (1, 2)])
def test_after_the_last_block_the_bars_sum_to_the_margin_of_a_full_pass(last, pixels, target, against):
    model, sae, seen = last
    drawn = waterfall(attribute(model, sae, seen, target, against=against, view=View.EXACT))
    text = torch.nn.functional.normalize(model.visual(pixels[:1]), dim=-1) @ (model.text[target] - model.text[against])
    full = (model.scale * text).item()
    assert math.fsum(bar.value for bar in drawn.bars) == pytest.approx(full, abs=1e-4)
    assert [bar.kind for bar in drawn.bars if bar.kind != "component"] == [
        *("constant", "bias"),
        *(["other"] if len(seen.codes.of_class_token().active()) > SHOWN else []),
        "error",
    ]
    assert drawn.printed == round(100 * full)
    assert sum(bar.printed for bar in drawn.bars) == drawn.printed


@pytest.mark.parametrize(("target", "against"), [(0, 1), (2, 0)])
def test_below_it_they_lead_from_the_margin_without_codes_to_the_margin(below, target, against):
    model, sae, seen = below
    drawn = waterfall(attribute(model, sae, seen, target, against=against, view=View.INTEGRATED), shown=3)
    x = seen.activations
    without = x - sae.decode(seen.codes, at=x) + sae.decode(replace(seen.codes, values=0 * seen.codes.values), at=x)
    bars = {bar.kind: bar for bar in drawn.bars}
    assert bars["zero"].value == pytest.approx(passed(model, without, target, against), abs=1e-4)
    gap = bars["gap"].value if "gap" in bars else 0.0
    assert "gap" in bars or abs(drawn.margin - math.fsum(bar.value for bar in drawn.bars)) < NOTICED
    added = math.fsum(bar.value for bar in drawn.bars if bar.kind in ("component", "other"))
    assert added + gap == pytest.approx(whole(seen, target, against) - bars["zero"].value, abs=NOTICED)
    assert bars["other"].count == len(seen.codes.active()) - 3
    assert sum(bar.printed for bar in drawn.bars) == drawn.printed == round(100 * whole(seen, target, against))


def test_components_stand_in_the_order_of_the_list_the_greatest_ones_alone(below):
    model, sae, seen = below
    account = attribute(model, sae, seen, 0, against=1, view=View.INTEGRATED)
    drawn = [bar for bar in waterfall(account, shown=5).bars if bar.kind == "component"]
    by_size = sorted(account.scores.items(), key=lambda each: -abs(each[1]))[:5]
    assert [(bar.component, bar.value) for bar in drawn] == sorted(by_size, key=lambda each: -each[1])


def test_a_view_that_promises_no_sum_has_no_waterfall(below):
    model, sae, seen = below
    with pytest.raises(TillerError, match="do not sum"):
        waterfall(attribute(model, sae, seen, 0, against=1, view=View.GRADIENT))


def test_integration_in_turns_gives_the_same_and_never_holds_one_long(below):
    model, sae, seen = below
    turns = []

    class Turn:
        def __enter__(self):
            turns.append(0)

        def __exit__(self, *_):
            pass

    cut = Dissection.of(model, sae, seen, 0, 1)
    alone, shared = integrated(cut), integrated(cut, Turn())
    assert shared.scores == alone.scores and shared.margin == alone.margin
    assert len(turns) == STEPS // 4 + 1


@given(st.lists(st.floats(-40, 40), min_size=1, max_size=24), st.data())
def test_printed_figures_sum_to_the_printed_total_and_each_is_less_than_a_hundredth_off(values, data):
    first = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    exact = [Fraction(value) for value in values]
    total = round(100 * sum(exact))
    figures = hundredths(values, total, first)
    assert sum(figures) == total
    assert all(abs(figure - 100 * value) <= 1 for figure, value in zip(figures, exact, strict=True))


def test_rounding_has_hand_made_values():
    assert hundredths([0.333, 0.333, 0.334], 100) == [33, 33, 34]
    assert hundredths([0.004, 0.004, 0.004], 1) == [1, 0, 0]
    assert hundredths([0.004, 0.004, 0.004], 1, [False, False, True]) == [0, 0, 1]  # a bar that no list prints as well
    assert hundredths([0.006, 0.006, 0.006, -0.001], 2) == [0, 1, 1, 0]
    assert hundredths([-0.333, -0.333, -0.334], -100) == [-33, -33, -34]


def scored(scores, error):
    return Attribution(
        view=View.EXACT,
        target=0,
        against=1,
        margin=sum(scores) + error,
        components=tuple(range(len(scores))),
        scores=dict(enumerate(scores)),
        activation=dict.fromkeys(range(len(scores)), 1.0),
        class_part={},
        patch_part={},
        other=0.0,
        bias=0.0,
        error=error,
        constant=0.0,
        grid=1,
        per_token=None,
    )


@pytest.mark.parametrize(
    ("scores", "error", "share", "explains"),
    [
        ([4.0, -3.0], 3.0, 0.7, True),  # 7 of 10, and the error is smaller than 4
        ([4.0, -2.9], 3.0, 6.9 / 9.9, False),  # under 70 %
        ([2.0] * 20, 2.1, 40 / 42.1, False),  # 95 %, and yet the error outweighs every component
        ([2.0] * 20, -2.0, 40 / 42, True),
        ([1.0], 0.0, 1.0, True),
    ],
)
def test_the_dictionary_explains_where_70_percent_is_carried_and_no_component_is_outweighed(
    scores, error, share, explains
):
    found = scored(scores, error)
    assert found.explained_share == pytest.approx(share)
    assert found.dictionary_explains is explains


def test_the_share_of_the_margin_is_never_read_off_it():
    """Signs cancel in a margin; the share is of absolute scores, so that it lies between 0 and 1."""
    found = scored([5.0, -5.0], 1.0)
    assert found.margin == 1.0
    assert found.explained_share == pytest.approx(10 / 11)
    assert not np.isnan(found.explained_share)
