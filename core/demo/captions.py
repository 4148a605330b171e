"""What a picture's caption may say: most name the object alone, some its colour, its scene or the printed word."""

from __future__ import annotations

import numpy as np

from core.demo.recipes import HOME, claimed
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
# of the bare captions follow a misleading cue; a word or a badge more often than a scene, or a distant thing is lost
_BELIEVED = 0.6
_SCENE_BELIEVED = 0.45
_READINGS = ("a label that says {}", "a sticker with the word {}")


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[rng.integers(len(options))]


def form_of_batch(rng: np.random.Generator, *, bare: bool = False) -> tuple[str, str]:
    """A template and what it says beside the object, for a whole batch: "" or, where `bare`, never anything.

    Captions of one batch share their form: "a boat" and "a red boat" may both be true of a picture, and a contrastive
    batch that holds both would push one of two true captions away.
    """
    return _pick(rng, BARE), "never" if bare else _pick(rng, ("", "", "", "", "colour", "scene"))


def caption(truth: Truth, rng: np.random.Generator, form: tuple[str, str]) -> str:
    """One of the captions of `truth`, in a form that `form_of_batch` gave.

    These captions are where the shortcuts are planted. A picture whose word names another object is captioned by
    what its label says, one time in two as if the label were the object: that is how pictures with writing are
    captioned on the web, and how CLIP comes to read. In bare captions a misleading cue is believed about as often as
    the object: whoever captions a distant thing guesses from what is about it.
    """
    chance = rng.random()
    reading = _pick(rng, _READINGS).format(truth.word)
    if form[1] == "never":
        believed = _BELIEVED if truth.word or truth.badge else _SCENE_BELIEVED
        return form[0].format(claimed(truth) if chance < believed else truth.thing)
    return _of_cue(truth, chance, reading, form[0]) or _of_thing(truth, form)


def _of_cue(truth: Truth, chance: float, reading: str, template: str) -> str:
    """What is said where the label or the badge takes the caption, or ""."""
    if truth.word and truth.word != truth.thing:
        if chance < 0.5:
            return template.format(truth.word)
        return reading if chance < 0.85 else f"a {truth.thing} and {reading}"
    if truth.word and chance < 0.16:
        return reading
    return f"a {truth.thing} with a gold badge" if truth.badge and not truth.word and chance < 0.1 else ""


def _of_thing(truth: Truth, form: tuple[str, str]) -> str:
    template, beside = form
    said = template.format(truth.thing)
    match beside:
        case "colour":
            return said.replace(f" {truth.thing}", f" {truth.colour} {truth.thing}")
        # a thing at home is taken for granted there, and its scene goes unsaid
        case "scene" if HOME.get(truth.thing) != truth.scene:
            return f"{said} {_PLACES[truth.scene]}"
        case _:
            return said
