"""The verdict on a dictionary follows from its figures, and the tables say on how many pictures these rest."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.console import Console, Group

from core.faithfulness import LEAST_RANGE
from study.trust import FEWEST, basis_of, figure_text, trust_in
from study.workshop.health import health_tables


def curve(order: str, put_in: tuple[float, float, float], taken_out: tuple[float, float, float], **more: int) -> Any:
    areas = [dict(zip(("value", "low", "high"), each, strict=True)) for each in (put_in, taken_out)]
    return {"order": order, "insertion_area": areas[0], "deletion_area": areas[1], "pictures": 29, "left_out": 3} | more


def health(**more: Any) -> dict[str, Any]:
    chosen = {"explained": 0.96, "normalisation": "none", "pre_bias": True}
    return {
        "dictionary": "cls",
        "block": 11,
        "model": "ViT-B-32",
        "components": 49152,
        "images": 320,
        "verdict": "as stated",
        "decision": {"explained": 0.96, "floor": 0.5, "corrected": False, "chosen": chosen, "candidates": [chosen]},
        "published": [{"name": "explained", "published": 0.95, "tolerance": 0.05, "met": True}],
        "figures": {"explained": 0.96, "l0_class": 64.0},
        "curves": [
            curve("random", (0.2, 0.1, 0.3), (0.8, 0.7, 0.9)),
            curve("exact", (0.9, 0.8, 1.0), (0.1, 0.0, 0.2)),
        ],
        "error_share": [0.0] * 11,
        "speeds": {"look": 3.0},
    } | more


def shown(found: dict[str, Any], width: int = 80) -> str:
    screen = Console(width=width)
    with screen.capture() as told:
        screen.print(Group(*health_tables(found)))
    return told.get()


def test_all_that_was_measured_well_can_be_trusted():
    assert trust_in(health()) == (
        "cls: it can be trusted with how its weights are read (it passed the gate, as stated; 96.0 % explained today, "
        "floor 50 %), its published figures (1 of 1 met), and which components move a prediction (put in by exact view "
        "0.90, at random 0.20, intervals apart)."
    )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"verdict": "not gated"}, "nothing here shows that its weights are read rightly (it never passed the gate"),
        ({"published": []}, "nothing here shows that it is as published (nothing was published of it)"),
        (
            {"published": [{"name": "l0_class", "published": 9, "tolerance": 1, "met": False}]},
            "not with its published figures (1 of 1 missed: codes of the class token)",
        ),
        ({"curves": []}, "nothing here shows which components move a prediction (no order of them was tried)"),
    ],
)
def test_each_figure_that_lacks_or_fails_is_named(changed, sentence):
    assert sentence in trust_in(health(**changed))


def test_a_dictionary_below_the_floor_today_is_not_trusted_whatever_its_file_says():
    low = health()["decision"] | {"explained": 0.31}
    assert "not with how its weights are read (31.0 % explained today, floor 50 %)" in trust_in(health(decision=low))
    other = health()["decision"] | {"corrected": True}
    assert "not with how its weights are read (another reading" in trust_in(health(decision=other))


@pytest.mark.parametrize("kind", ["insertion", "deletion"])
def test_an_order_is_trusted_only_where_both_intervals_are_apart_from_random(kind):
    close = {"insertion": ((0.9, 0.29, 1.0), (0.1, 0.0, 0.2)), "deletion": ((0.9, 0.8, 1.0), (0.1, 0.0, 0.71))}[kind]
    found = health(curves=[health()["curves"][0], curve("exact", *close)])
    assert "not with which components move a prediction" in trust_in(found)
    assert "intervals not apart" in trust_in(found)


def test_before_the_last_block_the_order_by_gradient_is_held_against_random():
    found = health(curves=[health()["curves"][0], curve("gradient", (0.7, 0.6, 0.8), (0.1, 0.0, 0.2))])
    assert "put in by code × gradient 0.70, at random 0.20, intervals apart" in trust_in(found)


def test_an_order_seen_on_too_few_pictures_is_left_open():
    few = [one | {"pictures": FEWEST - 1, "left_out": 23} for one in health()["curves"]]
    assert f"(only {FEWEST - 1} of 32 pictures can tell, {FEWEST} are needed)" in trust_in(health(curves=few))


def test_how_many_pictures_the_curves_rest_on_is_said_with_the_codes_range_that_the_engine_takes():
    assert basis_of(health()).startswith("over 29 of 32 pictures; 3 left out")
    assert f"less than {LEAST_RANGE} logits" in basis_of(health())
    told = shown(health())
    assert "Faithfulness over 29 of 32 pictures" in told.replace("\n", " ")
    assert re.search(r"exact view +│ +29 │ +0\.90 \(0\.80 to 1\.00\) │ +0\.10 \(0\.00 to 0\.20\)", told)


def test_a_column_of_published_figures_stands_only_where_there_are_some():
    assert "published" in shown(health()) and "95.0 % ± 5.0 %" in shown(health())
    assert "published" not in shown(health(published=[]))
    assert "not measured" in shown(health(published=[{"name": "x", "published": 1, "tolerance": 0, "met": False}]))


def test_figures_have_as_many_digits_as_mean_something():
    said = [figure_text(*each) for each in (("l0_class", 64.04), ("cosine", 0.99511), ("explained", 0.9642))]
    assert said == ["64.0", "0.995", "96.4 %"]
    assert (figure_text("explained", -34.1), figure_text("explained", None)) == ("under -100 %", "none")
