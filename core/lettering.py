"""A word as ink on a piece of paper, a strip of tape or nothing but marker: what is stuck or written on things."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFilter, ImageFont, features

from core.types import TillerError

Material = Literal["paper", "tape", "marker"]
Face = Literal["hand", "print"]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

LONGEST = 40  # letters
_SIZE = 128  # of a letter, in pixels of the tile
_LINE = 12  # letters, before a word of several parts is broken into lines
_PAPERS = ((0.97, 0.96, 0.92), (0.98, 0.93, 0.62), (0.88, 0.94, 0.97), (0.95, 0.95, 0.95))
_TAPE = (0.90, 0.82, 0.62)
_PENS = ((0.07, 0.07, 0.09), (0.08, 0.12, 0.36), (0.10, 0.09, 0.10), (0.44, 0.06, 0.10))


@dataclass(frozen=True, eq=False)
class Label:
    """A word's tile: how much light it throws back, and how much it covers, both from 0 to 1."""

    colour: Float[np.ndarray, "h w 3"]
    cover: Float[np.ndarray, "h w"]
    lies_off: float  # how far its edge stands off what it is on, as a share of its height
    letters: float  # height of a line as a share of its height

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.cover.shape[1] / self.cover.shape[0]


def checked_word(word: str) -> str:
    """The word, stripped and composed.

    Raises:
        TillerError: there is nothing to print, or too much of it.
    """
    told = " ".join(unicodedata.normalize("NFC", word).split())
    if not told or not any(unicodedata.category(each)[0] in "LNPS" for each in told):
        raise TillerError("A word was to be printed and none was given; give one, such as --word zebra.")
    if len(told) > LONGEST:
        raise TillerError(f"A word of {len(told)} letters was to be printed; {LONGEST} can still be read: shorten it.")
    if strange := [each for each in told if unicodedata.category(each)[0] == "C"]:
        raise TillerError(f"The word holds {strange[0]!a}, which cannot be printed; take it out.")
    return told


def open_font(word: str, path: Path | None) -> Font:
    """A font that has every letter of `word`: the one at `path`, or the face that Pillow carries.

    Raises:
        TillerError: it is no font, or lacks a letter.
    """
    if path is None:
        font: Font = ImageFont.load_default(_SIZE)
        what, known = "The face that Pillow carries", isinstance(font, ImageFont.FreeTypeFont)
        if not known:
            raise TillerError("A word was to be printed, and this Pillow has no FreeType; install Pillow's own wheel.")
    else:
        what = f"The font {path.name}"
        try:
            font = ImageFont.truetype(path, _SIZE)
        except OSError as wrong:
            raise TillerError(f"'{path}' is no font that can be read; name a .ttf or .otf file.") from wrong
    none = _mask(font, "\U0010ffff")
    lacking = [each for each in dict.fromkeys(word) if not each.isspace() and _mask(font, each) in (none, b"")]
    if lacking:
        raise TillerError(
            f"{what} has no letter {', '.join(map(repr, lacking[:5]))} of {word!r}; name one that has it with --font."
        )
    if _joined(word) and not features.check("raqm"):
        raise TillerError(f"{word!r} is written in letters that join, and this Pillow cannot join them; add libraqm.")
    return font


def lettered(word: str, font: Font, *, material: Material, face: Face, seed: int) -> tuple[Label, Label]:
    """The label with the word, and the same label without it: blank, or a scribble where ink is all there is."""
    ink = _ink(word, font, face, np.random.default_rng([seed, 1]))
    height, width = ink.shape
    pen = np.array(_PENS[seed % len(_PENS)], np.float32)
    lines = _lines(word)
    if material == "marker":
        scribble = _scribble(width, height, len(lines), font, np.random.default_rng([seed, 2]))
        ground = np.broadcast_to(pen, (height, width, 3)).astype(np.float32)
        written, drawn = (Label(ground, 0.93 * each, 0.0, 0.8 / len(lines)) for each in (ink, scribble))
        return written, drawn
    ground, cover, lies_off = _sheet(width, height, material, np.random.default_rng([seed, 3]), seed)
    pad_y, pad_x = (ground.shape[0] - height) // 2, (ground.shape[1] - width) // 2
    spread = np.zeros(cover.shape, np.float32)
    spread[pad_y : pad_y + height, pad_x : pad_x + width] = ink
    written = ground + (pen - ground) * 0.94 * spread[..., None]
    letters = 0.8 * height / len(lines) / cover.shape[0]
    return Label(written, cover, lies_off, letters), Label(ground, cover, lies_off, letters)


