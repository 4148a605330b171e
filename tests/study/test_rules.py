"""Rules of a script: they mean what Python means by them, and nothing else can be said in them."""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.rules import RuleError, read_rule

NAMES: Mapping[str, type] = {
    "consent.audio": bool,
    "state.top1": str,
    "state.edits": int,
    "state.suppressed": int,
    "fixed": float,
    "broken": float,
    "mode": str,
    "answer.look.guess": object,
}
VALUES: Mapping[str, bool | int | float | str | None] = {
    "consent.audio": True,
    "state.top1": "dog",
    "state.edits": 2,
    "state.suppressed": 2,
    "fixed": 0.7,
    "broken": 0.02,
    "mode": "remote",
    "answer.look.guess": None,
}


def holds(text: str, **changes: bool | int | float | str | None) -> bool:
    return read_rule(text, NAMES).holds({**VALUES, **changes})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("consent.audio", True),
        ("consent.audio == false", False),
        ("state.top1 == 'dog' and state.suppressed <= 2", True),
        ("fixed >= 0.7 and broken <= 0.02", True),
        ("fixed >= 0.7 and broken < 2e-2", False),
        ('mode in ["moderated", "remote"]', True),
        ("mode not in ['moderated', 'remote']", False),
        ("state.edits in [1, 2.0, -3]", True),
        ("not consent.audio or state.edits > 1 and state.edits != 2", False),
        ("(not consent.audio or state.edits > 1) and state.edits == 2", True),
        ("not state.top1 == 'cat'", True),
        ("(state.edits > 1) == consent.audio", True),
        ('state.top1 == "dog\'s"', False),
        ("state.edits == state.suppressed", True),
        ("true", True),
    ],
)
def test_a_rule_says_what_a_reader_would_think(text: str, expected: bool) -> None:
    assert holds(text) is expected


def test_a_rule_names_what_it_asks_for() -> None:
    rule = read_rule("state.top1 == 'mode' and (fixed > 0 or fixed < -1)", NAMES)
    assert rule.names == {"state.top1", "fixed"}


# Every sequence of these words up to five.
ALPHABET = ("a", "n", "(", ")", "not", "and", "or", "==", "<", "true", "1")
SMALL: Mapping[str, type] = {"a": bool, "n": int}


def sequences() -> Iterator[str]:
    for length in range(1, 6):
        yield from (" ".join(words) for words in itertools.product(ALPHABET, repeat=length))


def kind_by_python(node: ast.expr) -> str:
    """`truth` or `number` by the grammar of the design, told from Python's own tree; ValueError for what is neither."""
    match node:
        case ast.Expression(body=ast.expr() as body) | ast.UnaryOp(op=ast.Not(), operand=body):
            wanted, kinds = "truth", {kind_by_python(body)}
        case ast.BoolOp(values=parts):
            wanted, kinds = "truth", {kind_by_python(part) for part in parts}
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            kinds = {kind_by_python(left), kind_by_python(right)}
            wanted = next(iter(kinds))
        case ast.Compare(left=left, ops=[ast.Lt()], comparators=[right]):
            wanted, kinds = "number", {kind_by_python(left), kind_by_python(right)}
        case ast.Name(id="a") | ast.Constant(value=True):
            return "truth"
        case ast.Name(id="n") | ast.Constant(value=1):
            return "number"
        case _:
            raise ValueError(ast.dump(node))
    if kinds != {wanted}:
        raise ValueError(kinds)
    return "truth"


def by_python(text: str) -> object | None:
    """The same words as Python's code, where they are a condition whose kinds fit."""
    said = text.replace("true", "True")
    if re.search(r"[an1e)] \(", said):  # Python would call the value before the bracket
        return None
    try:
        tree = ast.parse(said, mode="eval")
        if kind_by_python(tree.body) != "truth":
            return None
    except (SyntaxError, ValueError):
        return None
    return compile(tree, "rule", "eval")


