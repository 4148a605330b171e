"""Edits as their control says them: the operation, the number in the control's own unit, the tokens reached."""

from __future__ import annotations

from typing import Any

from core.types import Edit, Op
from pages.parts.opened import Opened

EXACT = 6  # decimals: what a p99 was multiplied by comes back as it was typed


def setting(opened: Opened, edit: Edit) -> dict[str, Any]:
    """One edit of the plan for the browser."""
    value, unit = amount_of(opened, edit)
    return {
        "index": edit.component,
        "name": opened.name_of(edit.component),
        "op": edit.op.value,
        "strength": value,
        "unit": unit,
        "scope": edit.scope.value,
        "patches": list(edit.patches),
    }


def amount_of(opened: Opened, edit: Edit) -> tuple[float, str]:
    """The number of an edit with its unit: `factor`, `p99` of the tokens reached, or `code` where none is known."""
    if edit.op is Op.SCALE:
        return edit.strength, "factor"
    card = opened.bundle.index.get(edit.component)
    unit = 0.0 if card is None else card.unit(edit.scope)
    return (round(edit.strength / unit, EXACT), "p99") if unit > 0 else (edit.strength, "code")


def reach(opened: Opened) -> dict[str, Any]:
    """Where an edit can have an effect at all: which tokens the dictionary speaks for, and which the answer reads."""
    tokens, model = opened.bundle.sae.convention.tokens, opened.model
    return {
        "cls": tokens != "patches",
        "patches": tokens != "cls" and not (model.is_last and model.reads_class_token),
        "signed": not opened.bundle.sae.convention.non_negative,
        "speaks_for": tokens,
    }
