"""The pictures of the study's tasks as a bundle has them: nobody is to meet one as an example, under whatever name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from core.checksum import checksum_of
from core.pictures import picture_in
from pages.parts.rig import Rig


def kept_back(here: Rig) -> frozenset[str]:
    """The names under which pages know the content of a picture that a task of the script asks for.

    Files are compared by their bytes: a bundle may hold the same picture under several names.
    """
    files = [here.tasks[task.picture].file for task in here.script.tasks.values() if task.picture in here.tasks]

    def make() -> frozenset[str]:
        return frozenset(files) | _copies((here.picture_file(file) for file in files), _offered(here))

    return here.addresses.recall(("kept back", tuple(files)), make)


def _offered(here: Rig) -> dict[str, Path]:
    """Where each picture lies that a ripple, a card or a visit may show."""
    names = {name for one in here.bundles.values() for name in (*one.reference.names, *one.index.pictures())}
    images = next(iter(here.bundles.values())).images
    return {name: picture_in(images, name) for name in names} | dict(here.similar)


def _copies(wanted: Iterable[Path], offered: dict[str, Path]) -> frozenset[str]:
    """The names in `offered` whose files hold the bytes of one that is wanted; only files of its size are read."""
    sizes: dict[int, set[str]] = {}
    for path in wanted:
        if path.is_file():
            sizes.setdefault(path.stat().st_size, set()).add(checksum_of(path))
    there = ((name, path, path.stat().st_size) for name, path in offered.items() if path.is_file())
    return frozenset(name for name, path, size in there if size in sizes and checksum_of(path) in sizes[size])
