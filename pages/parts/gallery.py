"""Pictures go out by opaque names, small and encoded once, whatever session asks and however large they are."""

from __future__ import annotations

import hashlib
import io
import re

from core.bundle import Bundle
from core.pictures import thumbnail
from core.types import TillerError
from pages.parts.rig import Rig

SIDES = (96, 448)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\.(png|jpg|jpeg|webp)")


def url_of(name: str, side: int, bundle: Bundle) -> str:
    """Where the browser finds a picture of the bundle; it changes with the bundle, so it may be kept for ever."""
    return f"./api/picture/{address_of(name, bundle)}?side={side}&of={bundle.fingerprint['bundle'][:8]}"


def encoded(here: Rig, address: str, side: int) -> tuple[bytes, str] | None:
    """A picture of the bundle as bytes and media type, its longer side at most `side`; None where there is none."""
    if not _NAME.fullmatch(address) or side not in SIDES:
        return None
    name = name_at(here, address)
    if name is None or not here.picture_file(name).is_file():
        return None

    def make() -> tuple[bytes, str]:
        picture = thumbnail(here.picture_file(name), side)
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=88, method=4)
        return file.getvalue(), "image/webp"

    try:
        return here.thumbnails.recall((name, side), make)
    except TillerError:  # no picture after all; whoever built the index was told of it
        return None


def address_of(name: str, bundle: Bundle) -> str:
    """What a page calls a picture: a researcher's own file name would tell a participant what it shows."""
    if bundle.own_pictures:
        return name
    return hashlib.sha256(f"{bundle.fingerprint['bundle']} {name}".encode()).hexdigest()[:24] + ".webp"


def name_at(here: Rig, address: str) -> str | None:
    """The picture's own name; None where no page shows one at this address."""
    bundle = next(iter(here.bundles.values()))
    if bundle.own_pictures:
        return address
    return here.addresses.recall("all", lambda: {address_of(name, bundle): name for name in _shown(here)}).get(address)


def _shown(here: Rig) -> set[str]:
    """Every picture that a page may show."""
    names = {one.file for one in here.tasks.values()} | here.similar.keys()
    for bundle in here.bundles.values():
        names.update(bundle.reference.names, bundle.index.pictures())
    return names
