"""One moment of a session for the browser: the participant's screen as it was, and the row that it is shown for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from core.types import Prediction, TillerError
from pages.parts.board import board
from pages.parts.gallery import url_of
from pages.parts.guide import guide
from pages.parts.here import Here
from pages.parts.names import named
from pages.parts.opened import Opened, open_picture
from pages.parts.rig import Rig
from pages.parts.sheets import edit_in_words, foremost
from pages.parts.tape import names_in, rows_of, script_for
from pages.parts.telling import fields_of, told_of
from pages.parts.words import say
from study.bench import Seen
from study.explanations import Pair, explanation_in
from study.history import History, followed
from study.records import Record
from study.screens import Screen, screen_at
from study.script import Answer, Slider, StudyScript
from study.session import Step
from study.steering_events import ModelPredicted
from study.task_events import Response, ResponseSubmitted

_STRIDE = 400  # rows
_ERASED = (
    "This session was erased: what was on the screen went with the participant's words. When each thing was done, and "
    "its digest, stay."
)
_NOT_DRAWN = "This page is not drawn here; what was answered on it stands in the rows."
_AT_WORK = (Step.TUTORIAL, Step.WORKSPACE)
_NO_SCRIPT = "The script that this session ran under is not on record, so its screens cannot be drawn."


def screen_of(rig: Rig, session_id: str, seq: int) -> dict[str, Any] | None:
    """Row `seq` and the screen it is shown on, as plain values; None where there is no such row."""
    records = rows_of(rig, session_id)
    record = records[seq - 1] if 1 <= seq <= len(records) else None
    if record is None or record.seq != seq:
        return None
    detail = {
        "seq": seq,
        "name": record.name,
        "words": told_of(record, names_in(rig, records)),
        "at": record.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC",
        "actor": record.row["actor"],
        "digest": record.row["payload_digest"],
        "hash": record.row["hash"],
        "state": record.row["after_state_id"],
        "fields": list(fields_of(record)),
    }
    return {"row": detail, **_shown(rig, records, record)}


@dataclass(frozen=True)
class Standing:
    """A picture that is being worked on, and the prediction that stands on the screen, as row `seq` logged it."""

    opened: Opened
    said: ModelPredicted
    seq: int
    tools: frozenset[str]


def standing_at(rig: Rig, session_id: str, seq: int) -> Standing:
    """The picture that is being worked on at row `seq`, and the prediction that stands there, as it was logged.

    Raises:
        TillerError: there is none, or it cannot be had any more; the sentence says which.
    """
    records = rows_of(rig, session_id)
    script = script_for(rig, records)
    if script is None or not 1 <= seq <= len(records):
        raise TillerError(_NO_SCRIPT)
    return _standing(rig, script, screen_at(records, seq, script))


def opened_for(rig: Rig, script: StudyScript, task: str, pair: Pair | None = None) -> Opened | None:
    """The picture of a task of some script, None where this bundle does not have it."""
    asked = script.tasks[task]
    return open_picture(rig, asked, pair) if asked.picture in rig.tasks and asked.sae in rig.bundles else None


def _standing(rig: Rig, script: StudyScript, screen: Screen) -> Standing:
    if screen.place.step not in (*_AT_WORK, Step.ANSWER):
        raise TillerError("No picture is worked on at this moment; go to a moment in the workspace.")
    task = str(screen.place.task)
    here = (one for one in reversed(screen.records) if isinstance(one.event, ModelPredicted) and one.event.task == task)
    found = next(here, None)
    said = cast("ModelPredicted | None", found.event if found else None)
    pair = explanation_in(screen.records, task).pair if screen.place.step in _AT_WORK else None
    opened = opened_for(rig, script, task, pair)
    if found is None or said is None or opened is None or opened.pinned != said.pinned:
        raise TillerError(
            "The model, dictionary or picture that this session used is not what the app has open now, so the screen "
            "cannot be drawn; start the app with the bundle and script that were used."
        )
    opened = _as_logged(named(rig.under(script), screen.records, opened), screen.records, task)
    return Standing(opened, said, found.seq, frozenset(screen.place.tools))


def _as_logged(opened: Opened, records: Sequence[Record], task: str) -> Opened:
    """With the untouched prediction that was on the screen, not the one that the model would give now."""
    for record in records:
        event = record.event
        if isinstance(event, ModelPredicted) and event.task == task and not event.after.edits:
            return replace(opened, seen=replace(opened.seen, clean=event.after.prediction(opened.model.labels)))
    return opened


def _shown(rig: Rig, records: Sequence[Record], record: Record) -> dict[str, Any]:
    """What was on the screen: a `board` for the workspace, a `sheet` to read, or why it is `gone`."""
    script = script_for(rig, records)
    if record.event is None or script is None:
        return {"step": "", "gone": _ERASED if record.event is None else _NO_SCRIPT}
    screen = screen_at(records, record.seq, script)
    shown: dict[str, Any] = {
        "step": screen.place.step,
        "picture": screen.place.order,
        "pictures": screen.place.tasks,
    }
    try:
        return shown | _drawn(rig, script, screen)
    except TillerError as error:
        return shown | {"gone": str(error)}


def _drawn(rig: Rig, script: StudyScript, screen: Screen) -> dict[str, Any]:
    if screen.place.step is Step.BRIEFING:
        return {"sheet": _briefing(rig, script, screen)}
    if screen.place.step not in (*_AT_WORK, Step.ANSWER):
        return {"sheet": _words(script, screen)}
    stands = _standing(rig, script, screen)
    if screen.place.step is Step.ANSWER:
        return {"predicted": stands.seq, "sheet": _answering(script, screen, stands)}
    here = Here(rig.under(script), "", screen.records[0].session_id, tuple(screen.records), screen.place)
    history = _history(rig, screen.records, str(screen.place.task), len(screen.records))
    besides = guide(here) if screen.place.step is Step.TUTORIAL else {}
    return {"predicted": stands.seq, "board": board(here, stands.opened, history, _seen(stands)) | dict(besides)}


def _history(rig: Rig, records: Sequence[Record], task: str, until: int) -> History:
    """`history_in` of the first `until` rows, from the last of the places on the way that are remembered."""
    start = (until - 1) // _STRIDE * _STRIDE
    now = History()
    if start > 0:
        key = ("history", records[0].session_id, task, start)
        now = rig.folds.recall(key, lambda: _history(rig, records, task, start))
    for record in records[max(0, start) : until]:
        now = followed(now, record, task)
    return now


def _seen(stands: Standing) -> Seen:
    """The logged prediction as the workspace draws one; bit for bit what was shown."""
    said = stands.said
    return Seen(
        prediction=said.after.prediction(stands.opened.model.labels),
        edit_norm_ratio=said.edit_norm_ratio,
        latency_ms=said.latency_ms,
        cache_hit=said.cache_hit,
    )


def _briefing(rig: Rig, script: StudyScript, screen: Screen) -> dict[str, Any]:
    task = str(screen.place.task)
    opened = opened_for(rig, script, task)
    words = [script.tasks[task].goal, *([f"**Thinking aloud.** {script.aloud}"] if script.aloud else [])]
    if opened is None:
        return {"title": f"Picture {screen.place.order}", "words": words}
    form = "task.title_open" if opened.hidden else "task.title"
    title = say(form, script.language, truth=opened.truth, target=opened.target)
    return {"title": title, "words": words, **_picture(opened, opened.seen.clean)}


def _answering(script: StudyScript, screen: Screen, stands: Standing) -> dict[str, Any]:
    opened, said = stands.opened, stands.said
    plan = said.after.plan
    done = "; ".join(edit_in_words(opened, edit, "en") for edit in plan) or "no edit"
    asked = script.tasks[str(screen.place.task)].answers
    return {
        "title": say("answer.title", script.language),
        "words": [f"The plan on leaving the workspace: {done}."],
        "questions": [_question(each, screen.answers.get(each.id)) for each in asked],
        **_picture(opened, said.after.prediction(opened.model.labels)),
    }


def _question(asked: Answer, given: Response | None) -> dict[str, Any]:
    scale = {"min": asked.min, "max": asked.max} if isinstance(asked, Slider) else {}
    value: Mapping[str, Any] = {} if given is None else {"text": given.text, "number": given.number}
    state = "open" if given is None else "handed in" if isinstance(given, ResponseSubmitted) else "being written"
    return {"label": asked.label, "state": state, **scale, **value}


def _words(script: StudyScript, screen: Screen) -> dict[str, Any]:
    if screen.place.step is Step.CONSENT:
        return {"title": "Consent", "text": script.consent_text, "scopes": list(_scopes(script, screen))}
    if screen.place.step is Step.DONE:
        over = screen.place.outcome == "completed"
        title = "That was the last picture" if over else "Nothing more is recorded"
        return {"title": title, "words": [script.debrief] if over else []}
    stop = screen.place.stop
    if stop is None or screen.place.step is Step.WELCOME:
        return {"title": script.study.title, "words": [script.welcome]}
    return {"title": stop.title, "words": [stop.text or _NOT_DRAWN]}


def _scopes(script: StudyScript, screen: Screen) -> Iterator[dict[str, str]]:
    for scope in script.consent.scopes:
        given = scope.key in screen.place.consented
        answer = "agreed" if given else "not agreed" if scope.key in screen.place.refused else "not answered yet"
        yield {"label": scope.label, "answer": answer}


def _picture(opened: Opened, now: Prediction) -> dict[str, Any]:
    clean = opened.seen.clean
    return {
        "image": url_of(opened.picture, 448, opened.bundle),
        "says": [
            {"label": label, "before": clean.prob(label), "now": now.prob(label)} for label in foremost(opened, now)
        ],
    }
