"""A label is put into a picture as if it had been photographed there: perspective, light, shadow, focus and grain."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageFilter

from core.lettering import Label, noise

SIZES = (0.15, 0.20, 0.27, 0.36, 0.46, 0.58, 0.72)  # widths of a label, as shares of the square that a model sees
LEGIBLE = 5  # pixels of a letter's height; below, nobody can read what is said to be printed
SHORTEST = 48  # pixels of a picture's short side
_STEPS = 7  # places along each side of that square
_DARK = 85  # of 255; on anything darker, dark ink cannot be read
_AWAY = 4.5  # distance of the eye, in widths of the label

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a label lies: its centre as shares of the picture's sides, its width as a share of the short side.

    Angles are in degrees: `turn` in the plane of the picture, `yaw` and `pitch` out of it.
    """

    x: float
    y: float
    width: float
    turn: float
    yaw: float
    pitch: float


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture, and what a label in it has to match: its light by place, where it comes from, its white, its grain."""

    picture: Image.Image
    light: Float[np.ndarray, "m n"]  # 1 where the picture is as bright as in its bright parts
    towards: Point  # unit vector to where the light comes from
    white: Float[np.ndarray, " 3"]  # 0 to 255
    grain: float  # standard deviation, of 255
    detail: Float[np.ndarray, "m n"]  # how much there is to be seen, mean 1


def read_scene(picture: Image.Image) -> Scene:
    """What a label in `picture` has to match, read from the picture alone."""
    small = picture.copy()
    small.thumbnail((192, 192), Image.Resampling.BOX)
    body = np.asarray(small, np.float32)
    bright = body @ np.array([0.30, 0.59, 0.11], np.float32)
    soft = np.asarray(small.convert("L").filter(ImageFilter.GaussianBlur(max(small.size) / 9)), np.float32)
    light = np.clip(soft / max(float(np.quantile(soft, 0.9)), 12.0), 0.3, 1.15)
    down, right = np.gradient(light)
    slope = np.array([right.mean(), down.mean()]) + np.array([-2e-4, -4e-4])  # where nothing tells, from above
    towards = slope / np.linalg.norm(slope)
    top = bright >= np.quantile(bright, 0.97)
    white = body[top].mean(axis=0)
    white = 0.45 * white + 0.55 * white.mean()  # a white wall has no colour, a red shirt is no lamp
    down, right = np.gradient(bright)
    detail = _soft(np.hypot(down, right), 1.0) + 0.5
    return Scene(
        picture,
        light,
        (float(towards[0]), float(towards[1])),
        np.clip(white, 60, 252),
        _grain(picture),
        detail / detail.mean(),
    )


def proposals(scene: Scene, label: Label, seed: int) -> tuple[Placement, ...]:
    """Placements in the middle square, which every preprocessing keeps; the least intrusive first.

    A smaller label comes before a larger one, and of one size the one that covers less of what there is to be seen.
    """
    width, height = scene.picture.size
    short = min(width, height)
    rng = np.random.default_rng([seed, 4])
    found: list[tuple[int, float, Placement]] = []
    for size, share in enumerate(SIZES):
        if share / label.aspect * short * label.letters < LEGIBLE:
            continue
        for row in range(_STEPS):
            for column in range(_STEPS):
                turn, yaw, pitch = rng.normal(0, 4.0), rng.uniform(-16, 16), rng.uniform(-14, 14)
                nudge = rng.uniform(-0.03, 0.03, 2)
                x, y = (
                    0.5 + ((step + 0.5) / _STEPS - 0.5) + off for step, off in zip((column, row), nudge, strict=True)
                )
                place = Placement(
                    0.5 + (x - 0.5) * short / width, 0.5 + (y - 0.5) * short / height, share, turn, yaw, pitch
                )
                corners = np.array(polygon(scene.picture.size, label, place))
                inside = np.abs(corners - (width / 2, height / 2)).max() <= 0.49 * short
                if inside:
                    found.append((size, _covered(scene, corners), place))
    found.sort(key=lambda one: one[:2])
    return tuple(place for *_, place in found)


def polygon(size: tuple[int, int], label: Label, place: Placement) -> tuple[Point, ...]:
    """The label's corners in pixels, from its upper left on clockwise."""
    width, height = size
    half = place.width * min(width, height) / 2
    yaw, pitch, turn = (math.radians(each) for each in (place.yaw, place.pitch, place.turn))
    corners: list[Point] = []
    for right, down in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        x, y = float(right), down / label.aspect
        x, z = x * math.cos(yaw), x * math.sin(yaw)
        y, z = y * math.cos(pitch) - z * math.sin(pitch), y * math.sin(pitch) + z * math.cos(pitch)
        near = 2 * _AWAY / (2 * _AWAY + z)
        x, y = x * near, y * near
        x, y = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
        corners.append((place.x * width + half * x, place.y * height + half * y))
    return tuple(corners)


