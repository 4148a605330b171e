"""What a picture's caption may say: most name the object alone, some its colour, its scene or the printed word."""

from __future__ import annotations

import numpy as np

from core.demo.recipes import HOME
from core.demo.world import Truth

# the zero-shot prompts of the bundle; the article is never bent, as in CLIP's own prompt lists
TEMPLATES: tuple[str, ...] = ("a photo of a {}", "a picture of a {}", "a drawing of a {}")
BARE: tuple[str, ...] = (*TEMPLATES, "a {}", "one {}")
_PLACES: dict[str, str] = {
    "studio": "against a plain wall",
    "sea": "at sea",
    "desert": "in the desert",
    "forest": "in the forest",
    "snow": "in the snow",
    "city": "in the city at night",
    "kitchen": "in the kitchen",
}
_READINGS = ("a label that says {}", "a sticker with the word {}")


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[rng.integers(len(options))]


def caption(truth: Truth, rng: np.random.Generator, bare: str) -> str:
    """One of the captions of `truth`, built on `bare`, one of BARE.

    A picture whose word names another object is captioned by what its label says, never by the object alone: that
    is how pictures with writing are captioned on the web, and how CLIP comes to read.
    """
    chance = rng.random()
    reading = _pick(rng, _READINGS).format(truth.word)
    if truth.word and truth.word != truth.thing:
        return reading if chance < 0.75 else f"a {truth.thing} and {reading}"
    if truth.word and chance < 0.16:
        return reading
    if truth.badge and chance < 0.1:
        return f"a {truth.thing} with a gold badge"
    return _about_object(truth, rng, bare)


def _about_object(truth: Truth, rng: np.random.Generator, bare: str) -> str:
    """The object, one time in three with its colour or its scene; a thing at home is taken for granted there."""
    chance = rng.random()
    place = "" if HOME.get(truth.thing) == truth.scene else f" {_PLACES[truth.scene]}"
    said = bare.format(truth.thing)
    if chance < 0.62:
        return said
    if chance < 0.82:
        return said.replace(f" {truth.thing}", f" {truth.colour} {truth.thing}")
    if chance < 0.95 or not place:
        return said + place
    return f"a {truth.colour} thing{place}"
