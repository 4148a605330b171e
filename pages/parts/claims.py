"""Claims in the workspace: measured when one is saved, told on the page, and handed to its participant as a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.claim import Claim, Line, OnSet
from core.claim_figures import Pictures, reference_pictures
from core.claim_file import read_text, text_of
from core.claim_making import Ground, can_count, dated, make_claim
from core.task_pictures import TaskPicture, strange_in
from core.types import SteeringPlan
from pages.parts.similar import similar_pictures, similar_set
from study.bench import Certificate, Given
from study.claim_events import ClaimSaved
from study.claims import saved_in
from study.participants import find
from study.records import Record

if TYPE_CHECKING:
    from pages.parts.opened import Opened
    from pages.parts.rig import Rig
    from study.script import Task


def certifier(here: Rig, opened: Opened, task: Task) -> Callable[[Sequence[Given]], Certificate] | None:
    """What measures a claim on the picture of `task`; None where there are no labelled pictures of its classes."""
    if not _similar(here, opened, task) and not can_count(opened.model, opened.bundle.reference):
        return None

    def certify(given: Sequence[Given]) -> Certificate:
        lines = tuple(Line(one.edit, one.value, one.unit) for one in given)
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=here.log.now().utc_ns // 1000)

        def measure() -> Claim:
            ground = _ground(here, opened, task)
            return make_claim(opened.bundle, task.sae, opened.model, lines, ground, at=at, gate=here.gate)

        # a browser that heard nothing for a while asks again, and waits for the same measuring
        claim = dated(here.held_out.recall(("claimed", opened.pinned, opened.hidden, lines), measure), at)
        return Certificate(claim.sha256, claim.sentence, _figures(claim), text_of(claim))

    return certify


def claim_board(here: Rig, records: Sequence[Record], key: str, opened: Opened, plan: SteeringPlan) -> dict[str, Any]:
    """Whether a claim can be made here, and the one that was saved of the plan that stands."""
    found = saved_in(records, key, opened.pinned.state(plan).id)
    saved = None if found is None else {"sha256": found.event.claim_sha256, **found.event.figures}
    return {"saved": saved, "measurable": certifier(here, opened, here.script.tasks[key]) is not None}


def claim_of(here: Rig, token: str, sha256: str) -> str | None:
    """The text of a claim's file, for whoever saved it; None for everybody else, and for what is not there."""
    found = find(here.log, token)
    if found is None:
        return None
    saved = (record.event for record in here.log.read(found[0]))
    text = next((one.file for one in saved if isinstance(one, ClaimSaved) and one.claim_sha256 == sha256), None)
    return None if text is None else text_of(read_text(text))


def _similar(here: Rig, opened: Opened, task: Task) -> TaskPicture | None:
    """Whose like failures count; None where no participant is to know what the picture shows, for they would tell."""
    picture = here.tasks[task.picture]
    fit = picture.similar and not opened.hidden and not strange_in(picture, opened.model.labels)
    return picture if fit else None


def _ground(here: Rig, opened: Opened, task: Task) -> Ground:
    bundle, model = opened.bundle, opened.model

    def all_pictures() -> Pictures:
        return reference_pictures(bundle)

    held_out, similar = None, _similar(here, opened, task)
    if similar is not None:
        with here.gate:
            alike = similar_set(here, bundle, model, similar)
        held_out = None if alike is None else (alike, similar_pictures(here, bundle, similar))
    key = bundle.sae.digest, model.labels
    return Ground(
        picture=here.picture_file(opened.picture).read_bytes(),
        shows=opened.shows,
        held_out=held_out,
        reference=here.held_out.recall(("claim", *key), all_pictures) if can_count(model, bundle.reference) else None,
    )


def _figures(claim: Claim) -> dict[str, int]:
    sets: dict[str, OnSet | None] = {"held_out": claim.held_out, "reference": claim.reference}
    figures: dict[str, int] = {}
    for name, found in sets.items():
        if found is not None:
            fixed, broken = found.fixed(), found.broken()
            figures |= {f"{name}_fixed": fixed.hits, f"{name}_wrong": fixed.trials}
            figures |= {f"{name}_broken": broken.hits, f"{name}_right": broken.trials}
    return figures
