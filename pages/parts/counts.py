"""The ripple of a plan as plain values for the browser: what is counted so far, and what it weighs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.changes import change_of, counted
from core.model import Clip
from core.ripple import Piece, ReferenceSet, truth_of
from core.types import Rate, Ripple
from core.worth import Net, net_repair

ENDS = 40  # pictures that are named at either end of the order by change


@dataclass
class Counted:
    """One set of pictures under one plan, as far as it is measured."""

    kind: str  # similar: failures like the task's; reference: the bundle's pictures
    reference: ReferenceSet
    labels: tuple[str, ...]
    truth: tuple[int, ...]
    pieces: list[Piece] = field(default_factory=list[Piece])

    @classmethod
    def of(cls, kind: str, model: Clip, reference: ReferenceSet) -> Counted:
        """Nothing is measured yet."""
        return cls(kind, reference, model.labels, truth_of(reference, model.labels))

    @property
    def ripple(self) -> Ripple:
        """The counts of the pictures so far."""
        return tally(self.pieces, self.truth, self.labels)

    def board(self) -> dict[str, Any]:
        """The counts so far with Wilson 95 % intervals; each picture is in one of them."""
        found = self.ripple
        # The unchanged of the record hold those that are wrong under another name now; a reader would not call them so.
        rates = {
            "fixed": found.fixed_rate,
            "broken": found.broken_rate,
            "other": Rate(found.rerouted, found.fixed_rate.trials),
            "same": Rate(found.unchanged - found.rerouted, found.images),
        }
        return {
            "kind": self.kind,
            "images": found.images,
            "of": len(self.truth),
            **{name: _rate(rate) for name, rate in rates.items()},
        }

    def pictures(self, urls: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
        """Each picture whose name is in `urls` (its address and where it lies): what it was called, and is now."""
        found: list[dict[str, Any]] = []
        for piece in self.pieces:
            for at, place in enumerate(piece.places):
                name = self.reference.names[place]
                if name not in urls:
                    continue
                right, was, now = self.truth[place], piece.before[at], piece.after[at]
                found.append(
                    {
                        "name": urls[name][0],
                        "url": urls[name][1],
                        "set": self.kind,
                        "shows": self.labels[right],
                        "was": self.labels[was],
                        "now": self.labels[now],
                        "kind": change_of(right, was, now),
                        "change": piece.leads_after[at] - piece.leads_before[at],
                    }
                )
        return found


def tally(pieces: Iterable[Piece], truth: Sequence[int], labels: tuple[str, ...]) -> Ripple:
    """The counts of the pictures in `pieces`."""
    rows = [row for piece in pieces for row in zip(piece.places, piece.before, piece.after, strict=True)]
    return counted(
        [truth[place] for place, _, _ in rows], [was for _, was, _ in rows], [now for *_, now in rows], labels
    )


def weighed(found: Mapping[str, Ripple]) -> Net | None:
    """Net repair: of the failures like the task's where some are known, else of the reference set's own."""
    reference = found.get("reference")
    if reference is None:
        return None
    return net_repair(found.get("similar", reference).fixed_rate, reference.broken_rate)


def worst_in(found: Ripple | None) -> list[dict[str, Any]]:
    """The classes that lost most of their right pictures."""
    return [
        {"label": change.label, "lost": change.right_before - change.right_after, "images": change.right_before}
        for change in (found.worst[:3] if found else ())
    ]


def net_board(net: Net | None) -> dict[str, float] | None:
    """Net repair as plain values."""
    return None if net is None else {"value": net.value, "low": net.low, "high": net.high}


def ends(pictures: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The pictures whose lead fell most, and those whose lead rose most, greatest change first; none that stayed."""
    order = sorted(pictures, key=lambda one: (one["change"], one["name"]))
    hurt = [one for one in order if one["change"] < 0][:ENDS]
    return {"hurt": hurt, "helped": [one for one in reversed(order) if one["change"] > 0][:ENDS]}


def _rate(rate: Rate) -> dict[str, Any]:
    value = rate.value if rate.trials else None
    return {"hits": rate.hits, "trials": rate.trials, "value": value, "low": rate.low, "high": rate.high}
