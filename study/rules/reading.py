"""Reads rules of a script, such as `state.top1 == 'dog' and state.suppressed <= 2`; nothing is run as a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from study.rules.parts import (
    COMPARE,
    KINDS,
    Among,
    Comparison,
    Joined,
    Kind,
    Literal,
    Name,
    Negation,
    Part,
    Values,
    condition,
    fit,
    kind_of,
)
from study.rules.words import RESERVED, RuleError, Word, words_in

DEEPEST = 30  # brackets and nots inside each other


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was read; `names` are those it asks for."""

    text: str
    names: frozenset[str]
    _whole: Part

    def holds(self, values: Values) -> bool:
        """Whether the rule is true of `values`, which has every name of it.

        A value that is None, such as a question not answered, makes every comparison with it false, `!=` and `not in`
        as well, and a bare name false; `not` of these is true. A float that is not a number counts as None.

        Raises:
            KeyError: a name has no value.
            TypeError: a value is of another type than was declared.
        """
        if missing := self.names - values.keys():
            raise KeyError(f"The rule {self.text!r} was asked without {', '.join(sorted(missing))}.")
        return self._whole.holds(values)


def read_rule(text: str, names: Mapping[str, type]) -> Rule:
    """The rule that `text` says.

    Numbers compare with numbers, texts with texts (== and != only), true and false likewise; a bare name must be true
    or false. A comparison is one of == != < <= > >=, or `in` or `not in` a list of values; comparisons are joined by
    `and`, `or`, `not` and brackets, which bind as in Python.

    Args:
        text: as it stands in the script.
        names: every name that may be asked for, with bool, int, float or str, or object where that is not known yet.

    Raises:
        RuleError: the rule cannot be read, with the column and what to write.
    """
    if RESERVED & names.keys():
        raise ValueError(
            f"{sorted(RESERVED & names.keys())} belong to the grammar of rules; name the values otherwise."
        )
    reader = _Reader(words_in(text), names)
    whole = reader.rule()
    return Rule(text, frozenset(reader.met), whole)


class _Reader:
    """Goes through the words once, from left to right; each method reads one form and leaves `word` behind it."""

    def __init__(self, words: tuple[Word, ...], names: Mapping[str, type]) -> None:
        self.met: set[str] = set()
        self._words = iter(words)
        self._names = names
        self._depth = 0
        self.word = next(self._words)

    def rule(self) -> Part:
        if not self.word.said:
            raise RuleError(1, "the rule is empty; write one such as state.top1 == 'dog', or take its key out")
        whole = condition(self._joined())
        if self.word.said == ")":
            raise RuleError(self.word.column, "no bracket is open here; take the ) out")
        if self.word.said:
            raise RuleError(
                self.word.column,
                f"after {whole.word.said} ... comes a comparison, and, or, or the end; {self.word.said} stands there",
            )
        return whole

    def _take(self, *said: str) -> Word | None:
        if self.word.value is not None or self.word.said not in said or not self.word.said:
            return None
        taken, self.word = self.word, next(self._words)
        return taken

    def _deeper(self, word: Word) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise RuleError(
                word.column, f"more than {DEEPEST} brackets and nots stand inside each other; write it flatter"
            )

    def _joined(self) -> Part:
        return self._chain("or", lambda: self._chain("and", self._negated))

    def _chain(self, joint: str, read: Callable[[], Part]) -> Part:
        first = read()
        parts = [first]
        while self._take(joint):
            parts.append(read())
        if len(parts) == 1:
            return first
        return Joined(first.word, Kind.TRUTH, tuple(condition(part) for part in parts), joint == "and")

    def _negated(self) -> Part:
        word = self._take("not")
        if word is None:
            return self._compared()
        self._deeper(word)
        inner = condition(self._negated())
        self._depth -= 1
        return Negation(word, Kind.TRUTH, inner)

    def _compared(self) -> Part:
        left = self._operand()
        if word := self._take("in", "not"):
            if word.said == "not" and not self._take("in"):
                raise RuleError(word.column, "not stands before what it turns round; write `and not` or `not in`")
            return self._listed(left, word)
        sign = self._take(*COMPARE)
        if sign is None:
            return left
        right = self._operand()
        if self.word.value is None and self.word.said in (*COMPARE, "in"):
            raise RuleError(
                self.word.column,
                f"a second comparison; write {left.word.said} {sign.said} {right.word.said} "
                f"and {right.word.said} {self.word.said} ...",
            )
        fit(left, sign, right)
        return Comparison(left.word, Kind.TRUTH, left, sign.said, right)

    def _listed(self, left: Part, word: Word) -> Part:
        if not self._take("["):
            raise RuleError(self.word.column, f"a list comes after {word.said}; write ['a', 'b']")
        options: list[Literal] = []
        while not options or self._take(","):
            one = self.word
            if one.value is None:
                raise RuleError(one.column, "a list holds texts in quotes, numbers, true or false; write ['a', 'b']")
            options.append(Literal(one, kind_of(one.value), one.value))
            fit(left, Word(one.column, "=="), options[-1])
            self.word = next(self._words)
        if not self._take("]"):
            raise RuleError(self.word.column, "the list goes on with a comma or ends with ]; write one of these")
        return Among(left.word, Kind.TRUTH, left, tuple(one.value for one in options), word.said == "in")

    def _operand(self) -> Part:
        word = self.word
        if word.value is not None:
            self.word = next(self._words)
            return Literal(word, kind_of(word.value), word.value)
        if self._take("("):
            self._deeper(word)
            inner = self._joined()
            if not self._take(")"):
                raise RuleError(word.column, "this bracket is not closed; write a ) behind what belongs together")
            self._depth -= 1
            return inner
        if word.said == "not":
            raise RuleError(word.column, "not binds less than a comparison; write (not ...) in brackets")
        if not word.named:
            stands = word.said or "nothing"
            raise RuleError(word.column, f"a name or a value is missing here, {stands} stands there; write it")
        self.word = next(self._words)
        if self.word.said == "(":
            raise RuleError(word.column, f"{word.said} is called like a function, which rules do not have; take it out")
        if word.said not in self._names:
            raise RuleError(word.column, _unknown(word.said, self._names))
        self.met.add(word.said)
        return Name(word, KINDS[self._names[word.said]])


def _unknown(name: str, names: Mapping[str, type]) -> str:
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    known = f"the nearest are {', '.join(near)}" if near else f"there are {_some(names)}"
    return f"{name} is no name that this rule may ask for; {known}. Write one of these, or put a text in quotes"


def _some(names: Mapping[str, type]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(sorted(names)[:8]) + more if names else "none"
