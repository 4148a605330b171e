"""Every kind of event there is, and the way from an event to its payload and back.

An old row must read for ever: a new field gets a default, a changed meaning gets a new kind.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter

from core.types import TillerError
from study.claim_events import ClaimSaved
from study.class_events import ClassesChanged
from study.coding_events import (
    AgreementComputed,
    CodeAgreed,
    CodeAssigned,
    CodebookChanged,
    CodeRemoved,
    CodingLocked,
    MemoWritten,
    SampleDrawn,
)
from study.concept_events import ConceptNamed, ConceptSearched
from study.instrument_events import InstrumentItemAnswered, InstrumentScored
from study.media_events import MediaAnchored, MediaChunkStored, MediaLost, MediaStarted, MediaStopped
from study.moderator_events import (
    ModeratorClockMarked,
    ModeratorJoined,
    ModeratorLeft,
    ModeratorNoteAdded,
    ModeratorPromptSent,
    ModeratorTookOver,
)
from study.mute_events import InterventionMuted, InterventionUnmuted
from study.preview_events import InterventionPredicted, InterventionPreviewed
from study.prompt_events import PromptAnswered, PromptDismissed, PromptShown
from study.scenario_events import InterventionRecalled, ScenarioDeleted, ScenarioRenamed, ScenarioSaved
from study.session_events import (
    ConsentGiven,
    ConsentRefused,
    ConsentScopeChanged,
    ConsentShown,
    RecordErased,
    SessionCompleted,
    SessionPaused,
    SessionRejected,
    SessionResumed,
    SessionStarted,
    SessionTakenOver,
    SessionTimedOut,
    SessionWithdrawn,
    SystemErrored,
)
from study.setup_events import ClockSynced, DeviceChecked, MicChecked
from study.steering_events import (
    InterventionApplied,
    InterventionCompared,
    InterventionFailed,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
    ModelPredicted,
)
from study.system_events import SystemExportMade, SystemPreflightPassed, SystemReplayVerified, SystemRestarted
from study.talk_events import SilenceDetected, UtteranceCorrected, UtteranceImported
from study.task_events import (
    ConceptInspected,
    ExplanationChanged,
    ExplanationViewed,
    PageEntered,
    PageLeft,
    ResponseChanged,
    ResponseSubmitted,
    StimulusShown,
    TaskExtended,
    TaskSkipped,
    TaskStarted,
    TaskSubmitted,
    TaskTimedOut,
)
from study.visit_events import PictureClosed, PictureOpened

SCHEMA_VERSION = 1

Event = (
    SessionStarted
    | SessionResumed
    | SessionCompleted
    | SessionWithdrawn
    | ConsentShown
    | ConsentGiven
    | ConsentRefused
    | PageEntered
    | PageLeft
    | TaskStarted
    | TaskSubmitted
    | StimulusShown
    | ExplanationViewed
    | ExplanationChanged
    | ConceptInspected
    | ConceptNamed
    | ConceptSearched
    | ClassesChanged
    | InterventionApplied
    | InterventionUndone
    | InterventionRedone
    | InterventionReset
    | InterventionMuted
    | InterventionUnmuted
    | InterventionRecalled
    | ScenarioSaved
    | ScenarioRenamed
    | ScenarioDeleted
    | InterventionFailed
    | ModelPredicted
    | ResponseChanged
    | ResponseSubmitted
    | SystemErrored
    | RecordErased
    | SilenceDetected
    | UtteranceImported
    | UtteranceCorrected
    | MediaStarted
    | MediaChunkStored
    | MediaAnchored
    | MediaStopped
    | MediaLost
    | CodebookChanged
    | CodeAssigned
    | CodeRemoved
    | MemoWritten
    | CodingLocked
    | SampleDrawn
    | CodeAgreed
    | AgreementComputed
    | SessionTakenOver
    | SessionPaused
    | SessionTimedOut
    | SessionRejected
    | ConsentScopeChanged
    | DeviceChecked
    | MicChecked
    | ClockSynced
    | TaskTimedOut
    | TaskExtended
    | TaskSkipped
    | InterventionPredicted
    | InterventionPreviewed
    | InterventionCompared
    | ClaimSaved
    | PictureOpened
    | PictureClosed
    | PromptShown
    | PromptAnswered
    | PromptDismissed
    | ModeratorJoined
    | ModeratorLeft
    | ModeratorNoteAdded
    | ModeratorPromptSent
    | ModeratorClockMarked
    | ModeratorTookOver
    | InstrumentItemAnswered
    | InstrumentScored
    | SystemRestarted
    | SystemExportMade
    | SystemReplayVerified
    | SystemPreflightPassed
)

KINDS: dict[str, type[Event]] = {kind.name: kind for kind in get_args(Event)}


class UnknownKind(TillerError):
    """A row holds a kind of event that this version has no class for."""


def payload_of(event: Event) -> dict[str, object]:
    """The event's fields as plain values, ready for canonical JSON."""
    return _adapter(event.name).dump_python(event)


def readable(event: Event) -> dict[str, object]:
    """The event's fields as ordinary JSON values, numbers as numbers; not what digests are made of.

    What is no number to JSON (NaN, infinity) is None here.
    """
    return json.loads(_adapter(event.name).dump_json(event))


def event_in(name: str, payload: str) -> Event:
    """The event that canonical JSON `payload` holds; the inverse of `canonical(payload_of(event))`."""
    return _adapter(name).validate_python(json.loads(payload))


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    kind = KINDS.get(name)
    if kind is None:
        raise UnknownKind(
            f"Event kind {name!r} was met; schema version {SCHEMA_VERSION} has {len(KINDS)} kinds without it. "
            "Read this log with the version of Tiller that wrote it, or a later one."
        )
    return TypeAdapter(kind)
