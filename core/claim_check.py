"""A claim measured again on the bundle that it names: each figure the same, near, another, or not to be measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import cast

import torch

from core.bundle import Bundle, description_of, load_bundle, load_instrument
from core.checkpoints.native import load_native
from core.checksum import checksum_of
from core.claim import TURNS, Claim, OnPicture, OnSet
from core.claim_figures import count_set, environment_for, look_at, open_pictures, pictures_digest, reference_pictures
from core.claim_pictures import PictureFiles
from core.model import Clip
from core.sae import SparseAutoencoder
from core.steering import check_plan

THREADS = 1024  # a file may ask for as many at most

Progress = Callable[[str, int, int], None]


class Verdict(StrEnum):
    """What came of one figure."""

    SAME = "same"
    NEAR = "within tolerance"
    OTHER = "differs"
    UNMEASURED = "cannot be measured"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure as it was claimed and as it is now; `why` says by how much it differs, or why it was not measured."""

    name: str
    claimed: int | str
    measured: int | str | None
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """All figures of a claim; `moved` are fields of the environment with what they were and are."""

    figures: tuple[Figure, ...]
    moved: Mapping[str, tuple[str, str]]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all figures: one that differs outweighs one that could not be measured."""
        found = {each.verdict for each in self.figures}
        order = (Verdict.OTHER, Verdict.UNMEASURED, Verdict.NEAR)
        return next((each for each in order if each in found), Verdict.SAME)


def check_claim(claim: Claim, folder: Path, beside: Sequence[Path], *, progress: Progress) -> Checked:
    """Measure every figure of `claim` on the bundle in `folder`, with as many threads as it was made with.

    In the same environment a figure holds if it is the same. In another one, a count may differ by as many pictures as
    were borderline in it; a claim without borderline pictures has to come out exactly, wherever it is measured.

    Args:
        folder: a bundle's.
        beside: folders in which pictures are looked for that are none of the bundle's.
        progress: what is measured, and how many steps of how many are done.

    Raises:
        TillerError: the plan names what the dictionary does not have, or the bundle is not whole.
    """
    said = claim.environment.get("threads", "")
    threads = torch.get_num_threads()
    if said.isascii() and said.isdecimal() and len(said) < 5 and 0 < int(said) <= THREADS:
        torch.set_num_threads(int(said))
    try:
        return _checked(claim, folder, beside, progress)
    finally:
        torch.set_num_threads(threads)


def _checked(claim: Claim, folder: Path, beside: Sequence[Path], progress: Progress) -> Checked:
    progress("opening the bundle", 0, 3)
    tool, why = _opened(claim, folder)
    progress("opening the bundle", 3, 3)
    if tool is None:
        return Checked(tuple(_unmeasured(claim, why)), {}, ())
    model = tool.model
    if (claim.labels, claim.templates) != (model.labels, model.templates):
        model = model.labelled(claim.labels, claim.templates)
    check_plan(claim.plan, tool.sae, model)
    now = environment_for(model)
    names = claim.environment.keys() | now.keys()
    moved = {
        name: (claim.environment.get(name, "nothing"), now.get(name, "nothing"))
        for name in sorted(names)
        if claim.environment.get(name) != now.get(name)
    }
    files, tool, away = PictureFiles((*beside, tool.images)), replace(tool, model=model), bool(moved)
    parts = [
        () if claim.picture is None else _picture(claim, claim.picture, tool, files, away=away),
        () if claim.held_out is None else _held_out(claim, claim.held_out, tool, files, away=away),
        () if claim.reference is None else _reference(claim, claim.reference, tool, away=away),
    ]
    figures: list[Figure] = []
    for done, part in enumerate(parts, 1):
        figures += part
        progress("measuring", done, len(parts))
    sealed = checksum_of(folder / "bundle.json")
    note = (
        f"The bundle is another one (checksum of bundle.json {sealed[:12]}, then {claim.bundle_sha256[:12]}) "
        "with the same model and dictionary."
    )
    return Checked(tuple(figures), moved, (note,) if sealed != claim.bundle_sha256 else ())


@dataclass(frozen=True)
class _Tool:
    """What is steered; `bundle` only where reference pictures are counted, for it takes long to open."""

    model: Clip
    sae: SparseAutoencoder
    images: Path
    bundle: Bundle | None


def _opened(claim: Claim, folder: Path) -> tuple[_Tool | None, str]:
    """The model and the dictionary that the claim was made with, or why there are none."""
    said = description_of(folder)
    there = said["dictionaries"]
    names = sorted(there, key=lambda name: name != claim.dictionary)  # the one of that name first
    digests = {name: load_native(folder / there[name]["sae"]).digest for name in names}
    which = next((name for name in names if digests[name] == claim.dictionary_sha256), None)
    if which is None:
        known = ", ".join(f"{name} {each[:12]}" for name, each in digests.items())
        return None, f"its dictionary has the digest {claim.dictionary_sha256[:12]}, and {folder} has {known}"
    bundle = None if claim.reference is None else load_bundle(folder, which)
    model, sae = load_instrument(folder, which)[:2] if bundle is None else (bundle.model, bundle.sae)
    if model.digest != claim.model_sha256:
        return None, f"its model has the digest {claim.model_sha256[:12]}, and that of {folder} has {model.digest[:12]}"
    return _Tool(model, sae, folder / said["reference"]["images"], bundle), ""


def _picture(claim: Claim, said: OnPicture, tool: _Tool, files: PictureFiles, *, away: bool) -> Iterator[Figure]:
    path = files.find(said.sha256)
    if path is None:
        yield from _none_of(_labels(said), "picture", files.missing([said.sha256]))
        return
    now = _labels(look_at(tool.model, tool.sae, path.read_bytes(), said.shows, claim.plan))
    for name, label in _labels(said).items():
        near = away and said.borderline
        verdict = Verdict.SAME if now[name] == label else Verdict.NEAR if near else Verdict.OTHER
        yield Figure(f"picture, {name}", label, now[name], verdict)


def _held_out(claim: Claim, said: OnSet, tool: _Tool, files: PictureFiles, *, away: bool) -> Iterator[Figure]:
    paths = [files.find(sha256) for sha256, _ in said.pictures]
    found = [path for path in paths if path is not None]
    strange = {shows for _, shows in said.pictures} - set(tool.model.labels)
    if strange or len(found) < len(paths):
        lost = files.missing([sha256 for (sha256, _), path in zip(said.pictures, paths, strict=True) if path is None])
        why = f"they show {', '.join(sorted(strange))}, none of its classes" if strange else lost
        yield from _none_of(_counts(said), "held out", why)
        return
    reference = open_pictures(tool.model, tool.sae, found, [shows for _, shows in said.pictures])
    now = count_set(tool.model, tool.sae, reference, claim.plan, said.pictures)
    yield from _compared("held out", said, now, away=away)


def _reference(claim: Claim, said: OnSet, tool: _Tool, *, away: bool) -> Iterator[Figure]:
    bundle = cast("Bundle", tool.bundle)
    try:
        pictures = reference_pictures(bundle)
    except OSError as wrong:
        yield from _none_of(_counts(said), "reference", f"a picture is not there ({wrong.strerror}: {wrong.filename})")
        return
    if pictures_digest(pictures) != said.sha256:
        why = (
            f"the digest of the reference pictures differs: it counted {said.images} with {said.sha256[:12]}, and the "
            f"bundle has {len(pictures)} with {pictures_digest(pictures)[:12]}"
        )
        yield from _none_of(_counts(said), "reference", why)
        return
    now = count_set(tool.model, tool.sae, bundle.reference, claim.plan, pictures)
    yield from _compared("reference", said, now, away=away)


def _compared(where: str, said: OnSet, now: OnSet, *, away: bool) -> Iterator[Figure]:
    measured = _counts(now)
    for name, count in _counts(said).items():
        turn = next((each for each in TURNS if name.startswith(each)), "plan")
        leave = said.turns[turn].borderline if away else 0
        apart = measured[name] - count
        verdict = Verdict.SAME if not apart else Verdict.NEAR if abs(apart) <= leave else Verdict.OTHER
        why = f"by {apart:+d}{f', borderline {leave}' if away else ''}" if apart else ""
        yield Figure(f"{where}, {name}", count, measured[name], verdict, why)


def _counts(found: OnSet) -> dict[str, int]:
    counts = {"images": found.images, "right before": found.right_before}
    for turn in TURNS:
        one = found.turns[turn]
        counts |= {f"{turn}: fixed": one.fixed, f"{turn}: broken": one.broken}
    return counts


def _labels(found: OnPicture) -> dict[str, str]:
    return {"before": found.before, **{f"{turn}: says": found.turns[turn] for turn in TURNS}}


def _none_of(figures: Mapping[str, int | str], where: str, why: str) -> Iterator[Figure]:
    for name, claimed in figures.items():
        yield Figure(f"{where}, {name}", claimed, None, Verdict.UNMEASURED, why)


def _unmeasured(claim: Claim, why: str) -> Iterator[Figure]:
    if claim.picture is not None:
        yield from _none_of(_labels(claim.picture), "picture", why)
    for where, found in (("held out", claim.held_out), ("reference", claim.reference)):
        if found is not None:
            yield from _none_of(_counts(found), where, why)
