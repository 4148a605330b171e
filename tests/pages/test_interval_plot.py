"""Intervals on one axis: each mark where its number says, and words where there is no number."""

from __future__ import annotations

import re

import pytest

from pages.parts.interval_plot import figures_table, why_no_intervals
from study.agreement import NOT_TWO, ONE_PERSON, ONE_VALUE, Agreement, Figure
from study.coder_agreement import Compared, Comparison


def comparison(kappa: Figure, alpha: Figure) -> Comparison:
    found = Agreement(units=40, participants=8, observed=Figure(value=0.9), kappa=kappa, alpha=alpha)
    rows = [
        Compared(of="surprise", layer="theme", code="c1", prevalence=0.004, agreement=found),
        Compared(of="doubt & <b>", layer="theme", code="c2", prevalence=0.0, agreement=found),
    ]
    return Comparison(
        study="demo", coders=("Ada", "Ben"), version=1, seed=1, replicates=2000, rows=tuple(rows), units=()
    )


def test_each_mark_stands_where_its_number_says() -> None:
    kappa, alpha = Figure(value=0.5, low=-0.1, high=1.0), Figure(value=0.2, low=-0.2, high=0.4)
    drawn = figures_table(comparison(kappa, alpha), {"c1": "#112233"})
    # the axis runs from -0.2 to 1
    places = {
        kind: [float(x) for x in re.findall(rf'{kind}" style="left:([-\d.]+)%', drawn)]
        for kind in ("dot kappa", "dot alpha")
    }
    assert places == {"dot kappa": [pytest.approx(58.33)], "dot alpha": [pytest.approx(33.33)]}
    (whisker,) = re.findall(r'whisker kappa" style="left:([\d.]+)%;width:([\d.]+)%', drawn)
    assert [float(one) for one in whisker] == [pytest.approx(8.33), pytest.approx(91.67)]
    assert "0.50<small>−0.10 to 1.00</small>" in drawn
    assert "#112233" in drawn and "&lt;1%" in drawn
    assert "Given by nobody: doubt &amp; &lt;b&gt;." in drawn


def test_what_is_undefined_says_why_and_draws_nothing() -> None:
    none = Figure(value=None, reason=ONE_VALUE)
    drawn = figures_table(comparison(none, none), {})
    assert "one value alone was given: undefined" in drawn
    assert 'dot kappa" style' not in drawn
    assert ONE_VALUE in drawn, "the reason stands at the number too"


def test_nothing_is_minus_nothing() -> None:
    drawn = figures_table(comparison(Figure(value=-0.001, low=-0.004, high=0.0), Figure(value=0.0)), {})
    assert "0.00<small>0.00 to 0.00</small>" in drawn
    assert "−0.00" not in drawn


def test_the_key_promises_only_what_is_drawn() -> None:
    with_interval, without = Figure(value=0.5, low=0.1, high=0.9), Figure(value=0.5, why_no_interval=ONE_PERSON)
    both = comparison(with_interval, with_interval)
    assert "each with its 95 % interval" in figures_table(both, {})
    assert why_no_intervals(both) is None

    one_person = comparison(without, without)
    drawn = figures_table(one_person, {})
    assert "Cohen's kappa" in drawn and "interval" not in drawn.replace("intervals", "") and "whisker" not in drawn
    assert why_no_intervals(one_person) == ONE_PERSON

    three_coders = figures_table(comparison(Figure(value=None, reason=NOT_TWO), with_interval), {})
    assert "Cohen" not in three_coders and "Krippendorff's alpha, with its 95 % interval" in three_coders
