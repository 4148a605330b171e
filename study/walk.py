"""What a participant writes at each stop: one act for each way on, with its key, made here for pages and for bots."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from study.bench import Bench
from study.decisions import opening
from study.events import Event
from study.log import EventLog
from study.records import Record
from study.script import StudyScript
from study.session import Session, Step, ended
from study.session_events import ConsentGiven, ConsentRefused, ConsentShown, SessionCompleted
from study.task_events import PageLeft, ResponseSubmitted, TaskSubmitted


@dataclass(frozen=True, slots=True)
class Deed:
    """One act that is yet to be written: its rows, the key that makes a second try write nothing, its page."""

    happened: tuple[Event, ...]
    key: str
    page: Step

    def write(self, log: EventLog, session_id: str) -> tuple[Record, ...]:
        """Write it once and return its rows; raises what `EventLog.append` raises."""
        return log.append(session_id, *self.happened, key=self.key, page=self.page)


def consent_shown(script: StudyScript) -> Deed:
    """The consent text is on the screen."""
    scopes = tuple(scope.key for scope in script.consent.scopes)
    shown = ConsentShown(text_sha256=script.consent_sha256, scopes=scopes)
    return Deed((shown,), "consent/shown", Step.CONSENT)


def consent_answered(script: StudyScript, allowed: Collection[str]) -> Deed:
    """One answer for each scope; the session ends where a required one is not among the `allowed`."""
    wanted = script.consent.scopes
    refused = any(scope.required and scope.key not in allowed for scope in wanted)
    answers = [
        (ConsentGiven if scope.key in allowed and not refused else ConsentRefused)(
            scope=scope.key, text_sha256=script.consent_sha256
        )
        for scope in wanted
    ]
    end = (SessionCompleted(outcome="no_consent"),) if refused else ()
    return Deed((*answers, *end), "consent", Step.CONSENT)


def stop_left(records: Iterable[Record], script: StudyScript, place: Session, *happened: Event) -> Deed:
    """`happened`, and that the present stop, which is no task, is left; with the end of the session after the last."""
    if place.stop is None:
        raise ValueError(f"Session {place.id} stands at no stop that could be left.")
    left = ended(records, script, *happened, PageLeft(page=place.stop.id))
    return Deed(left, f"left/{place.stop.id}", place.step)


def attempt_begun(place: Session, bench: Bench, *, image: str, labels: Sequence[str]) -> Deed:
    """The attempt at the present task, or its practice, begins: picture shown, and what the model says of it."""
    condition = place.stop.condition if place.stop else ""
    if place.step is Step.TUTORIAL:
        begun = opening(bench, image=image, labels=labels, condition=condition, practice=True)
    else:
        begun = opening(bench, image=image, labels=labels, condition=condition, order=place.order)
    return Deed(begun, f"open/{bench.task}/{place.attempt}", place.step)


def task_handed_in(
    records: Iterable[Record], script: StudyScript, place: Session, answers: Sequence[ResponseSubmitted]
) -> Deed:
    """All answers of the present task together, and that it is handed in."""
    key = str(place.task)
    submitted = TaskSubmitted(task=key, attempt=place.attempt)
    return Deed(ended(records, script, *answers, submitted), f"submit/{key}/{place.attempt}", Step.ANSWER)


def end_reached(place: Session) -> Deed:
    """The route is walked, and no row says yet how the session ended."""
    return Deed((SessionCompleted(outcome=place.ending),), "end", Step.DONE)
