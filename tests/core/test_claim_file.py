"""The file of a claim: it comes back whole, and whatever was done to it is refused in one sentence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from core.claim import TURNS, Claim, Count, Line, OnPicture, OnSet, pictures_digest
from core.claim_file import LARGEST, ClaimRefused, read_file, read_text, text_of
from core.types import Edit, Op, Scope
from study.state import labels_digest

PICTURES = tuple((hashlib.sha256(bytes([each])).hexdigest(), ("apple", "boat")[each % 2]) for each in range(20))
CLAIM = Claim(
    lines=(
        Line(Edit(12), 0.0, "factor"),
        Line(Edit(40, Op.SET, 3.21, Scope.CLASS), 1.5, "p99"),
        Line(Edit(77, Op.ADD, -2.0, Scope.PATCHES, (1, 3)), -2.0, "code"),
    ),
    dictionary="spatial",
    labels=("apple", "boat", "Äpfel"),
    templates=("a photo of a {}",),
    model_sha256="a" * 64,
    dictionary_sha256="b" * 64,
    bundle_sha256="c" * 64,
    picture=OnPicture("d" * 64, "apple", "boat", dict.fromkeys(TURNS, "apple"), borderline=False),
    held_out=OnSet(
        pictures_digest(PICTURES),
        20,
        0,
        {"plan": Count(14, 0, 1), "random": Count(1, 0, 0), "flipped": Count(0, 0, 0)},
        PICTURES,
    ),
    reference=OnSet("e" * 64, 510, 500, {turn: Count(2, 1, 0) for turn in TURNS}),
    environment={"torch": "2.15", "threads": "1"},
    made="2026-11-22T11:00:00Z",
)
WRITTEN = json.loads(text_of(CLAIM))


def test_a_claim_comes_back_as_it_was_written() -> None:
    assert read_text(text_of(CLAIM)) == CLAIM
    assert read_text(json.dumps(WRITTEN, sort_keys=True)) == CLAIM, "the order of fields and the spaces say nothing"
    as_elsewhere = text_of(CLAIM).replace('"strength": 0.0', '"strength": 0')
    assert read_text(as_elsewhere) == CLAIM, "to JSON 0 and 0.0 are one number"


def test_its_digests_are_those_that_the_page_of_the_format_defines() -> None:
    content = {name: value for name, value in WRITTEN.items() if name != "sha256"}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert WRITTEN["sha256"] == CLAIM.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert CLAIM.labels_sha256 == labels_digest(CLAIM.labels, CLAIM.templates), "the record calls it the same"
    listed = json.dumps([list(one) for one in PICTURES], separators=(",", ":"))
    assert pictures_digest(PICTURES) == hashlib.sha256(listed.encode()).hexdigest()
    assert pictures_digest(PICTURES[::-1]) != pictures_digest(PICTURES)


def test_its_intervals_are_wilsons() -> None:
    for where, name, hits, trials in (("held_out", "fixed", 14, 20), ("reference", "broken", 1, 500)):
        expected = binomtest(hits, trials).proportion_ci(method="wilson")
        found = WRITTEN[where]["plan"][name]
        assert (found["hits"], found["trials"]) == (hits, trials)
        assert (found["low"], found["high"]) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_the_sentence_says_what_is_claimed() -> None:
    assert CLAIM.sentence == (
        "Suppressing 12, setting 40 to 1.5 p99 at the class token and adding -2 to 77 at 2 patches repairs 14 of 20 "
        "held-out failures of the same cause and breaks 1 of 500 reference pictures that the model gets right."
    )
    many = replace(CLAIM, lines=tuple(Line(Edit(each), 0.0, "factor") for each in range(7)), held_out=None)
    assert many.sentence == (
        "Suppressing 0, 1, 2, 3, 4 and 2 more edits repairs 2 of the 10 reference pictures that the model gets wrong "
        "and breaks 1 of the 500 that it gets right."
    )
    alone = replace(CLAIM, lines=(Line(Edit(904, Op.SCALE, 2.0), 2.0, "factor"),), reference=None)
    assert alone.sentence == "Scaling 904 by 2 repairs 14 of 20 held-out failures of the same cause."


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in below:
        yield from leaves(each, (*path, key))


def with_other(path: tuple[Any, ...], value: Any) -> str:
    changed = json.loads(json.dumps(WRITTEN))
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return json.dumps(changed)


HOSTILE = (None, [], {}, "x", -1, 5, True, 1e308, [[[]]], {"a": {"b": 1}}, "../../etc/passwd", "\0", "\ud800", 10**400)


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:16])
def test_a_field_that_was_changed_is_refused_in_one_sentence(value: object) -> None:
    for path in leaves(WRITTEN):
        at: Any = WRITTEN
        for key in path:
            at = at[key]
        if not path or at == value:
            continue
        with pytest.raises(ClaimRefused) as refused:
            read_text(with_other(path, value))
        said = str(refused.value)
        assert said.endswith(".") and "\n" not in said and said.isprintable() and len(said) < 500


def test_a_changed_file_whose_digest_was_made_to_fit_is_told_all_the_same() -> None:
    for path, value in ((("claim",), "It repairs everything."), (("held_out", "plan", "fixed", "high"), 0.99)):
        changed = json.loads(with_other(path, value))
        content = {name: each for name, each in changed.items() if name != "sha256"}
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        changed["sha256"] = hashlib.sha256(text.encode()).hexdigest()
        with pytest.raises(ClaimRefused, match=f"{path[0]} does not follow"):
            read_text(json.dumps(changed))


def test_no_part_of_a_file_is_a_claim() -> None:
    text = text_of(CLAIM).encode()
    for end in (0, 1, len(text) // 3, len(text) // 2, len(text) - 3):
        with pytest.raises(ClaimRefused, match="cannot be read as JSON"):
            read_text(text[:end])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": ' + "9" * 5000 + "}", "digits"),
        ('{"format": "tiller-claim", "version": ' + "9" * 4000 + "}", "is of version"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": -Infinity}', "no number"),
        ('{"a": 1, "a": 2}', "twice"),
        ("[" * 100_000, "nested too deep|cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        ("[]", "is no claim"),
        ('{"format": "tiller-bundle", "version": 1}', "is no claim"),
        ('{"format": "tiller-claim", "version": 2}', "take a later Tiller"),
        ('{"format": "tiller-claim", "version": true}', "version"),
        ('{"format": "tiller-claim", "version": 1}', "digests is missing"),
        (text_of(CLAIM).replace('"strength": 0.0', '"strength": 1e999'), "not a number"),
    ],
)
def test_what_is_no_claim_is_refused_in_one_sentence(text: str | bytes, why: str) -> None:
    with pytest.raises(ClaimRefused, match=why) as refused:
        read_text(text)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 500


def test_a_plan_that_no_plan_can_be_is_refused() -> None:
    twice = [WRITTEN["plan"][0]] * 2
    for plan in ([], twice, WRITTEN["plan"][::-1], [{**WRITTEN["plan"][0], "value": 0.5}]):
        with pytest.raises(ClaimRefused, match="damaged"):
            read_text(with_other(("plan",), plan))


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClaimRefused, match="there is no such file"):
        read_file(tmp_path / "nowhere.json")
    with pytest.raises(ClaimRefused, match="that is a folder"):
        read_file(tmp_path)
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(ClaimRefused, match="larger than"):
        read_file(large)


names = st.text(st.characters(codec="utf-8").filter(str.isprintable), max_size=8)
counts = st.integers(0, 300)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Line, ...]:
    found = []
    for component in sorted(draw(st.sets(st.integers(0, 2**31 - 1), min_size=1, max_size=4))):
        op = draw(st.sampled_from(Op))
        unit = "factor" if op is Op.SCALE else draw(st.sampled_from(["p99", "code"]))
        strength = draw(st.floats(-1e6, 1e6))
        scope = draw(st.sampled_from(Scope))
        patches = tuple(draw(st.sets(st.integers(0, 255), min_size=1, max_size=3))) if scope is Scope.PATCHES else ()
        value = draw(st.floats(-100, 100)) if unit == "p99" else strength
        found.append(Line(Edit(component, op, strength, scope, patches), value, unit))
    return tuple(found)


@st.composite
def sets(draw: st.DrawFn) -> OnSet:
    wrong, right = draw(counts), draw(counts)
    turns = {
        turn: Count(draw(st.integers(0, wrong)), draw(st.integers(0, right)), draw(st.integers(0, wrong + right)))
        for turn in TURNS
    }
    return OnSet("f" * 64, wrong + right, right, turns)


@settings(max_examples=25)
@given(lines(), sets(), st.lists(names, max_size=3), st.dictionaries(names, names, max_size=3))
def test_every_claim_survives_a_round_trip(plan: Any, reference: Any, labels: Any, environment: Any) -> None:
    made = replace(CLAIM, lines=plan, reference=reference, held_out=None, labels=tuple(labels), environment=environment)
    assert read_text(text_of(made)) == made
