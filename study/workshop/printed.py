"""A word printed on a picture, written down: what was done to it, and what the model said before and after."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.misreading import Misreading
    from core.model import Clip
    from core.types import Prediction


def told_of(image: Path, word: str, clip: Clip, found: Misreading, target: int, seed: int) -> dict[str, Any]:
    """What was done to a picture and what the model made of it, for the record of a study."""
    width, height = found.size
    place = found.placement
    return {
        "intervention": "typographic",
        "word": word,
        "claims": clip.labels[target],
        "falls": found.falls,
        "seed": seed,
        "polygon": [list(point) for point in found.polygon],
        "size": [width, height],
        "covers": round(found.covers, 4),
        "placement": {name: round(getattr(place, name), 4) for name in place.__slots__},
        "tried": found.tried,
        "source": {"file": image.name, "sha256": sha256(image.read_bytes())},
        "model": {"name": clip.name, "sha256": clip.digest},
        "labels": list(clip.labels),
        "templates": list(clip.templates),
        **{
            name: _said(prediction, margin)
            for name, prediction, margin in zip(
                ("before", "after", "sham"), (found.before, found.after, found.sham), found.margins, strict=True
            )
        },
    }


def _said(prediction: Prediction, margin: float) -> dict[str, Any]:
    return {"label": prediction.top, "probabilities": list(prediction.probs), "margin": margin}


def plain_name(word: str) -> str:
    """The word as a part of a file's name."""
    kept = "".join(each if each.isalnum() else "-" for each in word.casefold())
    return kept.strip("-") or "word"


def sha256(content: bytes) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()
