"""Claims in the workspace: measured when one is saved, told on the page, and handed to its participant as a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.claim import Claim, Line, OnSet
from core.claim_figures import Pictures, open_pictures, reference_pictures
from core.claim_file import read_text, text_of
from core.claim_making import Ground, can_count, dated, make_claim
from core.hub import file_digest
from core.ripple import ReferenceSet
from core.types import SteeringPlan
from study.bench import Certificate, Given
from study.claim_events import ClaimSaved
from study.claims import saved_in
from study.participants import find
from study.records import Record

if TYPE_CHECKING:
    from pathlib import Path

    from pages.parts.opened import Opened
    from pages.parts.rig import Rig
    from study.script import Task


def certifier(here: Rig, opened: Opened, task: Task) -> Callable[[Sequence[Given]], Certificate] | None:
    """What measures a claim on the picture of `task`; None where there are no labelled pictures of its classes."""
    similar = _similar(here, opened, task)
    if not similar and not can_count(opened.model, opened.bundle.reference):
        return None

    def certify(given: Sequence[Given]) -> Certificate:
        lines = tuple(Line(one.edit, one.value, one.unit) for one in given)
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=here.log.now().utc_ns // 1000)

        def measure() -> Claim:
            with here.gate:
                return make_claim(opened.bundle, task.sae, opened.model, lines, _ground(here, opened, task), at=at)

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


def _similar(here: Rig, opened: Opened, task: Task) -> tuple[tuple[Path, str], ...]:
    """Failures of the same cause; none where no participant is to know what the picture shows, for they would tell."""
    similar = () if opened.hidden else here.tasks[task.picture].similar
    return similar if all(shows in opened.model.labels for _, shows in similar) else ()


def _ground(here: Rig, opened: Opened, task: Task) -> Ground:
    bundle, model = opened.bundle, opened.model

    def all_pictures() -> Pictures:
        return reference_pictures(bundle)

    def alike() -> tuple[ReferenceSet, Pictures]:
        paths, shows = [path for path, _ in similar], [shows for _, shows in similar]
        digests = [(file_digest(path), label) for path, label in similar]
        return open_pictures(model, bundle.sae, paths, shows), digests

    similar = _similar(here, opened, task)
    key = bundle.sae.digest, model.labels
    return Ground(
        picture=here.picture_file(opened.picture).read_bytes(),
        shows=opened.shows,
        held_out=here.held_out.recall(("claim", *key, similar), alike) if similar else None,
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
