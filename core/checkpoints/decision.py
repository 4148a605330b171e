"""What the gate found and decided, kept in the native file's header under `gate`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from core.types import EMBEDDING, Block

VERSION = 1
NOT_GATED = "not gated"
EARLIER = "accepted by an earlier version of Tiller"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One reading of the weights: its explained variance (None where no finite number) and codes per token."""

    pre_bias: bool
    normalisation: str
    stated: bool  # agrees with everything that the format states
    explained: float | None
    l0: float
    scale: float
    rows: int


@dataclass(frozen=True, slots=True)
class Decision:
    """How a dictionary is to be read, and all that was tried; shares are from 0 to 1.

    `explained` is over the tokens that the dictionary speaks for, each type about its own mean; `by_type` holds the
    same of `class` and `patches`, `per_token` the mean of each token's own ratio instead of the ratio of the sums,
    `l0` the codes per token of each type. `elsewhere` is what it explains after each block, or at the embedding, where
    activations are as wide as there, its own place included, over fewer rows, where others were looked at; 0 at the
    least. At the embedding its one token counts as `class`. `gap` is the largest change of a logit when the
    reconstruction and its error are put together again. `scale` is what the reconstruction was multiplied by, 1 unless
    the format leaves it open.
    """

    chosen: Candidate
    candidates: tuple[Candidate, ...]
    corrected: bool
    explained: float
    by_type: Mapping[str, float]
    per_token: float
    per_token_by_type: Mapping[str, float]
    l0: Mapping[str, float]
    alive: float
    floor: float
    published: float | None
    images: int
    rows: Mapping[str, int]
    tokens: str
    seed: int
    scale: float
    gap: float
    model: str
    weights: str
    block: Block
    elsewhere: Mapping[Block, float] = field(default_factory=dict)
    unsaid: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """In a few words for people."""
        if self.corrected:
            return "corrected"
        return "found" if self.unsaid else "as stated"

    def as_json(self) -> dict[str, Any]:
        """Plain values, read back by `from_json`."""
        said = asdict(self) | {"version": VERSION, "elsewhere": {str(k): v for k, v in self.elsewhere.items()}}
        return said | {"candidates": [asdict(one) for one in self.candidates], "unsaid": list(self.unsaid)}

    @classmethod
    def from_json(cls, said: Any) -> Decision:
        """The decision that `as_json` wrote.

        Raises:
            Earlier: an earlier version of Tiller wrote it, without some of the figures.
            ValueError: it is not one.
        """
        if not isinstance(said, dict):
            raise ValueError("it is no JSON object")
        if said.get("version") != VERSION:
            raise ValueError(f"it says version {said.get('version')!r}, and this reads version {VERSION}")
        values = {name: value for name, value in said.items() if name != "version"}
        _refuse_wrong(cls, values, "it")
        _refuse_wrong(Candidate, values["chosen"], "its chosen reading")
        for one in values["candidates"]:
            _refuse_wrong(Candidate, one, "a candidate")
        values["chosen"] = Candidate(**values["chosen"])
        values["candidates"] = tuple(Candidate(**one) for one in values["candidates"])
        values["elsewhere"] = {
            block if block == EMBEDDING else int(block): value for block, value in values["elsewhere"].items()
        }
        values["unsaid"] = tuple(values["unsaid"])
        found = cls(**values)
        numbers = [found.explained, found.floor, found.gap, found.scale, *found.by_type.values()]
        if not found.by_type:
            raise ValueError("it says nothing of any token")
        if not all(map(math.isfinite, numbers)):
            raise ValueError("it holds values that are not finite numbers")
        return found


class Earlier(ValueError):
    """A decision in which figures are lacking that are part of one today; what it accepted is to be looked at anew."""


def decision_of(header: Mapping[str, Any]) -> Decision | None:
    """The decision in a native file's header; None where it never passed the gate, or only that of an earlier version.

    Raises:
        ValueError: what is there is damaged.
    """
    try:
        return None if header.get("gate") is None else Decision.from_json(header["gate"])
    except Earlier:
        return None


def verdict_of(header: Mapping[str, Any]) -> str:
    """The verdict in a native file's header, or that it never passed the gate, or only that of an earlier version.

    Raises:
        ValueError: what is there is damaged.
    """
    if header.get("gate") is None:
        return NOT_GATED
    decision = decision_of(header)
    return EARLIER if decision is None else decision.verdict


def _refuse_wrong(kind: type[Decision | Candidate], said: Any, what: str) -> None:
    """Refuse an object that has other keys than `kind` or values of another type; `Earlier` where only some lack."""
    if not isinstance(said, dict):
        raise ValueError(f"{what} is no JSON object")
    due = {each.name: str(each.type) for each in fields(kind)}
    strange = [name for name in said if name not in due]
    if strange:
        raise ValueError(f"{what} holds {str(strange[0])[:40]!r}, which is no part of one")
    wrong = [name for name, value in said.items() if not _SOUND[due[name]](value)]
    if wrong:
        raise ValueError(f"{what} has a value of a wrong kind for {', '.join(wrong)}")
    lacking = [name for name in due if name not in said]
    if len(lacking) == len(due):
        raise ValueError(f"{what} says nothing")
    if lacking:
        raise Earlier(f"{what} lacks {', '.join(lacking)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are(key: Callable[[str], bool], value: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda said: isinstance(said, dict) and all(key(each) and value(said[each]) for each in said)


# What JSON holds for a field, by its annotation.
_SOUND: Mapping[str, Callable[[Any], bool]] = {
    "bool": lambda said: isinstance(said, bool),
    "int": _is_count,
    "float": _is_number,
    "float | None": lambda said: said is None or _is_number(said),
    "str": lambda said: isinstance(said, str),
    "tuple[str, ...]": lambda said: isinstance(said, list) and all(isinstance(each, str) for each in said),
    "Candidate": lambda said: isinstance(said, dict),
    "tuple[Candidate, ...]": lambda said: isinstance(said, list) and all(isinstance(each, dict) for each in said),
    "Mapping[str, float]": _are(lambda kind: kind in ("class", "patches"), _is_number),
    "Mapping[str, int]": _are(lambda kind: kind in ("class", "patches"), _is_count),
    "Block": lambda said: said == EMBEDDING or _is_count(said),
    "Mapping[Block, float]": _are(
        lambda block: block == EMBEDDING or (block.isascii() and block.isdecimal()), _is_number
    ),
}
