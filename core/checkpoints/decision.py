"""What the gate found and decided, kept in the native file's header under `gate`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

VERSION = 1
NOT_GATED = "not gated"


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
    `l0` the codes per token of each type. `elsewhere` is what it explains after each block, its own included, over
    fewer rows, where other blocks were looked at; 0 at the least. `gap` is the largest change of a logit when the
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
    block: int
    elsewhere: Mapping[int, float] = field(default_factory=dict)
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
            ValueError: it is not one.
        """
        if not isinstance(said, dict) or said.get("version") != VERSION:
            raise ValueError(f"the gate's decision is not of version {VERSION}")
        try:
            values = {name: value for name, value in said.items() if name != "version"}
            values["chosen"] = Candidate(**values["chosen"])
            values["candidates"] = tuple(Candidate(**one) for one in values["candidates"])
            values["elsewhere"] = {int(block): value for block, value in values["elsewhere"].items()}
            values["unsaid"] = tuple(values["unsaid"])
            found = cls(**values)
            numbers = [found.explained, found.floor, found.gap, found.scale, *found.by_type.values()]
            sound = all(isinstance(each, int | float) and math.isfinite(each) for each in numbers)
        except (TypeError, KeyError, AttributeError, ValueError) as wrong:
            raise ValueError(f"the gate's decision is not whole ({wrong})") from wrong
        if not sound:
            raise ValueError("the gate's decision holds values that are not finite numbers")
        return found


def verdict_of(header: Mapping[str, Any]) -> str:
    """The verdict in a native file's header, or that it never passed the gate."""
    return Decision.from_json(header["gate"]).verdict if header.get("gate") else NOT_GATED
