"""PROV-JSON: which act made which state of which, who did it, and what the model said there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from core.types import Edit, Scope
from study.practice import practised
from study.predictions import Shown
from study.records import Record
from study.state import Pinned
from study.steering_events import Intervention, InterventionCompared, ModelPredicted

_RELATIONS = {
    "used": ("prov:activity", "prov:entity"),
    "wasGeneratedBy": ("prov:entity", "prov:activity"),
    "wasDerivedFrom": ("prov:generatedEntity", "prov:usedEntity"),
    "wasInformedBy": ("prov:informed", "prov:informant"),
    "wasAssociatedWith": ("prov:activity", "prov:agent"),
}
Terms = dict[str, dict[str, dict[str, str]]]


def write_prov(records: Sequence[Record], file: TextIO) -> int:
    """Write one session's interventions and predictions, practice marked; return how many activities there are.

    States are entities by their ids, so that equal states of several sessions are one when files are merged.
    """
    terms: Terms = {"entity": {}, "activity": {}, "agent": {}, **{relation: {} for relation in _RELATIONS}}
    who = f"tiller:participant-{records[0].row['study_id']}-{records[0].row['participant_pseudonym']}"
    tried = practised(records)
    terms["agent"][who] = {"prov:type": "prov:Person"}
    for record in records:
        if isinstance(record.event, Intervention):
            _add_intervention(terms, record, record.event, who)
        elif isinstance(record.event, ModelPredicted):
            _add_prediction(terms, record, record.event)
        else:
            continue
        if record.event.task in tried:
            terms["activity"][_named(record)]["tiller:practice"] = "true"
    found = len(terms["activity"])
    prefix = {"tiller": "urn:tiller:"}
    json.dump({"prefix": prefix, **{name: held for name, held in terms.items() if held}}, file, indent=1)
    return found


def check_prov(path: Path) -> int:
    """Read a file back: every relation joins two things that are there; its activities.

    Raises:
        ValueError: one does not.
    """
    held = json.loads(path.read_text(encoding="utf-8"))
    there = {name for kind in ("entity", "activity", "agent") for name in held.get(kind, {})}
    for relation, ends in _RELATIONS.items():
        for one in held.get(relation, {}).values():
            if missing := {one[end] for end in ends} - there:
                raise ValueError(f"{relation} names {missing.pop()}, which is not there")
    return len(held.get("activity", {}))


def _add_intervention(terms: Terms, record: Record, event: Intervention, who: str) -> None:
    act = _activity(terms, record)
    before, after = (_state(terms, seen, event.pinned) for seen in (event.before, event.after))
    _join(terms, "used", act, before)
    if isinstance(event, InterventionCompared):
        _join(terms, "used", act, _state(terms, event.other, event.pinned))
    else:
        _join(terms, "wasGeneratedBy", after, act)
        _join(terms, "wasDerivedFrom", after, before)
    _join(terms, "wasAssociatedWith", act, who)


def _add_prediction(terms: Terms, record: Record, event: ModelPredicted) -> None:
    act = _activity(terms, record)
    model = f"tiller:model-{event.pinned.model_sha256}"
    terms["agent"][model] = {"prov:type": "prov:SoftwareAgent"}
    said = f"tiller:prediction-{record.event_id}"
    best = event.after.top[0] if event.after.top else None
    terms["entity"][said] = (
        {} if best is None else {"tiller:top": best.label, "tiller:share": f"{best.probability:.6f}"}
    )
    _join(terms, "used", act, _state(terms, event.after, event.pinned))
    _join(terms, "wasGeneratedBy", said, act)
    _join(terms, "wasAssociatedWith", act, model)
    cause = f"tiller:event-{record.row['cause_event_id']}"
    if cause in terms["activity"]:
        _join(terms, "wasInformedBy", act, cause)


def _activity(terms: Terms, record: Record) -> str:
    name, at = _named(record), record.at.isoformat()
    kept = {"tiller:name": record.name, "tiller:seq": str(record.seq), "tiller:session": record.session_id}
    terms["activity"][name] = {"prov:startTime": at, "prov:endTime": at, **kept}
    return name


def _named(record: Record) -> str:
    return f"tiller:event-{record.event_id}"


def _state(terms: Terms, seen: Shown, pinned: Pinned) -> str:
    name = f"tiller:state-{seen.state_id}"
    edits = ", ".join(f"{edit.component} {edit.op.value} {edit.strength:g}{_reach(edit)}" for edit in seen.edits)
    terms["entity"][name] = {"tiller:image_sha256": pinned.image_sha256, "tiller:edits": edits or "none"}
    return name


def _reach(edit: Edit) -> str:
    """The tokens that an edit reaches, where they are not those on which its component is active."""
    if edit.scope is Scope.ACTIVE:
        return ""
    return f" {edit.scope.value}{'=' if edit.patches else ''}{','.join(map(str, edit.patches))}"


def _join(terms: Terms, relation: str, one: str, two: str) -> None:
    ends = dict(zip(_RELATIONS[relation], (one, two), strict=True))
    terms[relation][f"_:{relation}{len(terms[relation]) + 1}"] = ends
