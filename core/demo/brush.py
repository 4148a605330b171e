"""The brush that the demo world's things are painted with: plain shapes in the tones of one colour."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]

TILE = 256  # side of a painted cut-out, in pixels
_FINE = 2  # painted this much larger, then reduced


def mixed(one: Colour, two: Colour, share: float) -> Colour:
    """`one` moved towards `two` by `share` in [0, 1]."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, two, strict=True))
    return red, green, blue


class Brush:
    """Paints in a box of 100 by 100 units; `mid`, `dark` and `light` are tones of the object's own colour."""

    def __init__(self, colour: Colour) -> None:
        self.image = Image.new("RGBA", (TILE * _FINE, TILE * _FINE), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)
        self._unit = TILE * _FINE / 100
        self.mid, self.dark, self.light = (
            colour,
            mixed(colour, (24, 12, 40), 0.36),
            mixed(colour, (255, 252, 236), 0.46),
        )

    def _at(self, points: Points) -> list[tuple[float, float]]:
        return [(x * self._unit, y * self._unit) for x, y in points]

    def polygon(self, points: Points, fill: Colour) -> None:
        """Fill the shape with these corners."""
        self._draw.polygon(self._at(points), fill=fill)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """Fill an ellipse about a middle, with its two radii."""
        self._draw.ellipse(self._box(x, y, rx, ry), fill=fill)

    def ring(self, x: float, y: float, rx: float, ry: float, fill: Colour, width: float) -> None:
        """Draw the line of an ellipse."""
        self._draw.ellipse(self._box(x, y, rx, ry), outline=fill, width=round(width * self._unit))

    def arc(
        self, x: float, y: float, rx: float, ry: float, start: float, end: float, fill: Colour, width: float
    ) -> None:
        """Draw a part of an ellipse's line, from one angle to another, in degrees."""
        self._draw.arc(self._box(x, y, rx, ry), start, end, fill=fill, width=round(width * self._unit))

    def pie(self, x: float, y: float, rx: float, ry: float, start: float, end: float, fill: Colour) -> None:
        """Fill a slice of an ellipse, from one angle to another, in degrees."""
        self._draw.pieslice(self._box(x, y, rx, ry), start, end, fill=fill)

    def line(self, points: Points, fill: Colour, width: float) -> None:
        """Draw a line through points."""
        self._draw.line(self._at(points), fill=fill, width=round(width * self._unit), joint="curve")

    def slab(self, left: float, top: float, right: float, bottom: float, fill: Colour, radius: float = 0) -> None:
        """Fill a rectangle, its corners rounded by `radius`."""
        box = [value * self._unit for value in (left, top, right, bottom)]
        self._draw.rounded_rectangle(box, radius=radius * self._unit, fill=fill)

    def _box(self, x: float, y: float, rx: float, ry: float) -> list[float]:
        return [value * self._unit for value in (x - rx, y - ry, x + rx, y + ry)]
