"""A picture is opened whole and upright or refused in one sentence; nothing half-read goes further."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from core.types import TillerError

MAX_PIXELS = 50_000_000
# Preprocessing scales the short side up to the model's, so a long thin picture would grow without bound.
MAX_ASPECT = 64

Source = Image.Image | bytes | str | Path

# Pillow warns of large pictures on stderr; we refuse them ourselves, in one sentence and before anything is decoded.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def open_image(source: Source) -> Image.Image:
    """The picture in RGB, turned as its EXIF orientation says.

    Raises:
        TillerError: `source` is no picture, is cut short, is missing, or is larger than we decode.
    """
    what = f"'{source}'" if isinstance(source, str | Path) else "The picture"
    if isinstance(source, Image.Image):
        return _upright(source, what)
    if isinstance(source, str | Path) and not Path(source).is_file():
        there = "that is a folder" if Path(source).is_dir() else "there is no such file"
        raise TillerError(f"{what} was asked for, but {there}; check the path.")
    with _opened(source, what) as opened:
        return _upright(opened, what)


def thumbnail(path: Path, side: int) -> Image.Image:
    """The picture with its longer side at most `side`; a JPEG is decoded at a fraction of its size where that does.

    Raises:
        TillerError: as `open_image`.
    """
    if not path.is_file():
        return open_image(path)
    with _opened(path, f"'{path}'") as opened:
        if opened.size[0] * opened.size[1] <= MAX_PIXELS:
            opened.draft("RGB", (2 * side, 2 * side))  # a JPEG alone heeds it; twice, for the filter to work on
        picture = _upright(opened, f"'{path}'")
    if max(picture.size) > side:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture


def picture_in(folder: Path, name: str) -> Path:
    """Where the picture called `name` lies in `folder`; refuses names and links that lead out of it."""
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts or not path.resolve().is_relative_to(folder.resolve()):
        raise TillerError(f"Picture '{name}' was asked for, and it lies outside of {folder}; put it inside.")
    return path


def _opened(source: bytes | str | Path, what: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TillerError(_too_large(what, "too many")) from None
    except Image.UnidentifiedImageError:
        raise TillerError(
            f"{what} is not a picture that can be read; give a PNG, JPEG, WebP, GIF, BMP or TIFF file."
        ) from None
    except Exception as broken:  # decoders raise OSError, SyntaxError, ValueError, struct.error and more
        raise TillerError(_damaged(what, broken)) from broken


def _upright(image: Image.Image, what: str) -> Image.Image:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise TillerError(_too_large(what, f"{width * height / 1e6:.0f} million"))
    if max(width, height) > MAX_ASPECT * max(1, min(width, height)):
        raise TillerError(
            f"{what} is {width} by {height} pixels; sides may differ by a factor of {MAX_ASPECT} at most: crop it."
        )
    if image.mode in ("I", "F"):
        raise TillerError(
            f"{what} holds 32-bit values, and does not say which of them is white; save it with 8 or 16 bits."
        )
    try:
        image.load()
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16"):  # Pillow would cut all above 255 off, and show white
            upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        return upright.convert("RGB")
    except Exception as broken:
        raise TillerError(_damaged(what, broken)) from broken


def _damaged(what: str, broken: Exception) -> str:
    return f"{what} is cut short or damaged ({broken}); save or send it again."


def _too_large(what: str, pixels: str) -> str:
    return f"{what} has {pixels} pixels; at most {MAX_PIXELS // 1_000_000} million are read: make it smaller first."