def noise(rng: np.random.Generator, height: int, width: int, cells: float) -> Float[np.ndarray, "h w"]:
    """Smooth noise with unit variance; `cells` of it fit into the height."""
    rows = max(2, round(cells))
    columns = max(2, round(cells * width / height))
    coarse = rng.normal(size=(rows, columns)).astype(np.float32)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    return (smooth - smooth.mean()) / max(float(smooth.std()), 1e-6)


def _mask(font: Font, letter: str) -> bytes:
    page = Image.new("L", (2 * _SIZE, 2 * _SIZE), 0)
    ImageDraw.Draw(page).text((_SIZE // 2, _SIZE // 4), letter, font=font, fill=255)
    return page.tobytes() if page.getbbox() else b""


def _joined(word: str) -> bool:
    """Whether its letters take another form beside each other, or run from right to left."""
    return any(unicodedata.bidirectional(each) in ("R", "AL") or unicodedata.combining(each) for each in word) or any(
        0x0900 <= ord(each) <= 0x0DFF for each in word
    )


def _lines(word: str) -> tuple[str, ...]:
    """A long word of several parts, in lines of about the same length."""
    parts = word.split(" ")
    if len(word) <= _LINE or len(parts) == 1:
        return (word,)
    cuts = range(1, len(parts))
    best = min(cuts, key=lambda cut: max(len(" ".join(parts[:cut])), len(" ".join(parts[cut:]))))
    return (" ".join(parts[:best]), " ".join(parts[best:]))


def _ink(word: str, font: Font, face: Face, rng: np.random.Generator) -> Float[np.ndarray, "h w"]:
    """How much ink lies where, from 0 to 1; a hand wavers, a printer does not."""
    rows = [_line(line, font, face, rng) for line in _lines(word)]
    width, height = max(row.width for row in rows), sum(row.height for row in rows)
    page, top = Image.new("L", (width, height), 0), 0
    for row in rows:
        page.paste(row, ((width - row.width) // 2, top))
        top += row.height
    ink = np.asarray(page, np.float32) / 255
    if face == "hand":
        lines = len(rows)
        ink = _wavered(ink, rng, _SIZE / 34, 2.2 * lines)
        ink = _wavered(ink, rng, _SIZE / 110, 7.0 * lines)
        ink *= np.clip(0.93 + 0.05 * noise(rng, ink.shape[0], ink.shape[1], 5.0 * lines), 0.78, 1)
    return ink


def _line(line: str, font: Font, face: Face, rng: np.random.Generator) -> Image.Image:
    hand = face == "hand"
    stroke = round(_SIZE * (0.024 if hand else 0.03))
    left, _, right, _ = font.getbbox(line, stroke_width=stroke)
    _, top, _, bottom = font.getbbox("Ábky" + line, stroke_width=stroke)
    margin = round(_SIZE * 0.22) if hand else 4
    size = (round((right - left) * (1.12 if hand else 1.0)) + 2 * margin, round(bottom - top) + 2 * margin)
    page = Image.new("L", size, 0)
    if not hand or _joined(line):
        ImageDraw.Draw(page).text((margin - left, margin - top), line, font=font, fill=255, stroke_width=stroke)
        return page.crop((0, 0, round(right - left) + 2 * margin, size[1]))
    x, slant, rise = float(margin - left), rng.normal(0.10, 0.06), rng.normal(0, 0.015)
    for letter in line:
        tile = Image.new("L", (_SIZE * 2, size[1]), 0)
        ImageDraw.Draw(tile).text((_SIZE / 2, margin - top), letter, font=font, fill=255, stroke_width=stroke)
        middle, lean, scale = size[1] / 2, slant + rng.normal(0, 0.04), rng.normal(1, 0.05)
        drift = rng.normal(0, 0.018) * _SIZE + rise * (x - margin)
        matrix = (
            1 / scale,
            lean,
            _SIZE * (1 - 1 / scale) - lean * middle,
            0,
            1 / scale,
            middle * (1 - 1 / scale) - drift,
        )
        tile = tile.transform(tile.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
        at = round(x - _SIZE / 2)
        page.paste(255, (at, 0), tile)
        x += font.getlength(letter) * (1.07 + rng.normal(0, 0.02))
    return page


def _wavered(ink: np.ndarray, rng: np.random.Generator, reach: float, cells: float) -> np.ndarray:
    """`ink` with every point moved by smooth noise of about `reach` pixels."""
    height, width = ink.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y = np.clip(y + reach * noise(rng, height, width, cells), 0, height - 1.001)
    x = np.clip(x + reach * noise(rng, height, width, cells), 0, width - 1.001)
    row, column = y.astype(int), x.astype(int)
    down, right = y - row, x - column
    row2, column2 = np.minimum(row + 1, height - 1), np.minimum(column + 1, width - 1)
    upper = ink[row, column] * (1 - right) + ink[row, column2] * right
    lower = ink[row2, column] * (1 - right) + ink[row2, column2] * right
    return upper * (1 - down) + lower * down


def _scribble(width: int, height: int, lines: int, font: Font, rng: np.random.Generator) -> np.ndarray:
    """Loops of a pen over the place of the word, which spell nothing."""
    page = Image.new("L", (width, height), 0)
    draw, pitch = ImageDraw.Draw(page), height / lines
    for line in range(lines):
        turns = max(2, round(width / _SIZE * 1.6))
        t = np.linspace(0, 2 * np.pi * turns, 60 * turns)
        x = np.interp(t, (0, t[-1]), (0.12, 0.88)) * width + 0.16 * _SIZE * np.sin(t)
        y = (line + 0.5) * pitch + 0.2 * _SIZE * np.cos(t) * (1 + 0.2 * np.sin(0.37 * t + rng.uniform(0, 6)))
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=255, width=round(_SIZE * 0.12), joint="curve")
    return _wavered(np.asarray(page.filter(ImageFilter.GaussianBlur(1)), np.float32) / 255, rng, _SIZE / 40, 2.5)


def _sheet(
    width: int, height: int, material: Material, rng: np.random.Generator, seed: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """A sheet large enough for ink of that size: its colour, what it covers, and how far it stands off."""
    tape = material == "tape"
    pad = round(_SIZE * (0.55 if tape else 0.24)), round(_SIZE * (0.02 if tape else 0.12))
    tall, wide = height + 2 * pad[1], width + 2 * pad[0]
    y, x = np.mgrid[:tall, :wide].astype(np.float32)
    ground = np.array(_TAPE if tape else _PAPERS[(seed // len(_PENS)) % len(_PAPERS)], np.float32)
    fibre = 0.010 * noise(rng, tall, wide, tall / 2) + 0.012 * noise(rng, tall, wide, tall / 9)
    if tape:  # crepe runs across the strip
        ripples = np.asarray(
            Image.fromarray(rng.normal(size=(3, wide // 3)).astype(np.float32)).resize(
                (wide, tall), Image.Resampling.BICUBIC
            )
        )
        fibre += 0.022 * ripples
        teeth = (0.07 * _SIZE * np.abs((y / (0.13 * _SIZE)) % 2 - 1)) + 3 * noise(rng, tall, wide, tall / 14)
        ends = np.minimum(x - teeth, wide - 1 - teeth - x)
        edges = np.minimum(ends, np.minimum(y, tall - 1 - y) - 1.5)
    else:  # cut by hand: sides a little off the straight, corners a little round
        off = 0.012 * _SIZE * noise(rng, tall, wide, 2.5) + 0.02 * _SIZE
        inner_x, inner_y = np.minimum(x, wide - 1 - x) - off, np.minimum(y, tall - 1 - y) - off
        round_ = 0.06 * _SIZE
        corner = round_ - np.hypot(np.maximum(round_ - inner_x, 0), np.maximum(round_ - inner_y, 0))
        edges = np.where((inner_x < round_) & (inner_y < round_), corner, np.minimum(inner_x, inner_y))
    cover = np.clip(edges / 2.5 + 0.5, 0, 1) * (0.93 if tape else 1.0)
    bend, phase = (0.03, 2.2) if tape else (0.055, 1.0)
    curl = bend * np.sin(phase * np.pi * x / wide + rng.uniform(0, 6)) + 0.6 * bend * noise(rng, tall, wide, 1.6) / 2
    rim = 0.05 * np.exp(-np.clip(edges, 0, None) / (0.03 * _SIZE))  # the cut edge catches the light
    colour = ground * (1 + fibre + curl - rim)[..., None]
    return colour.astype(np.float32).clip(0, 1.05), cover.astype(np.float32), 0.015 if tape else 0.04
