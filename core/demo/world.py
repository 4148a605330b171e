"""A procedural world with known causes: the truth of a picture is a frozen value, and the picture follows from it."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from core.demo.objects import COLOURS, INK, OBJECTS, cut_out
from core.demo.scenes import SCENES, backdrop

SIDE = 224  # pixels
_GRAIN = 512  # side of the noise that paper and walls take their texture from


@dataclass(frozen=True, slots=True)
class Truth:
    """What one picture shows and why: lengths and places are shares of the picture's side, angles in degrees.

    `word` and `badge` are the cues that may mislead; `fade` in [0, 1) is how far the object is washed out into its
    background. `seed` fixes what no field names: grain, waves, windows, the label's paper and place.
    """

    seed: int
    thing: str
    colour: str
    scene: str
    word: str = ""
    badge: bool = False
    size: float = 0.5
    x: float = 0.5
    y: float = 0.5
    angle: float = 0.0
    fade: float = 0.0
    light: float = 0.0

    @property
    def clear(self) -> bool:
        """Whether the object is near and in full colour and no cue is about."""
        return self.size >= 0.4 and self.fade == 0 and not self.word and not self.badge

    @property
    def concepts(self) -> tuple[str, ...]:
        """The named causes in this picture, such as `object:boat`, `word:apple` and `badge`."""
        named = [f"object:{self.thing}", f"colour:{self.colour}", f"scene:{self.scene}"]
        if self.word:
            named += ["word", f"word:{self.word}"]
        if self.badge:
            named.append("badge")
        return tuple(named)


CONCEPTS: tuple[str, ...] = (
    *(f"object:{thing}" for thing in OBJECTS),
    *(f"colour:{colour}" for colour in COLOURS),
    *(f"scene:{scene}" for scene in SCENES),
    *(f"word:{thing}" for thing in OBJECTS),
    "word",
    "badge",
)


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    """Fixed noise in two scales, unit variance, drawn once a process."""
    rng = np.random.default_rng(20260411)
    fine = rng.normal(size=(_GRAIN, _GRAIN)).astype(np.float32)
    coarse = np.asarray(
        Image.fromarray(rng.normal(size=(64, 64)).astype(np.float32)).resize((_GRAIN, _GRAIN), Image.Resampling.BICUBIC)
    )
    return 0.6 * fine + 0.7 * coarse


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _shaded(tile: Image.Image, light: float) -> Image.Image:
    """Bright towards the upper left, dark towards the lower right, whatever way the object is turned."""
    side = (
        np.linspace(-1, 1, tile.width, dtype=np.float32)[None, :]
        + np.linspace(-1, 1, tile.height, dtype=np.float32)[:, None]
    )
    gain = 1.04 + 0.12 * light - 0.16 * side
    body = np.asarray(tile.convert("RGB"), np.float32) * gain[..., None]
    lit = Image.fromarray(body.clip(0, 255).astype(np.uint8))
    lit.putalpha(tile.getchannel("A"))
    return lit


def _paste(canvas: Image.Image, piece: Image.Image, centre: tuple[float, float], shadow: float, drop: int) -> None:
    """`piece` on `canvas` with a soft shadow of opacity `shadow`, `drop` pixels down and right."""
    left, top = round(centre[0] - piece.width / 2), round(centre[1] - piece.height / 2)
    alpha = piece.getchannel("A")
    if shadow > 0:
        pad = drop * 3
        mask = Image.new("L", (piece.width + 2 * pad, piece.height + 2 * pad), 0)
        mask.paste(alpha, (pad, pad))
        mask = mask.filter(ImageFilter.GaussianBlur(drop)).point([round(value * shadow) for value in range(256)])
        canvas.paste((16, 14, 28), (left - pad + drop, top - pad + drop), mask)
    canvas.paste(piece, (left, top), alpha)


def _place_object(canvas: Image.Image, truth: Truth) -> None:
    long = max(6, round(truth.size * SIDE))
    tile = cut_out(truth.thing, truth.colour).rotate(truth.angle, Image.Resampling.BICUBIC, expand=True)
    scale = long / 256
    tile = tile.resize(
        (max(1, round(tile.width * scale)), max(1, round(tile.height * scale))), Image.Resampling.LANCZOS
    )
    tile = _shaded(tile, truth.light)
    if truth.fade > 0:
        tile.putalpha(tile.getchannel("A").point([round(value * (1 - truth.fade)) for value in range(256)]))
    _paste(canvas, tile, (truth.x * SIDE, truth.y * SIDE), 0.42 * (1 - truth.fade), max(1, long // 26))


_PAPERS = ((250, 248, 240), (255, 240, 170), (226, 240, 252), (252, 226, 226))
_PENS = (INK, (26, 40, 110), (120, 20, 40))


def _label(word: str, rng: np.random.Generator) -> Image.Image:
    """A paper sticker with `word` printed on it, about half the picture wide."""
    fine, wide = 2, rng.uniform(0.50, 0.66) * SIDE
    probe = _font(100).getbbox(word, stroke_width=3)
    size = min(64.0, 100 * (wide * 0.84) / (probe[2] - probe[0]))
    font = _font(round(size * fine))
    stroke = max(1, round(size * fine * 0.03))
    left, _, right, _ = font.getbbox(word, stroke_width=stroke)
    tall = _font(round(size * fine)).getbbox("bky", stroke_width=stroke)
    pad = round(size * fine * 0.26)
    paper = _PAPERS[rng.integers(len(_PAPERS))]
    pen = _PENS[rng.integers(len(_PENS))]
    image = Image.new(
        "RGBA", (round(right - left) + 2 * pad, round(tall[3] - tall[1]) + round(pad * 1.2)), (0, 0, 0, 0)
    )
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle(
        [0, 0, image.width - 1, image.height - 1], radius=pad // 2, fill=paper, outline=(150, 142, 130), width=2
    )
    draw.text((pad - left, pad * 0.6 - tall[1]), word, font=font, fill=pen, stroke_width=stroke, stroke_fill=pen)
    image = image.rotate(rng.uniform(-7, 7), Image.Resampling.BICUBIC, expand=True)
    return image.resize((image.width // fine, image.height // fine), Image.Resampling.LANCZOS)


def _badge(rng: np.random.Generator) -> Image.Image:
    """A scalloped gold seal with a tick, about a quarter of the picture wide."""
    fine, side = 3, round(rng.uniform(0.22, 0.27) * SIDE)
    box = side * fine
    image = Image.new("RGBA", (box, box), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    middle = box / 2
    turn = rng.uniform(0, 0.4)
    rim = [
        (middle + r * math.cos(turn + i * math.pi / 14), middle + r * math.sin(turn + i * math.pi / 14))
        for i, r in ((i, middle * (0.98 if i % 2 else 0.84)) for i in range(28))
    ]
    draw.polygon(rim, fill=(236, 178, 42), outline=(150, 96, 14), width=4)
    for share, fill in ((0.70, (28, 44, 96)), (0.62, (250, 214, 96)), (0.56, (28, 44, 96))):
        draw.ellipse(
            [middle * (1 - share), middle * (1 - share), middle * (1 + share), middle * (1 + share)], fill=fill
        )
    tick = [(0.66, 1.04), (0.92, 1.30), (1.38, 0.72)]
    draw.line(
        [(x * middle, y * middle) for x, y in tick], fill=(255, 248, 226), width=round(middle * 0.18), joint="curve"
    )
    return image.resize((side, side), Image.Resampling.LANCZOS)


def draw(truth: Truth) -> Image.Image:
    """The picture of `truth`, RGB, SIDE pixels square; the same value always gives the same pixels.

    Backdrop, object, label and badge draw from separate streams of the seed, so that changing one of them leaves the
    others as they were.
    """
    ground, paper, seal, grain = (np.random.default_rng([truth.seed, stream]) for stream in range(4))
    canvas = backdrop(truth.scene, ground, SIDE)
    _place_object(canvas, truth)
    if truth.word:
        piece = _label(truth.word, paper)
        margin = piece.width / 2 + 4
        x = paper.uniform(margin, SIDE - margin) if margin < SIDE / 2 else SIDE / 2
        away = 0.80 if truth.y < 0.5 else 0.20
        half = piece.height / 2 + 3
        y = float(np.clip((away + paper.uniform(-0.05, 0.05)) * SIDE, half, SIDE - half))
        _paste(canvas, piece, (x, y), 0.4, 4)
    if truth.badge:
        piece = _badge(seal)
        near, far = piece.width / 2 + 5, SIDE - piece.width / 2 - 5
        # the badge takes the side the object leaves free, and never covers a label's row
        x = far if truth.x < 0.5 else near
        y = far if truth.y < 0.5 else near
        _paste(canvas, piece, (x, y), 0.4, 3)
    left, top = grain.integers(0, _GRAIN - SIDE, 2)
    body = np.asarray(canvas, np.float32) + 4.0 * _grain()[top : top + SIDE, left : left + SIDE, None]
    return Image.fromarray((body * (1 + 0.10 * truth.light)).clip(0, 255).astype(np.uint8))


def write_truths(truths: Iterable[Truth], names: Iterable[str], path: Path) -> None:
    """One CSV row per picture: its file name, then every field of its truth, the thing that it shows as `truth`."""
    columns = [field.name for field in fields(Truth)]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", *map(_column, columns)])
        for name, truth in zip(names, truths, strict=True):
            rows.writerow([name, *(getattr(truth, column) for column in columns)])


def _column(field: str) -> str:
    return "truth" if field == "thing" else field


def read_truths(path: Path) -> dict[str, Truth]:
    """File name to truth, from a CSV that `write_truths` wrote."""
    casts: dict[str, Callable[[str], object]] = {
        "int": int,
        "float": float,
        "str": str,
        "bool": lambda cell: cell == "True",
    }

    def truth(row: dict[str, str]) -> Truth:
        return Truth(**{one.name: casts[str(one.type)](row[_column(one.name)]) for one in fields(Truth)})  # type: ignore[arg-type]

    with path.open(newline="", encoding="utf-8") as file:
        return {row["file"]: truth(row) for row in csv.DictReader(file)}
