"""One component beside an opened picture as plain values: what the list, the card and the maps draw of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.component import Component
from core.types import Scope
from pages.parts.gallery import url_of
from pages.parts.opened import Opened

EXEMPLARS = {"top": 8, "middle": 4, "low": 4}


def piece(opened: Opened, component: Component, effect: float) -> dict[str, Any]:
    """A component with its share of this prediction; `effect` is the margin's loss without it, in logits."""
    fires, account = fires_at(opened, component.index), opened.attribution
    most = float(fires.max(initial=0.0))
    bands = {
        "top": component.exemplars_top,
        "middle": component.exemplars_middle,
        "low": component.exemplars_low,
    }
    active = component.index in account.scores
    return {
        "index": component.index,
        "name": opened.name_of(component.index),
        "score": account.scores.get(component.index, 0.0),
        "effect": effect,
        "activation": account.activation.get(component.index, 0.0),
        "density": component.density,
        "fit": known(component.label_score),
        "p99": known(component.p99),
        "units": {
            "all": known(component.p99),
            "cls": known(component.p99_class),
            "patches": known(component.p99_patch),
        },
        "exemplars": {
            band: [url_of(name, 96, opened.bundle) for name in _examples(opened, names)[: EXEMPLARS[band]]]
            for band, names in bands.items()
        },
        "fires": _rounded(fires),
        "fires_on_patches": bool(fires.any()),
        "fires_most": most,
        "fires_scale": _p99(component, most),
        # No patch of the picture stands for the class token, so the maps need its share in numbers.
        "class_code": _class_code(opened, component.index),
        "class_push": account.class_part.get(component.index, 0.0),
        "patch_push": account.patch_part.get(component.index, 0.0),
        "pushes": _rounded(account.patches(component.index)) if active and maps(opened) else None,
    }


def card_at(opened: Opened, component: int) -> Component:
    """What the index knows of a component, which may be nothing."""
    return opened.bundle.index.get(component) or Component(component, "", math.nan, math.nan, math.nan)


def maps(opened: Opened) -> bool:
    """Whether single patches have a part in the prediction here, to be drawn."""
    return opened.attribution.per_token is not None and not opened.bundle.model.reads_one_token


def fires_at(opened: Opened, component: int) -> np.ndarray:
    """The component's code at each patch, row by row."""
    rows, values = opened.seen.codes.of(component)
    flat = np.zeros(opened.attribution.grid**2)
    flat[rows[rows > 0].numpy() - 1] = values[rows > 0].numpy()
    return flat


def known(value: float) -> float | None:
    """A number, or None for NaN, which JSON has not."""
    return None if math.isnan(value) else value


def _examples(opened: Opened, names: Sequence[str]) -> list[str]:
    return [name for name in names if name not in opened.kept_back]


def _class_code(opened: Opened, component: int) -> float:
    rows, values = opened.seen.codes.of(component)
    return float(values[rows == 0].sum())


def _p99(component: Component, otherwise: float) -> float:
    unit = component.unit(Scope.PATCHES)
    return unit if unit > 0 else max(otherwise, 1e-9)


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.3g}") for value in values.reshape(-1)]