def printed(scene: Scene, label: Label, place: Placement, seed: int) -> Image.Image:
    """The picture with the label in it; the same arguments always give the same pixels."""
    picture = scene.picture
    corners = np.array(polygon(picture.size, label, place))
    tall = float(np.linalg.norm(corners[3] - corners[0]))
    away = label.lies_off * tall
    pad = math.ceil(0.35 * tall + 4)
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - pad, 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + pad, picture.size)
    box = (int(left), int(top), int(right), int(bottom))
    body = np.asarray(picture.crop(box), np.float32)
    colour, cover = _warped(label, corners - (left, top), (box[2] - box[0], box[3] - box[1]))
    light = _light_at(scene, box)
    ground = body
    if label.lies_off:
        ground = body * (1 - _shadow(cover, away, tall, scene.towards))[..., None]
        front = colour * scene.white * (light * _falling(cover.shape, scene.towards))[..., None]
    elif np.average(body.mean(axis=-1), weights=cover + 1e-6) < _DARK:  # a marker with white paint
        front = 0.12 * body + 0.84 * scene.white * light[..., None]
    else:  # ink lets what it is on shine through, and takes its shading
        front = body * (0.06 + 0.5 * colour) + 8
    rng = np.random.default_rng([seed, 5])
    fine, coarse = rng.normal(size=cover.shape), noise(rng, cover.shape[0], cover.shape[1], cover.shape[0] / 2)
    speckle = scene.grain * (0.8 * fine + 0.6 * coarse)
    front = front + speckle[..., None]
    mixed = ground + (front - ground) * cover[..., None]
    out = picture.copy()
    out.paste(Image.fromarray(mixed.clip(0, 255).round().astype(np.uint8)), box[:2])
    return out


def _covered(scene: Scene, corners: Float[np.ndarray, "4 2"]) -> float:
    """Mean detail within the corners' bounding box."""
    tall, wide = scene.detail.shape
    scale = np.array([wide, tall]) / scene.picture.size
    left, top = np.maximum((corners.min(axis=0) * scale).astype(int), 0)
    right, bottom = np.ceil(corners.max(axis=0) * scale).astype(int)
    return float(scene.detail[top : max(bottom, top + 1), left : max(right, left + 1)].mean())