def test_of_177155_short_texts_those_are_rules_that_python_takes_and_they_mean_the_same() -> None:
    rules = 0
    for text in sequences():
        code = by_python(text) if text.count("(") == text.count(")") else None
        try:
            rule = read_rule(text, SMALL)
        except RuleError as error:
            assert code is None, f"{text}: {error}"
            continue
        assert code is not None, text
        rules += 1
        for a, n in itertools.product((False, True), (0, 1, 2)):
            assert rule.holds({"a": a, "n": n}) is eval(code, {}, {"a": a, "n": n}), (text, a, n)  # type: ignore
    assert rules == 296


def deep_rules() -> st.SearchStrategy[str]:
    names = st.sampled_from([name for name, kind in NAMES.items() if kind in (int, float)])
    numbers = st.one_of(st.integers(-3, 3).map(str), st.sampled_from(["0.5", "0.7", "2e-2", "-1.5"]), names)
    texts = st.sampled_from(["'dog'", "'cat'", '"remote"', "mode", "state.top1"])
    some = st.lists(st.sampled_from(["'dog'", "'remote'", "'x y'"]), min_size=1, max_size=3)
    plain = st.one_of(
        st.sampled_from(["consent.audio", "true", "false"]),
        st.tuples(numbers, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), numbers).map(" ".join),
        st.tuples(texts, st.sampled_from(["==", "!="]), texts).map(" ".join),
        st.tuples(texts, st.sampled_from(["in", "not in"]), some).map(lambda t: f"{t[0]} {t[1]} [{', '.join(t[2])}]"),
    )
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            inner.map(lambda one: f"({one})"),
            inner.map(lambda one: f"not {one}"),
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        ),
        max_leaves=12,
    )


@given(deep_rules(), st.booleans(), st.integers(-3, 3), st.floats(-2, 2), st.sampled_from(["dog", "remote", "x y"]))
def test_long_rules_bind_as_in_python(text: str, audio: bool, edits: int, fixed: float, top: str) -> None:
    values = {**VALUES, "consent.audio": audio, "state.edits": edits, "fixed": fixed, "state.top1": top}
    translated = re.sub(
        r"('[^']*'|\"[^\"]*\")|([a-z]+(?:\.[a-z0-9_]+)+|fixed|broken|mode)",
        lambda found: found[1] or f"v[{found[2]!r}]",
        text,
    )
    translated = re.sub(r"\b(true|false)\b", lambda found: found[0].title(), translated)
    assert read_rule(text, NAMES).holds(values) is eval(translated, {"v": values})


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_what_was_not_answered_makes_every_comparison_false(nothing: float | None) -> None:
    for sign in ("==", "!=", "<", "<=", ">", ">="):
        assert holds(f"fixed {sign} 0.5", fixed=nothing) is False
        assert holds(f"0.5 {sign} fixed", fixed=nothing) is False
        assert holds(f"not fixed {sign} 0.5", fixed=nothing) is True
    assert holds("fixed in [0.5]", fixed=nothing) is False
    assert holds("fixed not in [0.5]", fixed=nothing) is False
    assert holds("fixed == fixed", fixed=nothing) is False


def test_a_consent_that_was_not_given_yet_is_no_consent() -> None:
    assert holds("consent.audio", **{"consent.audio": None}) is False
    assert holds("consent.audio == false", **{"consent.audio": None}) is False
    assert holds("not consent.audio", **{"consent.audio": None}) is True


@pytest.mark.parametrize(
    ("given", "expected"),
    [("yes", (True, False, False)), (3, (False, True, True)), (True, (False, False, False)), (None, (False,) * 3)],
)
def test_an_answer_whose_kind_is_not_known_beforehand_equals_only_its_own_kind(
    given: bool | int | str | None, expected: tuple[bool, ...]
) -> None:
    rules = ("answer.look.guess == 'yes'", "answer.look.guess in [3, 4]", "answer.look.guess >= 1")
    assert tuple(holds(rule, **{"answer.look.guess": given}) for rule in rules) == expected
    assert holds("answer.look.guess", **{"answer.look.guess": given}) is (given is True)


