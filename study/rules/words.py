"""The words and signs that a rule of a script is made of, each with its column."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from core.types import TillerError

LONGEST = 1000  # characters of a rule
RESERVED = frozenset({"and", "or", "not", "in", "true", "false"})
_DIGITS = 20  # characters of a number; a longer one is a slip, and Python reads none of thousands of digits

_WORD = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<text>'[^'\n]*'|\"[^\"\n]*\")"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)"
    r"|(?P<wrong>===|!==|<>|=<|=>|&&|\|\|)"
    r"|(?P<sign>==|!=|<=|>=|[<>()\[\],])"
    r"|(?P<other>.)"
)
# What people write who know another language, and what it is here.
_MEANT = {
    "=": "==",
    "===": "==",
    "!==": "!=",
    "<>": "!=",
    "≠": "!=",
    "=<": "<=",
    "≤": "<=",
    "=>": ">=",
    "≥": ">=",
    "&&": "and",
    "&": "and",
    "||": "or",
    "|": "or",
    "!": "not",
    "True": "true",
    "False": "false",
    "AND": "and",
    "OR": "or",
    "NOT": "not",
    "IN": "in",
    "is": "==",
}
_ADVICE = {
    **dict.fromkeys("'\"", "a text that begins here does not end; close it with the same quote"),
    **dict.fromkeys("‘’‚“”„«»`", "texts stand between straight quotes; write 'text'"),
    **dict.fromkeys("+-*/%^", "a rule compares and does not calculate; write the number itself"),
    ".": "a number begins with a digit and a name with a letter; write 0.5 or state.top1",
    **dict.fromkeys("{}", "a list stands between [ and ]; write ['a', 'b']"),
}

Value = bool | int | float | str


class RuleError(TillerError):
    """A rule cannot be read; `column` is where, counted from 1."""

    def __init__(self, column: int, words: str) -> None:
        self.column = column
        super().__init__(f"column {column}: {words}.")


@dataclass(frozen=True, slots=True)
class Word:
    """One word or sign as it stands in the rule; `value` is what a number, a text, true or false is worth."""

    column: int
    said: str
    value: Value | None = None

    @property
    def named(self) -> bool:
        """Whether it may be the name of something."""
        return self.value is None and (self.said[:1].isalpha() or self.said[:1] == "_") and self.said not in RESERVED


def words_in(text: str) -> tuple[Word, ...]:
    """The words of `text` from left to right, an empty one at the end.

    Raises:
        RuleError: the text is too long, or something in it belongs to no rule.
    """
    if len(text) > LONGEST:
        raise RuleError(LONGEST + 1, f"the rule has {len(text)} characters; keep it to {LONGEST}")
    found = [_word(one) for one in _WORD.finditer(text) if one.lastgroup != "space"]
    return (*found, Word(len(text.rstrip()) + 1, ""))


def _word(found: re.Match[str]) -> Word:
    column, said = found.start() + 1, found.group()
    match found.lastgroup:
        case "number":
            return Word(column, said, _number(column, said))
        case "text":
            return Word(column, said, said[1:-1])
        case "name" if said in ("true", "false"):
            return Word(column, said, said == "true")
        case "name" | "sign" if said not in _MEANT:
            return Word(column, said)
        case _ if said in _MEANT:
            raise RuleError(column, f"{said} has no meaning in a rule; write {_MEANT[said]}")
        case _:
            raise RuleError(column, _ADVICE.get(said, f"{said!r} has no meaning in a rule; take it out"))


def _number(column: int, said: str) -> int | float:
    number = float(said) if len(said) <= _DIGITS else math.inf
    if math.isinf(number):
        raise RuleError(column, f"the number is too great or too long; keep it to {_DIGITS} characters")
    return int(said) if said.lstrip("-").isdigit() else number
