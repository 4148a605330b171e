"""The whole account of a class, or of all failures, from the pictures that a bundle keeps, as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from core.bundle import Bundle
from core.overview.members import Member, is_attribute, mean_scores, members, over_represented, strongest
from core.overview.plain import mean, over_as, rate, sound, span, trial_as
from core.overview.shares import Progress, Shares, share_out
from core.overview.slices import Slicing, slice_failures
from core.overview.trials import FEWEST, LEAST, SCREENED, Trial, halves, repairing, tried
from core.types import Rate, TillerError

VERSION = 1
LOOKED_AT = 24  # components of greatest mean attribution that are told apart as attributes and context
LISTED = 8  # of each kind in a report
LEANT_ON = 3  # components of the context that are taken away from right pictures at once


@dataclass(eq=False)
class Survey:
    """Attributions of every reference picture of a bundle, and the accounts that are drawn from them."""

    bundle: Bundle
    which: str
    shares: Shares
    slicing: Slicing
    seed: int = 0
    progress: Progress = lambda stage, done, of: None
    _trials: list[Trial | None] = field(default_factory=list)
    _met: set[int] = field(default_factory=set)  # pictures that the account being made names

    @classmethod
    def of(
        cls, bundle: Bundle, which: str, *, seed: int = 0, progress: Progress = lambda stage, done, of: None
    ) -> Survey:
        """Share out every margin and group the failures of the bundle's dictionary `which`."""
        shares = share_out(bundle.model, bundle.sae, bundle.reference, progress=progress)
        return cls(bundle, which, shares, slice_failures(shares, seed=seed, progress=progress), seed, progress)

    def whole(self) -> dict[str, Any]:
        """The failures, and every class that a reference picture shows."""
        there = sorted(set(self.shares.truth.tolist()))
        failures, classes = self.of_failures(), {}
        for done, own in enumerate(there):
            self.progress("looking at classes", done, len(there))
            classes[self.bundle.model.labels[own]] = self.of_class(self.bundle.model.labels[own])
        self.progress("looking at classes", len(there), len(there))
        return {
            "version": VERSION,
            "bundle": self.bundle.fingerprint["bundle"],
            "dictionary": self.which,
            "failures": failures,
            "classes": classes,
        }

    def of_class(self, label: str) -> dict[str, Any]:
        """What the model goes by for one class: key attributes, context, what is over-represented, suspected bias."""
        labels = self.bundle.model.labels
        if label not in labels:
            raise TillerError(f"Class {label!r} was asked for; the bundle has {', '.join(labels)}: name one of them.")
        own, shares = labels.index(label), self.shares
        self._met.clear()
        shown, called = shares.truth == own, shares.said == own
        if not shown.any():
            raise TillerError(f"Class {label!r} was asked for, and no reference picture shows it; name another.")
        signs = np.where(shares.wrong, -1.0, 1.0)
        speaking = strongest(mean_scores(shares, shown, signs), LOOKED_AT)
        found = members(shares, shown, ~shown, signs, speaking, self.seed, shown=own)
        sure = [each for each in found if each.mean.low > 0]
        attributes = [each for each in sure if is_attribute(each, int((called & ~shown).sum()))]
        marked = {each.component for each in attributes}
        context = [each for each in sure if each.component not in marked]
        calling = np.ones(len(shares.said))
        drawn = strongest(mean_scores(shares, called, calling), LISTED) if called.any() else []
        over, compared = over_represented(shares, shown, ~shown, LISTED + len(marked))
        bias = [self._false_calls(own, marked), self._leaning(own, context)]
        right = shown & called
        return {
            **self._rests_on(),
            "of": "class",
            "class": label,
            "shown": rate(Rate(int(right.sum()), int(shown.sum()))),
            "called": rate(Rate(int(right.sum()), int(called.sum()))),
            "explained": mean(shares.explained[shown | called]),
            "taken_for": self._counted(shares.said[shown & ~called]),
            "called_so": self._counted(shares.truth[called & ~shown]),
            "attributes": [self._member(each) for each in attributes[:LISTED]],
            "context": [self._member(each) for each in context[:LISTED]],
            "calling": [
                self._member(each) for each in members(shares, called, ~called, calling, drawn, self.seed, shown=own)
            ],
            "over": [over_as(each, self.bundle.index.named) for each in over if each.component not in marked][:LISTED],
            "compared": compared,
            "bias": bias,
            "slices": [each for each in self._slices() if label in (*each["shown"], *each["called"])],
            "looks": self._looks(),
        }

    def of_failures(self) -> dict[str, Any]:
        """What pushes the model to its mistakes, and the groups that these fall into."""
        shares = self.shares
        self._met.clear()
        wrong, ones = shares.wrong, np.ones(len(shares.said))
        drawn = strongest(mean_scores(shares, wrong, ones), LISTED) if wrong.any() else []
        return {
            **self._rests_on(),
            "of": "failures",
            "failing": rate(Rate(int(wrong.sum()), len(wrong))),
            "explained": mean(shares.explained[wrong]),
            "pushing": [self._member(each) for each in members(shares, wrong, ~wrong, ones, drawn, self.seed)],
            "slices": self._slices(),
            "alone": self._names(self.slicing.alone),
            "cut": sound(self.slicing.cut),
            "stability": sound(self.slicing.stability),
            "tried": [list(each) for each in self.slicing.tried],
            "left_out": self.slicing.left_out,
            "looks": self._looks(),
        }

    def _rests_on(self) -> dict[str, Any]:
        bundle, shares = self.bundle, self.shares
        return {
            "version": VERSION,
            "dictionary": self.which,
            "digests": dict(bundle.fingerprint),
            "model": bundle.model.name,
            "block": bundle.model.block,
            "components": bundle.sae.size,
            "labels": list(bundle.model.labels),
            "view": shares.view.value,
            "one_token": bundle.reference.activations.shape[1] == 1,
            "pictures": len(shares.said),
            "failures": int(shares.wrong.sum()),
            "seed": self.seed,
            "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _false_calls(self, own: int, marked: set[int]) -> dict[str, Any]:
        """Pictures falsely called the class: are they repaired by suppressing what is no attribute of it?"""
        shares = self.shares
        places = np.flatnonzero((shares.said == own) & (shares.truth != own)).tolist()

        def among(choose: Sequence[int]) -> list[int]:
            pushing = self._pushing(choose, SCREENED + len(marked))
            return [each for each in pushing if each not in marked][:SCREENED]

        bundle = self.bundle
        trial = repairing(bundle.model, bundle.sae, bundle.reference, shares, places, among=among, seed=self.seed)
        return {"kind": "false calls", **self._trial_of(places, trial)}

    def _leaning(self, own: int, context: Sequence[Member]) -> dict[str, Any]:
        """Right pictures of the class: are they lost when the context that speaks for them is taken away?"""
        shares, bundle = self.shares, self.bundle
        places = np.flatnonzero((shares.said == own) & (shares.truth == own)).tolist()
        choose, measure = halves(places, self.seed)
        trial = None
        if choose and len(measure) >= LEAST:
            around = {each.component for each in context}
            leant = [each for each in self._pushing(choose, LOOKED_AT) if each in around][:LEANT_ON]
            if leant:
                trial = tried(bundle.model, bundle.sae, bundle.reference, shares, leant, choose, measure, self.seed)
        return {"kind": "leaning", **self._trial_of(places, trial)}

    def _slices(self) -> list[dict[str, Any]]:
        groups, bundle = self.slicing.groups, self.bundle
        while len(self._trials) < len(groups):
            trial = repairing(
                bundle.model,
                bundle.sae,
                bundle.reference,
                self.shares,
                groups[len(self._trials)],
                among=lambda choose: self._pushing(choose, SCREENED),
                seed=self.seed,
            )
            self._trials.append(trial)
            self.progress("repairing slices", len(self._trials), len(groups))
        return [self._slice(at, *each) for at, each in enumerate(zip(groups, self._trials, strict=True), 1)]

    def _slice(self, number: int, places: tuple[int, ...], trial: Trial | None) -> dict[str, Any]:
        shares = self.shares
        inside, ones = np.zeros(len(shares.said), bool), np.ones(len(shares.said))
        inside[list(places)] = True
        naming = members(shares, inside, ~shares.wrong, ones, self._pushing(places, 3), self.seed)
        return {
            "number": number,
            "shown": self._counted(shares.truth[inside]),
            "called": self._counted(shares.said[inside]),
            "components": [self._member(each) for each in naming],
            **{**self._trial_of(places, trial), "pictures": self._names(places)},
        }

    def _trial_of(self, places: Sequence[int], trial: Trial | None) -> dict[str, Any]:
        """What was asked of how many pictures; without a trial `why` is "few" pictures, or "nothing" to suppress."""
        why = "" if trial is not None else "few" if len(places) < FEWEST else "nothing"
        return {
            "pictures": len(places),
            "trial": trial_as(trial, self.bundle.index.named, self._names, self.bundle.model.labels),
            "why": why,
        }

    def _pushing(self, places: Sequence[int], count: int) -> list[int]:
        inside = np.zeros(len(self.shares.said), bool)
        inside[list(places)] = True
        return strongest(mean_scores(self.shares, inside, np.ones(len(inside))), count)

    def _member(self, each: Member) -> dict[str, Any]:
        return {
            "component": each.component,
            "name": self.bundle.index.named(each.component),
            "mean": span(each.mean),
            "contrast": span(each.contrast),
            "active": rate(each.active),
            "elsewhere": rate(each.elsewhere),
            "told": span(each.told),
            "held": span(each.held),
            "reach": sound(each.reach),
            "pictures": self._names(each.places),
        }

    def _looks(self) -> dict[str, list[str]]:
        """What each picture that was named shows, and what it is called."""
        names, labels, shares = self.bundle.reference.names, self.bundle.model.labels, self.shares
        return {names[each]: [labels[shares.truth[each]], labels[shares.said[each]]] for each in sorted(self._met)}

    def _names(self, places: Sequence[int]) -> list[str]:
        self._met.update(places)
        return [self.bundle.reference.names[each] for each in places]

    def _counted(self, classes: np.ndarray) -> dict[str, int]:
        """How often each class, the commonest first."""
        labels = self.bundle.model.labels
        found = Counter(classes.tolist())
        return {labels[each]: found[each] for each in sorted(found, key=lambda each: (-found[each], each))}