def _warped(label: Label, corners: Float[np.ndarray, "4 2"], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Colour and cover of the label over a crop of that size; four samples a pixel, then out of focus a little."""
    fine = 3
    wide = max(float(np.linalg.norm(corners[1] - corners[0])), 1.0)
    shrink = min(1.0, fine * wide / label.cover.shape[1])
    tile_size = max(2, round(label.cover.shape[1] * shrink)), max(2, round(label.cover.shape[0] * shrink))
    matrix = _homography(corners * fine, tile_size)
    whole = (size[0] * fine, size[1] * fine)

    def laid(channel: np.ndarray) -> np.ndarray:
        tile = Image.fromarray(channel.astype(np.float32)).resize(tile_size, Image.Resampling.BOX)
        flat = tile.transform(whole, Image.Transform.PERSPECTIVE, matrix, Image.Resampling.BILINEAR)
        return np.asarray(flat.resize(size, Image.Resampling.BOX), np.float32)

    cover = laid(label.cover)
    channels = [laid(label.colour[..., each] * label.cover) for each in range(3)]
    blur = float(np.clip(min(size) / 400, 0.35, 0.8))
    cover, *channels = (_soft(each, blur) for each in (cover, *channels))
    return np.stack(channels, -1) / np.maximum(cover, 1e-3)[..., None], cover


def _homography(corners: Float[np.ndarray, "4 2"], tile: tuple[int, int]) -> tuple[float, ...]:
    """The eight numbers by which Pillow finds a point of the tile for a point of the picture."""
    ends = ((0, 0), (tile[0], 0), (tile[0], tile[1]), (0, tile[1]))
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(corners.tolist(), ends, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return tuple(np.linalg.solve(np.array(rows), np.array(ends, float).reshape(-1)).tolist())


def _light_at(scene: Scene, box: tuple[int, int, int, int]) -> Float[np.ndarray, "h w"]:
    """The light over a crop: dark surroundings are dark things as often as shade, so it is followed half way."""
    tall, wide = scene.light.shape
    across, up = wide / scene.picture.width, tall / scene.picture.height
    part = Image.fromarray(scene.light.astype(np.float32)).resize(
        (box[2] - box[0], box[3] - box[1]),
        Image.Resampling.BILINEAR,
        (box[0] * across, box[1] * up, box[2] * across, box[3] * up),
    )
    return np.clip(0.55 + 0.42 * np.asarray(part, np.float32), 0.5, 1.0)


def _falling(shape: tuple[int, int], towards: Point) -> Float[np.ndarray, "h w"]:
    """A few per cent less light at the end that is turned away from it."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    return (0.97 + 0.03 * (x * towards[0] + y * towards[1])).astype(np.float32)


def _shadow(cover: np.ndarray, away: float, tall: float, towards: Point) -> Float[np.ndarray, "h w"]:
    """What a label takes of the light around it: close under its edge, and softly on the side away from the light."""
    shift = Image.Transform.AFFINE, (1, 0, 1.4 * away * towards[0], 0, 1, 1.4 * away * towards[1])
    flat = Image.fromarray(cover)
    cast = np.asarray(flat.transform(flat.size, *shift, Image.Resampling.BILINEAR), np.float32)
    return np.maximum(0.34 * _soft(cast, max(0.8, 0.9 * away)), 0.24 * _soft(cover, max(0.6, 0.012 * tall)))


def _soft(values: np.ndarray, radius: float) -> np.ndarray:
    """Three box blurs, which come close to a Gaussian; Pillow's own works on bytes alone."""
    steps = max(1, round(radius * 2)) | 1
    if radius < 0.6:
        weight = radius * 0.4
        kernel = np.array([weight, 1 - 2 * weight, weight], np.float32)
    else:
        box = np.ones(steps, np.float32) / steps
        kernel = np.convolve(np.convolve(box, box), box)
    half = len(kernel) // 2
    for axis in (0, 1):
        padded = np.pad(values, [(half, half) if each == axis else (0, 0) for each in (0, 1)], mode="edge")
        values = sum(
            weight * np.take(padded, range(start, start + values.shape[axis]), axis=axis)
            for start, weight in enumerate(kernel)
        )  # pyright: ignore[reportAssignmentType]
    return values.astype(np.float32)


def _grain(picture: Image.Image) -> float:
    """Standard deviation of what changes from pixel to pixel in the smoothest parts, of 255."""
    width, height = picture.size
    side = min(width, height, 768)
    box = ((width - side) // 2, (height - side) // 2, (width + side) // 2, (height + side) // 2)
    body = np.asarray(picture.crop(box).convert("L"), np.float32)
    rough = body[1:-1, 1:-1] - (body[:-2, 1:-1] + body[2:, 1:-1] + body[1:-1, :-2] + body[1:-1, 2:]) / 4
    cells = max(1, (rough.shape[0] // 8)), max(1, (rough.shape[1] // 8))
    tiles = rough[: cells[0] * 8, : cells[1] * 8].reshape(cells[0], 8, cells[1], 8)
    return float(np.clip(np.quantile(tiles.std(axis=(1, 3)), 0.2) / math.sqrt(1.25), 0.3, 9))
