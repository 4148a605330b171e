"""The ripple of a participant's present plan, for the workspace to fetch once the prediction is on the screen."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from core.model import Clip
from core.ripple import Control, Piece, ReferenceSet, control, gated_pieces, planned
from core.steering import check_plan
from core.types import Ripple, SteeringPlan, TillerError
from pages.parts.aftermath import aftermath
from pages.parts.at_work import at_work
from pages.parts.board import state_of
from pages.parts.counts import Counted, ends, net_board, tally, weighed, worst_in
from pages.parts.gallery import address_of, url_of
from pages.parts.opened import Opened
from pages.parts.rig import Rig
from pages.parts.visits import may_open, sets_of
from study.history import plan_in
from study.scenarios import plan_kept
from study.script.part import ELSEWHERE

SHAMS: tuple[tuple[Control, int], ...] = (("flipped", 0), ("random", 0), ("random", 1), ("random", 2))


@dataclass(frozen=True)
class Asked:
    """A picture, a plan, and which of the tools that show other pictures the participant has."""

    opened: Opened
    plan: SteeringPlan
    tools: frozenset[str]

    @property
    def key(self) -> Hashable:
        """What the answer hangs on."""
        names = tuple((component, given.called) for component, given in self.opened.names.items())
        return self.opened.pinned, self.opened.hidden, self.opened.kept_back, names, self.plan, self.tools


@dataclass
class _Measuring:
    """What is known so far; `sham` holds the finished ones, each as the counts of every set."""

    asked: Asked
    sets: list[Counted]
    urls: dict[str, tuple[str, str]]
    shams: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    own: dict[str, Any] | None = None  # of the task's picture

    def board(self, *, done: bool = False) -> dict[str, Any]:
        """Everything so far, as plain values; the pictures by name once all of them are measured."""
        plan, found = self.asked.plan, {one.kind: one.ripple for one in self.sets}
        named = [each for one in self.sets for each in one.pictures(self.urls)] if self.urls else []
        return {
            "state": state_of(self.asked.opened, plan),
            "edits": len(plan),
            "done": done,
            "own": self.own,
            "sets": [one.board() for one in self.sets],
            "net": net_board(weighed(found)),
            "shams": self.shams,
            "of_shams": len(SHAMS) if plan else 0,
            "worst": worst_in(found.get("reference")),
            "pictures": ends(named),
        }


def asked_by(here: Rig, token: str, scenario: str = "") -> Asked | None:
    """What stands for the owner of `token`, or one of their scenarios; None where it is not there, or not for them."""
    who = at_work(here, token, "ripple")
    if who is None:
        return None
    plan = plan_kept(who.records, who.task, scenario) if scenario else plan_in(who.records, who.task)
    return None if plan is None else Asked(who.opened, plan, ELSEWHERE & who.tools)


def known_ripple(here: Rig, asked: Asked) -> dict[str, Any] | None:
    """What `ripple_under` would say, if it was measured before."""
    return here.ripples.peek(asked.key)


def ripple_under(here: Rig, asked: Asked) -> dict[str, Any]:
    """What a plan does to other pictures, all of it; measured once for each plan."""
    known = known_ripple(here, asked)
    return known if known is not None else list(measuring(here, asked))[-1]


def measuring(here: Rig, asked: Asked) -> Iterator[dict[str, Any]]:
    """The same as it comes: a few pictures first, then all of them, then the shams; each with all that is known so far.

    An empty one says that there is nothing new yet, and that somebody else may have a turn.
    """
    opened, plan = asked.opened, asked.plan
    bundle, model = opened.bundle, opened.model
    check_plan(plan, bundle.sae, model)
    with here.gate:
        known = sets_of(here, opened, asked.tools)
        sets = [found for kind, one in known.items() if (found := _counted(kind, model, one))]
    names = may_open(here, known, asked.tools)
    urls = {name: (address_of(name, bundle), url_of(name, 96, bundle)) for name in names}
    now = _Measuring(asked, sets, urls)
    for one in sets:
        own = partial(planned, bundle.sae, one.reference, plan)
        for piece in gated_pieces(model, one.reference, own, here.gate):  # predictions come in between
            one.pieces.append(piece)
            yield now.board()
    now.own = aftermath(here, opened, plan)
    yield now.board()
    for kind, seed in SHAMS if plan else ():
        counts: dict[str, Ripple] = {}
        for one in sets:
            came: list[Piece] = []
            sham = partial(control, bundle.sae, one.reference, plan, kind, seed)
            for piece in gated_pieces(model, one.reference, sham, here.gate):
                came.append(piece)
                yield {}
            counts[one.kind] = tally(came, one.truth, one.labels)
        net = net_board(weighed(counts))
        said = [{"fixed": one.fixed, "broken": one.broken} for one in counts.values()]
        now.shams.append({"kind": kind, "net": net, "sets": said})
        yield now.board()
    yield here.ripples.recall(asked.key, lambda: now.board(done=True))


def _counted(kind: str, model: Clip, reference: ReferenceSet) -> Counted | None:
    """Nothing of the set counted yet; None where it has pictures of classes that the task does not."""
    try:
        return Counted.of(kind, model, reference)
    except TillerError:
        return None
