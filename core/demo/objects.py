"""The twelve things of the demo world, each painted once per colour as a shaded cut-out with a transparent ground."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

from PIL import Image, ImageChops, ImageFilter

from core.demo.brush import TILE, Brush, Colour, mixed

COLOURS: dict[str, Colour] = {
    "red": (208, 42, 44),
    "orange": (240, 132, 30),
    "yellow": (244, 204, 44),
    "green": (62, 158, 66),
    "blue": (46, 104, 208),
    "purple": (136, 66, 172),
    "pink": (240, 124, 172),
}
INK: Colour = (38, 32, 44)
WHITE: Colour = (250, 248, 242)
METAL: Colour = (176, 182, 192)
WOOD: Colour = (140, 92, 52)
GLASS: Colour = (186, 218, 236)


def _apple(b: Brush) -> None:
    b.ellipse(37, 60, 29, 32, b.mid)
    b.ellipse(63, 60, 29, 32, b.mid)
    b.ellipse(50, 78, 22, 16, b.mid)
    b.pie(50, 30, 14, 12, 0, 180, b.dark)
    b.line([(50, 36), (51, 22), (56, 12)], WOOD, 5)
    b.polygon([(54, 24), (64, 10), (84, 10), (76, 23), (62, 28)], (76, 150, 60))
    b.ellipse(27, 50, 7, 12, b.light)


def _boat(b: Brush) -> None:
    b.slab(47, 8, 51, 70, WOOD)
    b.polygon([(53, 8), (53, 62), (90, 62)], WHITE)
    b.polygon([(53, 42), (53, 62), (90, 62), (76, 42)], b.light)
    b.polygon([(45, 16), (45, 62), (14, 62)], mixed(WHITE, b.mid, 0.16))
    b.polygon([(4, 68), (96, 68), (80, 94), (22, 94)], b.mid)
    b.polygon([(4, 68), (96, 68), (91, 76), (8, 76)], b.dark)
    b.polygon([(48, 8), (48, 2), (64, 5)], b.mid)


def _car(b: Brush) -> None:
    b.polygon([(22, 46), (34, 24), (66, 24), (82, 46)], b.mid)
    b.polygon([(28, 45), (37, 29), (49, 29), (49, 45)], GLASS)
    b.polygon([(53, 45), (53, 29), (64, 29), (74, 45)], GLASS)
    b.slab(3, 44, 97, 70, b.mid, 9)
    b.slab(3, 60, 97, 70, b.dark, 5)
    b.ellipse(92, 52, 4, 4, (255, 240, 170))
    b.slab(46, 50, 54, 53, b.dark, 1)
    for x in (25, 75):
        b.ellipse(x, 70, 14, 14, INK)
        b.ellipse(x, 70, 7, 7, METAL)


def _cat(b: Brush) -> None:
    b.polygon([(14, 44), (15, 6), (46, 26)], b.mid)
    b.polygon([(86, 44), (85, 6), (54, 26)], b.mid)
    b.polygon([(20, 34), (20, 16), (36, 26)], (244, 176, 184))
    b.polygon([(80, 34), (80, 16), (64, 26)], (244, 176, 184))
    b.ellipse(50, 57, 42, 36, b.mid)
    b.ellipse(50, 73, 22, 17, b.light)
    for x in (32, 68):
        b.ellipse(x, 51, 9, 10, WHITE)
        b.ellipse(x, 52, 4, 9, INK)
    b.polygon([(44, 64), (56, 64), (50, 71)], (224, 96, 112))
    b.line([(50, 70), (50, 76)], INK, 2)
    b.arc(43, 75, 7, 6, 0, 150, INK, 2)
    b.arc(57, 75, 7, 6, 30, 180, INK, 2)
    for end in (62, 70, 78):
        b.line([(30, 70), (2, end)], WHITE, 1.6)
        b.line([(70, 70), (98, end)], WHITE, 1.6)


def _clock(b: Brush) -> None:
    b.line([(28, 82), (18, 96)], INK, 7)
    b.line([(72, 82), (82, 96)], INK, 7)
    b.pie(24, 20, 18, 16, 150, 330, b.dark)
    b.pie(76, 20, 18, 16, 210, 390, b.dark)
    b.slab(46, 4, 54, 18, METAL, 2)
    b.ellipse(50, 55, 39, 39, b.mid)
    b.ellipse(50, 55, 30, 30, WHITE)
    for hour in range(12):
        x, y = math.sin(hour * math.pi / 6), math.cos(hour * math.pi / 6)
        b.line([(50 + 24 * x, 55 - 24 * y), (50 + 28 * x, 55 - 28 * y)], INK, 2.4)
    b.line([(50, 55), (50, 34)], INK, 4.4)
    b.line([(50, 55), (64, 62)], INK, 4.4)
    b.ellipse(50, 55, 4, 4, b.mid)


def _duck(b: Brush) -> None:
    b.polygon([(2, 50), (22, 56), (16, 72)], b.mid)
    b.ellipse(46, 68, 40, 26, b.mid)
    b.ellipse(66, 33, 23, 23, b.mid)
    b.polygon([(84, 28), (99, 36), (84, 44), (80, 36)], (246, 148, 30))
    b.ellipse(72, 27, 5, 6, WHITE)
    b.ellipse(73, 28, 3, 4, INK)
    b.ellipse(38, 66, 21, 13, b.dark)
    b.ellipse(35, 63, 20, 11, b.light)


def _fish(b: Brush) -> None:
    b.polygon([(24, 50), (2, 22), (4, 50), (2, 78)], b.dark)
    b.polygon([(36, 30), (58, 10), (70, 32)], b.dark)
    b.polygon([(46, 70), (52, 90), (64, 70)], b.dark)
    b.ellipse(58, 50, 40, 27, b.mid)
    b.ellipse(60, 60, 30, 15, b.light)
    for x in (34, 46, 58):
        b.arc(x, 48, 8, 12, -70, 70, b.dark, 2.2)
    b.arc(72, 50, 8, 18, 110, 250, b.dark, 3)
    b.ellipse(84, 43, 6, 6, WHITE)
    b.ellipse(85, 43, 3, 3, INK)


def _house(b: Brush) -> None:
    b.slab(68, 8, 80, 36, b.dark)
    b.slab(16, 42, 84, 95, mixed(WHITE, b.mid, 0.22))
    b.polygon([(4, 48), (50, 6), (96, 48)], b.mid)
    b.polygon([(4, 48), (96, 48), (90, 54), (10, 54)], b.dark)
    b.slab(42, 64, 60, 95, b.dark, 2)
    b.ellipse(56, 80, 2, 2, WHITE)
    for x in (22, 66):
        b.slab(x, 62, x + 14, 78, GLASS)
        b.line([(x + 7, 62), (x + 7, 78)], WHITE, 2)
        b.line([(x, 70), (x + 14, 70)], WHITE, 2)


def _key(b: Brush) -> None:
    b.slab(40, 44, 96, 56, b.mid, 2)
    b.slab(70, 54, 79, 74, b.mid, 1)
    b.slab(85, 54, 94, 80, b.mid, 1)
    b.slab(40, 51, 96, 56, b.dark, 2)
    b.ring(26, 50, 24, 24, b.mid, 11)
    b.arc(26, 50, 24, 24, 20, 130, b.dark, 11)
    b.arc(26, 50, 22, 22, 190, 260, b.light, 4)


def _kite(b: Brush) -> None:
    b.line([(42, 66), (34, 76), (46, 84), (38, 96)], INK, 2.4)
    for x, y in ((34, 76), (46, 85), (38, 95)):
        b.polygon([(x - 9, y - 5), (x, y), (x - 9, y + 5)], b.mid)
        b.polygon([(x + 9, y - 5), (x, y), (x + 9, y + 5)], b.dark)
    b.polygon([(56, 2), (50, 32), (16, 28)], b.mid)
    b.polygon([(56, 2), (88, 38), (50, 32)], b.light)
    b.polygon([(16, 28), (50, 32), (42, 68)], b.light)
    b.polygon([(88, 38), (50, 32), (42, 68)], b.mid)
    b.line([(56, 2), (42, 68)], INK, 2)
    b.line([(16, 28), (88, 38)], INK, 2)


def _mug(b: Brush) -> None:
    for x in (30, 46):
        b.line([(x, 24), (x + 5, 18), (x - 2, 11), (x + 4, 3)], mixed(WHITE, METAL, 0.4), 3.4)
    b.ring(72, 60, 22, 21, b.dark, 9)
    b.slab(10, 34, 70, 95, b.mid, 9)
    b.slab(56, 38, 70, 94, b.dark, 7)
    b.ellipse(40, 35, 30, 8, b.light)
    b.ellipse(40, 36, 25, 5.6, (92, 56, 34))
    b.slab(16, 46, 23, 84, b.light, 3)


def _star(b: Brush) -> None:
    tips = [(50 + 49 * math.sin(a), 53 - 49 * math.cos(a)) for a in (i * 2 * math.pi / 5 for i in range(5))]
    dips = [(50 + 21 * math.sin(a), 53 - 21 * math.cos(a)) for a in ((i + 0.5) * 2 * math.pi / 5 for i in range(5))]
    for i in range(5):
        b.polygon([(50, 53), tips[i], dips[i]], b.dark)
        b.polygon([(50, 53), tips[i], dips[i - 1]], b.light if i in (0, 4) else b.mid)


_PAINTERS: dict[str, Callable[[Brush], None]] = {
    "apple": _apple,
    "boat": _boat,
    "car": _car,
    "cat": _cat,
    "clock": _clock,
    "duck": _duck,
    "fish": _fish,
    "house": _house,
    "key": _key,
    "kite": _kite,
    "mug": _mug,
    "star": _star,
}
OBJECTS: tuple[str, ...] = tuple(_PAINTERS)


@cache
def cut_out(thing: str, colour: str) -> Image.Image:
    """`thing` in `colour`, TILE pixels square, RGBA with a dark outline; shared, so never written to."""
    brush = Brush(COLOURS[colour])
    _PAINTERS[thing](brush)
    flat = brush.image.filter(ImageFilter.GaussianBlur(1))
    edge = flat.getchannel("A").resize((TILE, TILE), Image.Resampling.LANCZOS)
    outline = ImageChops.lighter(edge.filter(ImageFilter.MaxFilter(7)), edge)
    under = Image.new("RGBA", (TILE, TILE), (*mixed(brush.dark, INK, 0.6), 255))
    under.putalpha(outline.filter(ImageFilter.GaussianBlur(0.8)))
    under.alpha_composite(brush.image.resize((TILE, TILE), Image.Resampling.LANCZOS))
    return under
