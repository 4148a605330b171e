"""Agreement: the published examples, a slow count of pairs beside the fast sums, and a bootstrap over people."""

from __future__ import annotations

import math
import time
from collections import Counter
from fractions import Fraction
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.agreement import NO_PAIR, NOT_TWO, ONE_PERSON, ONE_VALUE, Ratings, agreement


def ratings(*coders: str) -> Ratings:
    """Rows of coders as the books print them, `.` missing; every unit is a participant's of its own."""
    rows = [[None if value == "." else value for value in unit] for unit in zip(*coders, strict=True)]
    return Ratings.of(rows, range(len(rows)))


@pytest.mark.parametrize(
    ("coders", "alpha"),
    [
        (("123321412...", "1233224125.3", ".3332342251.", "12332441251."), 0.743),
        ((".....34121133.3", "1.213343.......", "..21344.21133.4"), 0.691),
    ],
)
def test_nominal_alpha_is_that_of_the_published_examples(coders: tuple[str, ...], alpha: float) -> None:
    found = agreement(ratings(*coders), replicates=10)
    assert found.alpha.value == pytest.approx(alpha, abs=5e-4)
    assert (found.kappa.value, found.kappa.reason) == (None, NOT_TWO)


def test_kappa_of_the_fourfold_example_is_two_fifths() -> None:
    found = agreement(ratings("y" * 20 + "y" * 5 + "n" * 10 + "n" * 15, "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15))
    assert found.kappa.value == pytest.approx(0.4, abs=1e-12)
    assert found.observed.value == pytest.approx(0.7)
    assert found.units == 50


def pairs_counted(rows: list[list[str | None]]) -> tuple[Fraction | None, Fraction | None]:
    """Observed agreement and alpha, by going through all pairs one at a time in whole numbers."""
    coincidences: Counter[tuple[str, str]] = Counter()
    agreeing = pairs = Fraction(0)
    for row in rows:
        given_ = [value for value in row if value is not None]
        for one, other in permutations(given_, 2):
            coincidences[one, other] += Fraction(1, len(given_) - 1)  # pyright: ignore
            agreeing += one == other
            pairs += 1
    held: Counter[str] = Counter()
    for (one, _), count in coincidences.items():
        held[one] += count
    n = sum(held.values())
    unequal = sum(count for (one, other), count in coincidences.items() if one != other)
    chance = sum(held[one] * held[other] for one, other in permutations(held, 2))
    return agreeing / pairs if pairs else None, 1 - Fraction(n - 1) * unequal / chance if chance else None


units = st.lists(st.lists(st.none() | st.sampled_from("abc"), min_size=3, max_size=3), max_size=12)


@given(units)
def test_the_fast_sums_are_those_of_all_pairs_counted_one_at_a_time(rows: list[list[str | None]]) -> None:
    found = agreement(Ratings.of(rows, range(len(rows))), replicates=5)
    observed, alpha = pairs_counted(rows)
    for figure, wanted in ((found.observed, observed), (found.alpha, alpha)):
        if wanted is None:
            assert figure.value is None and figure.reason
        else:
            assert figure.value == pytest.approx(float(wanted), abs=1e-9)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=30))
def test_kappa_is_that_of_the_table_counted_by_hand(pairs: list[tuple[str, str]]) -> None:
    n = len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = Fraction(sum(first[kind] * second[kind] for kind in "abc"), n * n)
    found = agreement(Ratings.of(pairs, range(n)), replicates=5).kappa
    if chance == 1:
        assert (found.value, found.reason) == (None, ONE_VALUE)
    else:
        seen = Fraction(sum(one == other for one, other in pairs), n)
        assert found.value == pytest.approx(float((seen - chance) / (1 - chance)), abs=1e-9)


def test_scikit_learn_gives_the_same_kappa() -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    draw = Random(1)
    first, second = ([draw.choice("abcd") for _ in range(200)] for _ in range(2))
    found = agreement(Ratings.of(list(zip(first, second, strict=True)), range(200)), replicates=5)
    assert found.kappa.value == pytest.approx(metrics.cohen_kappa_score(first, second))


def test_a_single_category_is_no_agreement_but_undefined() -> None:
    found = agreement(ratings("aaaa", "aaaa"))
    assert found.observed.value == 1
    for figure in (found.kappa, found.alpha):
        assert (figure.value, figure.reason) == (None, ONE_VALUE)


def test_units_of_one_coder_alone_say_nothing() -> None:
    found = agreement(ratings("ab.", "..c"))
    assert found.units == 0
    assert {found.observed.reason, found.kappa.reason, found.alpha.reason} == {NO_PAIR}
    assert agreement(Ratings.of([], [])).alpha.reason == NO_PAIR


def test_the_interval_is_over_participants_and_not_over_units() -> None:
    # within a participant all units agree or none does: ten times the units tell nothing more
    def study(times: int) -> Ratings:
        rows = [("ab"[n % 2], "ab"[(n + person % 2) % 2]) for person in range(8) for n in range(2 * times)]
        return Ratings.of(rows, [person for person in range(8) for _ in range(2 * times)])

    few, many = agreement(study(1)), agreement(study(50))
    assert (few.observed.low, few.observed.high) == (many.observed.low, many.observed.high)
    assert many.observed.low is not None and many.observed.low <= 0.25
    assert (many.units, many.participants) == (800, 8)


def test_the_interval_is_that_of_a_bootstrap_done_one_draw_at_a_time() -> None:
    draw = Random(5)
    people = [person for person in range(6) for _ in range(person + 2)]
    rows = [(draw.choice("ab"), draw.choice("ab")) for _ in people]
    found = agreement(Ratings.of(rows, people), replicates=4000)
    slow = []
    for _ in range(4000):
        drawn = [draw.randrange(6) for _ in range(6)]
        again = [row for person in drawn for row, mine in zip(rows, people, strict=True) if mine == person]
        observed, _ = pairs_counted([list(row) for row in again])
        slow.append(float(observed or 0))
    slow.sort()
    assert found.observed.low == pytest.approx(slow[100], abs=0.03)
    assert found.observed.high == pytest.approx(slow[3899], abs=0.03)


def test_the_same_seed_draws_the_same_and_one_participant_has_no_interval() -> None:
    rows = [("a", "b"), ("a", "a"), ("b", "b"), ("b", "a"), ("b", "b")]
    mixed = Ratings.of(rows, [1, 1, 2, 3, 3])
    assert agreement(mixed, seed=4) == agreement(mixed, seed=4)
    one = agreement(Ratings.of(rows, [1] * 5))
    assert (one.observed.value, one.observed.low, one.observed.why_no_interval) == (0.6, None, ONE_PERSON)


def test_replicates_without_a_value_are_counted() -> None:
    # the second participant alone has a second value: it is missing from a quarter of the draws of two
    found = agreement(Ratings.of([("a", "a"), ("a", "b"), ("b", "b")], [1, 2, 2]), seed=1)
    assert found.alpha.undefined == pytest.approx(500, abs=100)
    assert found.observed.undefined == 0
    assert found.alpha.low is not None and not math.isnan(found.alpha.low)


def test_a_study_of_eight_is_measured_in_seconds() -> None:
    draw = Random(0)
    people = [person for person in range(8) for _ in range(500)]
    started = time.perf_counter()
    for _ in range(15):
        rows = [(draw.random() < 0.2, draw.random() < 0.2, draw.random() < 0.2) for _ in people]
        agreement(Ratings.of(rows, people))
    assert time.perf_counter() - started < 10
