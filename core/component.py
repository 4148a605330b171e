"""What is known of one latent of a dictionary, as a plain frozen value; no torch, no numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.types import Scope


@dataclass(frozen=True, slots=True)
class Component:
    """What is known of one latent of a dictionary over an image set.

    `density` is the share of images in which it is active anywhere; p99 values are codes over its active tokens
    (all, class token only, patches only; NaN where it never fired there); exemplars are file names in the
    bundle's `images` folder, strongest first within each band; `follows` is the drawn concept whose presence the
    latent predicts best, with its area under the ROC curve, or "" where no ground truth exists.

    The rest is known where `tiller index build` made the card, and defined in `data/docs/index.md`: other densities are
    shares of tokens; `runner_ups` are names and scores, `neighbours` components and cosines of dictionary rows,
    `partners` components and how often they fire in the same images; a histogram's first bin begins at 2^-12, and two
    bins make a doubling.
    """

    index: int
    label: str
    label_score: float
    density: float
    p99: float
    p99_class: float = math.nan
    p99_patch: float = math.nan
    exemplars_top: tuple[str, ...] = ()
    exemplars_middle: tuple[str, ...] = ()
    exemplars_low: tuple[str, ...] = ()
    follows: str = ""
    auc: float = math.nan
    density_tokens: float = math.nan
    density_class: float = math.nan
    density_patches: float = math.nan
    maximum: float = math.nan
    clarity: float = math.nan
    monosemanticity: float = math.nan
    runner_ups: tuple[tuple[str, float], ...] = ()
    neighbours: tuple[tuple[int, float], ...] = ()
    partners: tuple[tuple[int, float], ...] = ()
    histogram_class: tuple[int, ...] = ()
    histogram_patches: tuple[int, ...] = ()

    def unit(self, scope: Scope) -> float:
        """The p99, in codes, that one step of `set` or `add` means under `scope`; NaN where none is known."""
        own = {Scope.CLASS: self.p99_class, Scope.PATCHES: self.p99_patch}.get(scope, self.p99)
        return self.p99 if math.isnan(own) else own
