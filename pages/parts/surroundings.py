"""What happens around the steps in plain words: expectations, prompts, moderation, checks, answers, what broke."""

from __future__ import annotations

from pages.parts.sheets import percent
from study.claim_events import ClaimSaved
from study.instrument_events import InstrumentItemAnswered, InstrumentScored
from study.moderator_events import (
    Moderation,
    ModeratorClockMarked,
    ModeratorLeft,
    ModeratorNoteAdded,
    ModeratorPromptSent,
    ModeratorTookOver,
    Presence,
)
from study.preview_events import InterventionPredicted
from study.prompt_events import PromptAnswered, PromptDismissed, PromptShown
from study.records import Record
from study.session_events import (
    SessionRejected,
    SessionTakenOver,
    SessionTimedOut,
    SessionWithdrawn,
    SystemErrored,
)
from study.setup_events import ClockSynced, DeviceChecked, MicChecked
from study.steering_events import InterventionFailed
from study.talk_events import SilenceDetected
from study.task_events import PageLeft, TaskExtended, TaskSkipped, TaskTimedOut


def told_around(record: Record) -> str:
    """What happened, in one line; a kind that has no words of its own by its name."""
    event = record.event
    match event:
        case InterventionPredicted():
            line = _expected(event)
        case PromptShown():
            line = f"Asked: “{event.wording}”"
        case PromptAnswered():
            aloud = not event.text and event.number is None
            line = f"Answered the prompt{' aloud' if aloud else f': {answer_in_words(event.text, event.number)}'}"
        case PromptDismissed():
            line = f"Put the prompt away ({event.how})"
        case Moderation() | TaskExtended() | TaskSkipped():
            line = _moderated(event)
        case ClaimSaved():
            line = f"Saved a claim: {event.sentence}"
        case InterventionFailed():
            line = f"A step failed ({event.error}, number {event.reference})"
        case SystemErrored():
            line = f"Something broke ({event.error}, number {event.reference})"
        case _:
            line = _set_up(record)
    return line


_WAYS = {"up": "to rise", "same": "to stay", "down": "to fall"}


def _expected(event: InterventionPredicted) -> str:
    """What was expected, each part with whether it came so."""
    parts: list[str] = []
    if event.direction is not None:
        parts.append(f"{event.label} {_WAYS[event.direction]} ({_right(event.direction_right)})")
    if event.top1 is not None:
        chance = "" if event.probability is None else f" at {percent(event.probability)}"
        parts.append(f"{event.top1} first{chance} ({_right(event.top1_right)})")
    if event.hypothesis:
        parts.append(f"“{event.hypothesis}”")
    return f"Expected {', '.join(parts) or 'something'}"


def _right(came: bool | None) -> str:
    return "right" if came else "wrong"


def _set_up(record: Record) -> str:
    event = record.event
    match event:
        case DeviceChecked():
            fit = "" if event.passed else ", which is not enough"
            line = f"The window was checked: {event.width} × {event.height}{fit}"
        case MicChecked():
            line = "The microphone was checked" if event.passed else "Went on without a microphone"
        case ClockSynced():
            offset = f"{event.offset_ms:+.0f}".replace("-", "\u2212")
            line = f"The browser's clock was compared: {offset} ms, give or take {event.error_ms:.0f}"
        case PageLeft():
            line = f"Left the page “{event.page}”"
        case InstrumentItemAnswered():
            line = f"Answered {event.instrument}, item {event.item}: {answer_in_words('', event.value)}"
        case InstrumentScored():
            whole = f"{event.instrument}, {event.subscale}" if event.subscale else event.instrument
            line = f"{whole} comes to {'nothing' if event.score is None else f'{event.score:.4g}'}"
        case SilenceDetected():
            line = f"Nobody spoke for {event.length_ms / 1000:.0f} s"
        case _:
            line = _closed(record)
    return line


def _closed(record: Record) -> str:
    event = record.event
    match event:
        case SessionTakenOver():
            line = "Went on in another window"
        case TaskTimedOut():
            line = f"The time for task {event.task} was over"
        case SessionWithdrawn():
            line = f"Takes part no longer{', and asks for everything to be erased' if event.erase else ''}"
        case SessionTimedOut():
            line = f"The session was closed: {event.limit.replace('_', ' ')} had passed"
        case SessionRejected():
            line = f"The session was closed: {event.outcome.replace('_', ' ')}"
        case _:
            target = record.row["target"]
            line = record.name if target is None else f"{record.name}: {target}"
    return line


def _moderated(event: Moderation | TaskExtended | TaskSkipped) -> str:
    match event:
        case ModeratorNoteAdded() if event.guide is not None:
            line = f"{event.who} {'asked' if event.asked else 'took back the tick of'} question “{event.guide}”"
        case ModeratorNoteAdded():
            line = f"{event.who} noted: {event.text}" if event.text else f"{event.who} kept this moment for a note"
        case ModeratorPromptSent():
            line = f"{event.who} sent: “{event.text}”"
        case ModeratorClockMarked():
            line = f"{event.who} marked the clock, mark {event.mark}"
        case ModeratorTookOver():
            line = f"{event.who} took over{f' from {event.before}' if event.before else ''}"
        case ModeratorLeft():
            line = f"{event.who} left the console"
        case Presence():
            line = f"{event.who} came to the console as {event.role}"
        case TaskExtended():
            line = f"Task {event.task} was given {event.minutes:g} more min"
        case TaskSkipped():
            line = f"Task {event.task} was skipped: {event.reason}"
        case _:
            line = f"{event.who}: {event.name}"
    return line


def answer_in_words(text: str, number: float | None) -> str:
    """Words in quotation marks, a number as it is, else `nothing`."""
    return f"“{text}”" if text else "nothing" if number is None else f"{number:g}"
