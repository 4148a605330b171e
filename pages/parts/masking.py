"""What the margin loses when a patch of a picture is masked: measured once, for whoever asks to see it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from core.masking import at_once, masked_logits
from core.model import Clip
from pages.parts.at_work import at_work
from pages.parts.opened import Opened
from pages.parts.rig import Rig
from pages.parts.visits import facing

_DIGITS = 3  # of a logit; pieces agree with single passes to the fourth


@dataclass
class Masking:
    """One picture's patches, masked one after another; whoever waits for it shares what is done."""

    model: Clip
    file: str
    logits: list[list[float]] = field(default_factory=list[list[float]])  # by patch, as far as it has come
    _one: threading.Lock = field(default_factory=threading.Lock)

    @property
    def of(self) -> int:
        """How many patches there are."""
        return self.model.grid**2

    def go_on(self, here: Rig) -> None:
        """Mask the next few patches; predictions, which people wait for, come in between."""
        with self._one:
            done = len(self.logits)
            if done == self.of:
                return
            with here.gate:
                pixels = self.model.pixels(here.picture_file(self.file).read_bytes())
                patches = range(done, min(done + at_once(self.model), self.of))
                self.logits.extend(torch.cat(list(masked_logits(self.model, pixels, patches))).tolist())


@dataclass(frozen=True)
class Asked:
    """A picture, and the margin that is asked about: of one class over another, by their places."""

    opened: Opened
    target: int
    against: int


def masking_asked(here: Rig, token: str, target: str, against: str) -> Asked | None:
    """What the owner of `token` asks about; None where no picture is open, or the map is no tool of theirs."""
    who = at_work(here, token, "masking")
    return who and _between(facing(here, who.opened, who.tools, who.records, who.task), target, against)


def masking_at(here: Rig, opened: Opened, target: str, against: str) -> dict[str, Any] | None:
    """The whole map of one picture, as it is shown in a replay."""
    asked = _between(opened, target, against)
    return None if asked is None else list(masking(here, asked))[-1]


def masking(here: Rig, asked: Asked) -> Iterator[dict[str, Any]]:
    """How far it has come, and at the end each patch's `falls`: the margin, without edits, less that with it masked."""
    opened = asked.opened
    shared = here.maskings.recall(opened.pinned, lambda: Masking(opened.model, opened.picture))
    while len(shared.logits) < shared.of:
        yield {"done": len(shared.logits), "of": shared.of, "falls": None}
        shared.go_on(here)
    logits = np.array(shared.logits)
    clean = opened.seen.clean.margin(asked.target, asked.against)
    falls = clean - (logits[:, asked.target] - logits[:, asked.against])
    # rounded, so that what is nothing but another rounding is 0; and -0.0 is 0
    yield {"done": shared.of, "of": shared.of, "falls": [round(fall, _DIGITS) + 0.0 for fall in falls.tolist()]}


def _between(opened: Opened, target: str, against: str) -> Asked | None:
    labels = opened.model.labels
    if target == against or not {target, against} <= set(labels):
        return None
    return Asked(opened, labels.index(target), labels.index(against))
