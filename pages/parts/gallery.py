"""Pictures go out by their opaque names, scaled and encoded once, whatever session asks."""

from __future__ import annotations

import io
import re

from PIL import Image

from core.bundle import Bundle
from pages.parts.rig import Rig

SIDES = (96, 448)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\.(png|jpg|jpeg|webp)")


def url_of(name: str, side: int, bundle: Bundle) -> str:
    """Where the browser finds a picture of the bundle; it changes with the bundle, so it may be kept for ever."""
    return f"./api/picture/{name}?side={side}&of={bundle.fingerprint['bundle'][:8]}"


def encoded(here: Rig, name: str, side: int) -> tuple[bytes, str] | None:
    """A picture of the bundle as bytes and media type, its longer side at most `side`; None where there is none."""
    if not _NAME.fullmatch(name) or side not in SIDES:
        return None
    path = here.picture_file(name)
    if not path.is_file():
        return None

    def make() -> tuple[bytes, str]:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        if max(picture.size) > side:
            picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=88, method=4)
        return file.getvalue(), "image/webp"

    return here.thumbnails.recall((name, side), make)
