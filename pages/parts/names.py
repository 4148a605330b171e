"""What a session reads of components: names as researchers had given them when it began, and no task's own picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.bundle import Bundle
from pages.parts.kept_back import kept_back
from pages.parts.opened import Opened
from pages.parts.rig import Rig
from study.concept_names import Given, given_names
from study.records import Record


def names_for(here: Rig, records: Sequence[Record], bundle: Bundle) -> Mapping[int, Given]:
    """The names given to a bundle's components before the session of these rows began."""
    first = records[0]
    study = str(first.row["study_id"] or here.script.study.id)
    digest = bundle.sae.digest
    key = ("names", first.event_id, digest)
    return here.folds.recall(key, lambda: (given_names(here.log, study, digest, before_ns=first.utc_ns),))[0]


def named(here: Rig, records: Sequence[Record], opened: Opened) -> Opened:
    """The picture with its components under the names of the session of these rows, whose script `here` has."""
    names = names_for(here, records, opened.bundle) if records else {}
    return replace(opened, names=names, kept_back=kept_back(here))
