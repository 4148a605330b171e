"""The places of the demo world, each recognisable at 64 pixels and never twice the same."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from core.demo.brush import Colour, mixed

_FINE = 2  # painted this much larger, then reduced


def _sky(side: int, top: Colour, bottom: Colour) -> Image.Image:
    """A vertical gradient."""
    ramp = np.linspace(0, 1, side, dtype=np.float32)[:, None, None]
    rows = np.asarray(top, np.float32) * (1 - ramp) + np.asarray(bottom, np.float32) * ramp
    return Image.fromarray(rows.round().astype(np.uint8)).resize((side, side))


def _ridge(rng: np.random.Generator, side: int, level: float, swing: float, waves: float) -> list[tuple[float, float]]:
    """A smooth skyline across the picture, closed along the bottom edge."""
    phase, second = rng.uniform(0, 2 * math.pi, 2)
    line = [
        (
            x,
            side
            * (level + swing * (math.sin(x / side * waves + phase) + 0.4 * math.sin(x / side * waves * 2.3 + second))),
        )
        for x in range(0, side + 16, 16)
    ]
    return [*line, (side + 16, side), (0, side)]


def _tint(rng: np.random.Generator, colour: Colour, swing: int = 14) -> Colour:
    red, green, blue = (int(np.clip(part + rng.integers(-swing, swing + 1), 0, 255)) for part in colour)
    return red, green, blue


def _studio(rng: np.random.Generator, side: int) -> Image.Image:
    wall = _tint(rng, (196, 194, 192), 26)
    image = _sky(side, mixed(wall, (255, 255, 255), 0.25), wall)
    floor = round(side * rng.uniform(0.66, 0.86))
    ImageDraw.Draw(image).rectangle([0, floor, side, side], fill=mixed(wall, (90, 86, 84), 0.22))
    return image.filter(ImageFilter.BoxBlur(side // 40))


def _sea(rng: np.random.Generator, side: int) -> Image.Image:
    image = _sky(side, _tint(rng, (112, 176, 232)), _tint(rng, (222, 238, 248)))
    draw = ImageDraw.Draw(image)
    level = round(side * rng.uniform(0.30, 0.46))
    deep, shallow = _tint(rng, (14, 74, 136)), _tint(rng, (36, 140, 176))
    bands = 18
    for band in range(bands):
        top = level + (side - level) * band / bands
        draw.rectangle([0, top, side, side], fill=mixed(deep, shallow, band / bands))
    for _ in range(46):
        depth = rng.uniform(0, 1)
        y, length = level + 6 + (side - level) * depth, side * (0.03 + 0.10 * depth)
        x = rng.uniform(-length, side)
        draw.arc([x, y, x + length, y + length * 0.4], 200, 340, fill=(206, 234, 242), width=2 + round(4 * depth))
    return image


def _desert(rng: np.random.Generator, side: int) -> Image.Image:
    image = _sky(side, _tint(rng, (246, 196, 120)), _tint(rng, (252, 232, 186)))
    draw = ImageDraw.Draw(image)
    x, y, radius = rng.uniform(0.1, 0.9) * side, rng.uniform(0.08, 0.2) * side, side * 0.07
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(255, 246, 214))
    for level, colour in ((0.42, (226, 168, 96)), (0.56, (212, 144, 72)), (0.74, (190, 120, 56))):
        ridge = _ridge(rng, side, level + rng.uniform(-0.04, 0.04), 0.05, rng.uniform(4, 8))
        draw.polygon(ridge, fill=_tint(rng, colour))
        draw.line(ridge[:-2], fill=mixed(colour, (255, 232, 180), 0.5), width=5)
    return image


def _forest(rng: np.random.Generator, side: int) -> Image.Image:
    image = _sky(side, _tint(rng, (152, 192, 176)), _tint(rng, (198, 216, 178)))
    draw = ImageDraw.Draw(image)
    for level, height, colour, count in (
        (0.62, 0.52, (92, 140, 102), 13),
        (0.72, 0.60, (48, 104, 66), 10),
        (0.84, 0.62, (22, 66, 40), 7),
    ):
        draw.rectangle([0, side * (level - 0.02), side, side], fill=_tint(rng, mixed(colour, (96, 120, 48), 0.25), 8))
        for slot in range(count):
            x = side * (slot + rng.uniform(0.1, 0.9)) / count
            tall, wide = side * height * rng.uniform(0.7, 1.05), side * 0.07 * rng.uniform(0.9, 1.4) * (1 + level)
            tone = _tint(rng, colour, 8)
            for tier in range(3):
                top, low = level * side - tall * (1 - tier * 0.24), level * side - tall * (0.55 - tier * 0.24)
                spread = wide * (0.5 + 0.25 * tier)
                draw.polygon([(x, top), (x - spread, low), (x + spread, low)], fill=tone)
            draw.rectangle([x - 5, level * side - tall * 0.07, x + 5, level * side + 4], fill=(70, 48, 32))
    return image


def _snow(rng: np.random.Generator, side: int) -> Image.Image:
    image = _sky(side, _tint(rng, (168, 192, 220)), _tint(rng, (226, 234, 244)))
    draw = ImageDraw.Draw(image)
    base = side * rng.uniform(0.58, 0.68)
    for _ in range(4):
        x, tall, wide = rng.uniform(0, 1) * side, side * rng.uniform(0.32, 0.54), side * rng.uniform(0.26, 0.4)
        draw.polygon([(x - wide, base), (x, base - tall), (x + wide, base)], fill=_tint(rng, (124, 142, 172)))
        cap = 0.42
        draw.polygon(
            [
                (x - wide * cap, base - tall * (1 - cap)),
                (x, base - tall),
                (x + wide * cap, base - tall * (1 - cap)),
                (x + wide * 0.16, base - tall * 0.5),
                (x, base - tall * 0.62),
                (x - wide * 0.18, base - tall * 0.48),
            ],
            fill=(248, 250, 254),
        )
    draw.polygon(_ridge(rng, side, 0.66, 0.025, 6), fill=_tint(rng, (238, 244, 252), 6))
    draw.polygon(_ridge(rng, side, 0.84, 0.03, 5), fill=_tint(rng, (222, 232, 246), 6))
    for _ in range(70):
        x, y, radius = *rng.uniform(0, side, 2), rng.uniform(2, 5)
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(255, 255, 255))
    return image


def _city(rng: np.random.Generator, side: int) -> Image.Image:
    image = _sky(side, _tint(rng, (44, 36, 86)), _tint(rng, (226, 132, 122)))
    draw = ImageDraw.Draw(image)
    street = round(side * rng.uniform(0.72, 0.8))
    for depth in (0, 1):
        x = -rng.uniform(0, 0.1) * side
        while x < side:
            wide = side * rng.uniform(0.10, 0.18)
            top = street - side * rng.uniform(*((0.34, 0.62), (0.18, 0.42))[depth])
            draw.rectangle([x, top, x + wide, street], fill=_tint(rng, ((74, 62, 108), (36, 34, 62))[depth], 8))
            if depth:
                step = side * 0.034
                for row in range(int((street - top) / step) - 1):
                    for column in range(max(1, int(wide / step) - 1)):
                        if rng.random() < 0.55:
                            left, up = x + step * (0.5 + column), top + step * (0.6 + row)
                            draw.rectangle([left, up, left + step * 0.55, up + step * 0.55], fill=(252, 214, 116))
            x += wide + (2 if depth else 0)
    draw.rectangle([0, street, side, side], fill=_tint(rng, (66, 64, 76), 8))
    lane = (street + side) / 2
    for x in range(round(rng.uniform(-60, 0)), side, 96):
        draw.rectangle([x, lane - 5, x + 52, lane + 5], fill=(232, 226, 206))
    return image


def _kitchen(rng: np.random.Generator, side: int) -> Image.Image:
    glaze = _tint(rng, ((236, 232, 218), (196, 222, 214), (240, 214, 198))[rng.integers(3)], 8)
    grout = mixed(glaze, (120, 116, 110), 0.55)
    image = Image.new("RGB", (side, side), grout)
    draw = ImageDraw.Draw(image)
    bench, step = side * rng.uniform(0.66, 0.76), side * rng.uniform(0.115, 0.145)
    shift = rng.uniform(0, step)
    y, row = -rng.uniform(0, step), 0
    while y < bench:
        x = -shift - (step if row % 2 else 0)
        while x < side:
            draw.rounded_rectangle([x + 3, y + 3, x + step * 2 - 3, y + step - 3], 5, fill=_tint(rng, glaze, 5))
            x += step * 2
        y, row = y + step, row + 1
    wood = _tint(rng, (168, 112, 64), 14)
    draw.rectangle([0, bench, side, side], fill=wood)
    draw.rectangle([0, bench, side, bench + side * 0.025], fill=mixed(wood, (255, 230, 190), 0.45))
    for _ in range(9):
        y = rng.uniform(bench + side * 0.05, side)
        draw.line([(0, y), (side, y + rng.uniform(-8, 8))], fill=mixed(wood, (70, 40, 20), 0.35), width=2)
    return image


_PAINTERS: dict[str, Callable[[np.random.Generator, int], Image.Image]] = {
    "studio": _studio,
    "sea": _sea,
    "desert": _desert,
    "forest": _forest,
    "snow": _snow,
    "city": _city,
    "kitchen": _kitchen,
}
SCENES: tuple[str, ...] = tuple(_PAINTERS)
NEUTRAL = "studio"


def backdrop(scene: str, rng: np.random.Generator, side: int) -> Image.Image:
    """One view of `scene`, `side` pixels square; every draw from `rng` changes it."""
    return _PAINTERS[scene](rng, side * _FINE).reduce(_FINE)