@pytest.mark.parametrize(
    ("text", "column", "advice"),
    [
        ("state.top1 = 'dog'", 12, "write =="),
        ("state.top == 'dog'", 1, "the nearest are state.top1"),
        ("state.top1 == dog", 15, "put a text in quotes"),
        ("state.top1 == 3", 15, "compare it with a text"),
        ("fixed >= '0.7'", 10, ">= orders numbers, and '0.7' is a text"),
        ("state.top1 < 'dog'", 1, "write == or !="),
        ("state.edits == true", 16, "compare it with a number"),
        ("mode in ['remote', 1]", 20, "compare it with a text"),
        ("mode in 'remote'", 9, "write ['a', 'b']"),
        ("mode in []", 10, "write ['a', 'b']"),
        ("mode in ['a' 'b']", 14, "comma"),
        ("mode in [mode]", 10, "texts in quotes"),
        ("state.edits", 1, "compare it, as state.edits > 0"),
        ("consent.audio and mode", 19, "compare it, as mode == 'text'"),
        ("0 < fixed < 1", 11, "write 0 < fixed and fixed < ..."),
        ("(consent.audio", 1, "write a )"),
        ("consent.audio)", 14, "take the ) out"),
        ("consent.audio and", 18, "a name or a value is missing here"),
        ("consent.audio fixed", 15, "comes a comparison, and, or, or the end"),
        ("consent.audio == not true", 18, "(not ...) in brackets"),
        ("consent.audio && true", 15, "write and"),
        ("consent.audio is true", 15, "write =="),
        ("consent.audio == True", 18, "write true"),
        ("!consent.audio", 1, "write not"),
        ("fixed ≥ 0.7", 7, "write >="),
        ("mode == ‘remote’", 9, "straight quotes"),
        ("mode == 'remote", 9, "close it with the same quote"),
        ("fixed + broken < 1", 7, "does not calculate"),
        ("fixed > .7", 9, "write 0.5"),
        ("", 1, "the rule is empty"),
    ],
)
def test_every_refusal_says_where_and_what_to_write(text: str, column: int, advice: str) -> None:
    with pytest.raises(RuleError) as refused:
        read_rule(text, NAMES)
    assert refused.value.column == column
    assert advice in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "true" + ")" * 10_000,
        "(" * 400 + "true" + ")" * 400,
        "not " * 200 + "true",
        "fixed < 1e999",
        "fixed < " + "9" * 5000,
        "fixed < " + "9" * 21,
        "__import__('os').system('true')",
        "().__class__",
        "consent.audio.__class__",
        "consent.audio; true",
        "lambda: true",
        "true if true else false",
        "[x for x in [1]]",
        "mode == f'{mode}'",
        "mode == 'a' 'b'",
        "mode == '''a'''",
        "𝚝𝚛𝚞𝚎",
        "fіxed > 0",  # a Cyrillic letter
        "fixed > ١",
        "consent.audio\0",
        "mode == 'a\nb'",
        "fixed := 1",
        "fixed > 1_000",
        "fixed > 0x10",
        "fixed > 1j",
        "[" * 300,
        "-" * 300,
        "consent.audio # true",
        "@consent.audio",
        "mode == r'x'",
    ],
)
def test_nothing_but_the_grammar_is_read(text: str) -> None:
    with pytest.raises(RuleError):
        read_rule(text, NAMES)


@given(st.text(max_size=60) | st.lists(st.sampled_from([*ALPHABET, "mode", "'x'", "[", "]", ",", "in", "fixed"])))
def test_junk_is_a_rule_or_is_refused_in_words(text: str | list[str]) -> None:
    said = text if isinstance(text, str) else " ".join(text)
    try:
        rule = read_rule(said, NAMES)
    except RuleError as error:
        assert 1 <= error.column <= len(said) + 1
    else:
        assert rule.holds(VALUES) in (True, False)


def test_a_value_of_another_type_than_declared_is_the_callers_fault() -> None:
    with pytest.raises(TypeError, match="fixed was declared a number"):
        holds("fixed > 0", fixed="0.7")
    with pytest.raises(KeyError, match="without broken, fixed"):
        read_rule("fixed > 0 or broken > 0", NAMES).holds({})
    with pytest.raises(ValueError, match="belong to the grammar"):
        read_rule("true", {"not": bool})
