"""Files of public repositories: fetched into huggingface's own cache, checked byte for byte, and found there again.

huggingface_hub keeps no part of a download that was cut off; here the part stays beside the place of the whole file,
the next fetch goes on where it ends, and a file enters the cache once its checksum is the one that the hub states.
"""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import hf_hub_url, http_get, repo_folder_name
from huggingface_hub.utils import WeakFileLock, build_hf_headers, disable_progress_bars

from core.checksum import checksum_like
from core.types import MissingArtefact, TillerError

BY_HAND = "by hand"
HUB = "hf-hub:"
CONFIG = "open_clip_config.json"
WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
)
Progress = Callable[[str, int, int], None]  # what, bytes done, bytes of


class Unreached(MissingArtefact):
    """Files are not on this machine, and nothing could be had from the hub; `why` says the latter in a few words."""

    def __init__(self, wanted: Wanted, why: str) -> None:
        self.why = why
        super().__init__(
            f"{wanted.in_words} of {wanted.repo} is not on this machine and {why}; fetch it where there is a network, "
            f"or put it into {hand_folder(wanted.repo)} under the same name."
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Files of one repository: of each group the first name that is there, `*` standing for any characters."""

    repo: str
    groups: tuple[tuple[str, ...], ...]
    revision: str = "main"

    @property
    def in_words(self) -> str:
        """The files as a person is told of them."""
        return " and ".join(" or ".join(group) for group in self.groups)


@dataclass(frozen=True, slots=True)
class Found:
    """One file for each group, in a snapshot of the cache or, with `commit` BY_HAND, where a person has put them."""

    repo: str
    commit: str
    files: tuple[Path, ...]


def wanted_model(name: str) -> Wanted:
    """The files of a model called `hf-hub:ORG/NAME`, maybe with `@REVISION`."""
    repo, _, revision = name.removeprefix(HUB).partition("@")
    return Wanted(repo, ((CONFIG,), WEIGHTS), revision or "main")


def hand_folder(repo: str) -> Path:
    """Where files of `repo` are looked for that no network has brought."""
    return Path(constants.HF_HOME) / "tiller" / repo.replace("/", "--")


def find(wanted: Wanted) -> Found | None:
    """What is on this machine: put there by hand, else in the cache; None where a file is lacking. Asks no network."""
    try:
        cache = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=wanted.repo, repo_type="model")
        ref = cache / "refs" / wanted.revision
        commit = ref.read_text(encoding="utf-8").strip() if ref.is_file() else wanted.revision
    except OSError:
        return None
    for folder, named in ((hand_folder(wanted.repo), BY_HAND), (cache / "snapshots" / commit, commit)):
        if folder.is_dir():
            names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
            chosen = [_chosen(group, names) for group in wanted.groups]
            if all(chosen):
                return Found(wanted.repo, named, tuple(folder / str(name) for name in chosen))
    return None


def fetch(wanted: Wanted, progress: Progress = lambda what, done, of: None) -> Found:
    """The files, from this machine if they are all there, else from the hub, whole and with the checksums it states.

    Raises:
        MissingArtefact: the hub cannot be reached; the sentence says what to put where.
        TillerError: there is no such repository, revision or file, or what came is not what the hub states.
    """
    known = find(wanted)
    if known is not None:
        return known
    try:
        said = HfApi().model_info(wanted.repo, revision=wanted.revision, files_metadata=True)
        there = {one.rfilename: one for one in said.siblings or ()}
        chosen = [(group, _chosen(group, there)) for group in wanted.groups]
        lacking = [" or ".join(group) for group, name in chosen if name is None]
        if lacking:
            raise TillerError(
                f"Repository {wanted.repo} was asked for {' and '.join(lacking)}; it has "
                f"{', '.join(sorted(there)) or 'no file'}: name one of these."
            )
        for name in (name for _, name in chosen if name is not None):
            _bring(wanted, str(said.sha), there[name], progress)
            hf_hub_download(wanted.repo, name, revision=wanted.revision)
    except TillerError:
        raise
    except Exception as refused:  # clients of the hub fail in the types of the HTTP library they happen to use
        raise _in_words(wanted, refused) from refused
    found = find(wanted)
    if found is None:
        raise TillerError(f"{wanted.repo} changed while {wanted.in_words} came from it; fetch it again.")
    return found


def _chosen(group: Iterable[str], names: Iterable[str]) -> str | None:
    """The first of a group that is there; of several that one pattern fits, the last in order of their numbers."""
    every = list(names)
    for pattern in group:
        fitting = [name for name in every if fnmatchcase(name, pattern)]
        if fitting:
            return max(
                fitting, key=lambda name: [int(part) if part.isdigit() else 0 for part in re.split(r"(\d+)", name)]
            )
    return None


def _bring(wanted: Wanted, commit: str, file: Any, progress: Progress) -> None:
    """Put one file's bytes into the cache, under the name that huggingface_hub will look for them by."""
    stated: str = file.lfs.sha256 if file.lfs else file.blob_id
    storage = repo_folder_name(repo_id=wanted.repo, repo_type="model")
    blob = Path(constants.HF_HUB_CACHE) / storage / "blobs" / stated
    lock = Path(constants.HF_HUB_CACHE) / ".locks" / storage / f"{stated}.lock"
    blob.parent.mkdir(parents=True, exist_ok=True)
    lock.parent.mkdir(parents=True, exist_ok=True)
    part = blob.with_name(f"{stated}.part")
    url = hf_hub_url(wanted.repo, file.rfilename, revision=commit)
    what = f"{wanted.repo.rpartition('/')[2]}/{file.rfilename}"
    with WeakFileLock(lock):
        resumed = part.is_file() and 0 < part.stat().st_size <= file.size
        while not blob.is_file():
            if not resumed:
                part.unlink(missing_ok=True)
            _download(url, part, file.size, lambda done: progress(what, done, file.size))
            if checksum_like(part, stated) == stated:
                part.replace(blob)
            elif not resumed:
                part.unlink()
                raise TillerError(
                    f"{file.rfilename} of {wanted.repo} came with other bytes than the hub states "
                    f"(checksum {stated[:12]}), and was thrown away; fetch it again, and over another network if this "
                    "comes again."
                )
            resumed = False
        if checksum_like(blob, stated) != stated:
            blob.unlink()
            raise TillerError(
                f"{file.rfilename} of {wanted.repo} lay in the cache with other bytes than the hub states "
                f"(checksum {stated[:12]}), and was thrown away; fetch it again."
            )
    progress(what, file.size, file.size)


class _Counted(io.FileIO):
    """A file that tells how long it has grown."""

    def __init__(self, path: Path, told: Callable[[int], None]) -> None:
        super().__init__(path, "r+" if path.exists() else "w+")
        self._told = told
        self.seek(0, os.SEEK_END)

    def write(self, data: Any, /) -> int:
        left = memoryview(data)
        while left:
            left = left[super().write(left) or 0 :]
        self._told(self.tell())
        return len(data)


def _download(url: str, part: Path, size: int, told: Callable[[int], None]) -> None:
    done = part.stat().st_size if part.exists() else 0
    free = shutil.disk_usage(part.parent).free
    if free < size - done:
        raise TillerError(
            f"{(size - done) / 1e6:.0f} MB are to come and {part.parent} has room for {free / 1e6:.0f}; make room, or "
            "name another folder with HF_HOME."
        )
    disable_progress_bars("huggingface_hub.http_get")
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    with _Counted(part, told) as file:
        http_get(url, file, resume_size=done, headers=headers, expected_size=size)  # pyright: ignore[reportArgumentType]


def _in_words(wanted: Wanted, refused: Exception) -> TillerError:
    match refused:
        case GatedRepoError():
            return TillerError(
                f"Repository {wanted.repo} opens only to those whom its owner lets in; ask for access on its page, and "
                "set HF_TOKEN."
            )
        case RepositoryNotFoundError() | HFValidationError():
            return TillerError(f"The hub has no repository {wanted.repo}, or shows it to nobody; check the name.")
        case RevisionNotFoundError():
            return TillerError(f"Repository {wanted.repo} has no revision {wanted.revision}; name another, or main.")
        case OfflineModeIsEnabled():
            why = "HF_HUB_OFFLINE forbids to ask the network"
        case HfHubHTTPError():
            why = f"the hub answered {refused.response.status_code}"
        case _:
            why = f"the hub cannot be reached ({type(refused).__name__})"
    return Unreached(wanted, why)
