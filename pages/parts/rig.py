"""The rig: everything a page works with, composed once by the web root and handed to each page by `rig()`."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import streamlit as st

from core.pictures import picture_in
from core.types import TillerError

if TYPE_CHECKING:
    from core.bundle import Bundle
    from pages.parts.pictures import TaskPicture
    from study.examinations import Examiner
    from study.exports.shelf import Shelf
    from study.log import EventLog
    from study.replay import Run
    from study.script import StudyScript

Made = TypeVar("Made")


class Memory:
    """A bounded memory of pure results, shared by all threads; each key is computed by one of them at a time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()
        self._busy: dict[Hashable, threading.Lock] = {}

    def peek(self, key: Hashable) -> Any:
        """What is kept under `key`, or None."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def recall(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is kept under `key`, made now if it is not there."""
        known = self.peek(key)
        if known is not None:
            return cast("Made", known)
        with self._lock:
            mine = self._busy.setdefault(key, threading.Lock())
        with mine:
            kept = self.peek(key)
            if kept is None:
                kept = make()
                with self._lock:
                    self._kept[key] = kept
                    while len(self._kept) > self._size:
                        self._kept.popitem(last=False)
            with self._lock:
                self._busy.pop(key, None)
            return cast("Made", kept)


@dataclass(frozen=True)
class Rig:
    """One study on one machine; immutable but for its memories, which only hold what can be computed again."""

    bundles: Mapping[str, Bundle]  # by the dictionary that a task reads with: spatial, cls
    tasks: Mapping[str, TaskPicture]  # by the kind that a study script names
    script: StudyScript
    log: EventLog
    run: Run  # a logged state asked of the model anew
    study_key: str | None = field(default=None, repr=False)  # platform ids are kept only under it
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(2))  # one inference per core
    pictures: Memory = field(default_factory=lambda: Memory(64))
    neighbours: Memory = field(default_factory=lambda: Memory(8))  # real pictures to be near to, by dictionary
    margins: Memory = field(default_factory=lambda: Memory(256))  # of pictures, for pairs other than their own
    visits: Memory = field(default_factory=lambda: Memory(64))  # other pictures, opened beside a task's
    states: Memory = field(default_factory=lambda: Memory(512))
    ripples: Memory = field(default_factory=lambda: Memory(256))
    held_out: Memory = field(default_factory=lambda: Memory(4096))
    thumbnails: Memory = field(default_factory=lambda: Memory(4096))
    addresses: Memory = field(default_factory=lambda: Memory(2))  # the pictures by what pages call them
    settled: Memory = field(default_factory=lambda: Memory(1024))
    chains: Memory = field(default_factory=lambda: Memory(4096))
    codes: Memory = field(default_factory=lambda: Memory(64))  # the rules', by session and length
    folds: Memory = field(default_factory=lambda: Memory(1024))
    portraits: Memory = field(default_factory=lambda: Memory(4096))
    shelf: Shelf = field(init=False)  # the exports that lie beside the record
    examiner: Examiner = field(init=False)  # of the dictionaries' health
    surveyor: Examiner = field(init=False)  # of classes and failures

    @property
    def similar(self) -> Mapping[str, Path]:
        """Where the held-out failures of the tasks lie, by their opaque names."""
        from pages.parts.pictures import similar_of  # noqa: PLC0415 - it needs a rig's own kinds

        images = next(iter(self.bundles.values())).images

        def known() -> dict[str, Path]:
            return {name: path for one in self.tasks.values() for name, (path, _) in similar_of(one, images).items()}

        return self.addresses.recall("similar", known)

    def picture_file(self, name: str) -> Path:
        """Where the picture of this opaque name lies; the path of a file of the bundle that need not be there."""
        own = (one.path for one in self.tasks.values() if one.file == name and one.path is not None)
        return next(own, None) or self.similar.get(name) or picture_in(next(iter(self.bundles.values())).images, name)

    def __post_init__(self) -> None:
        # with what they bring, only once there is a log
        from study.examinations import HEALTH, OVERVIEW, Examiner, Progress  # noqa: PLC0415
        from study.exports.shelf import Shelf  # noqa: PLC0415

        def measure(which: str, progress: Progress) -> dict[str, Any]:
            from core.health import examine  # noqa: PLC0415 - heavy

            return examine(self.bundles[which], which, progress=progress).as_json()

        def survey(which: str, progress: Progress) -> dict[str, Any]:
            from core.overview.survey import Survey  # noqa: PLC0415 - heavy

            return Survey.of(self.bundles[which], which, progress=progress).whole()

        media = self.log.media
        object.__setattr__(self, "shelf", Shelf(self.log))
        object.__setattr__(self, "examiner", Examiner(HEALTH, media.with_name(HEALTH.name), measure))
        object.__setattr__(self, "surveyor", Examiner(OVERVIEW, media.with_name(OVERVIEW.name), survey))


class NotReady(TillerError):
    """The server runs without a rig; the sentence says what its set-up has found wrong."""


_installed: list[Rig] = []
_wrong: list[str] = []


def install(built: Rig) -> None:
    """Make `built` the rig of this process."""
    _installed[:] = [built]


def fail(error: Exception) -> None:
    """Keep why no rig could be built, for whoever opens a page."""
    _wrong[:] = [str(error) if isinstance(error, TillerError) else f"{type(error).__name__}: {error}"]


def installed() -> Rig | None:
    """The rig of this process, None before it is built."""
    return _installed[-1] if _installed else None


def rig() -> Rig:
    """The rig a page works with: the one that a test has put in the session, else that of this process."""
    found = st.session_state.get("rig") or installed()
    if found is None:
        raise NotReady(*_wrong or ["No rig is built; start the app with `streamlit run app.py`."])
    return cast("Rig", found)
