"""A running session for the moderator's console: what it shows now, and the acts that come back from it."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.types import TillerError
from pages.parts.body import body_of
from pages.parts.gallery import url_of
from pages.parts.rig import Rig, installed
from pages.parts.screen import opened_for
from pages.parts.sheets import edit_in_words
from pages.parts.staff import COOKIE, ROOMS
from pages.parts.tape import names_in, rows_of, script_for, study_of
from pages.parts.telling import told_of
from pages.parts.visits import visited
from study.attendance import Attendance
from study.history import predicted_in
from study.leases import lease_of
from study.moderation import Moderator, Sight, left_s, moderate, sight_of
from study.moderator_acts import read_moderator_act
from study.moderator_events import ModeratorPromptSent
from study.moderators import call
from study.preview_events import InterventionPredicted
from study.prompt_events import PromptShown
from study.records import Record
from study.route import Step
from study.staff import Role, Staff, find_staff
from study.times import since
from study.visits import visit_in

_log = logging.getLogger("tiller")
_EVENTS = 60  # of the last rows
_LARGEST = 20_000  # bytes of one act
_WORDS = {"up": "go up", "down": "go down", "same": "stay as it is"}


async def live(request: Request) -> Response:
    """GET what a session shows after row `after`; POST one act of the console. 404 for whoever may see neither."""
    rig, session = installed(), request.path_params["session"]
    key, after = request.cookies.get(COOKIE), request.query_params.get("after", "0")
    body = await body_of(request, _LARGEST) if request.method == "POST" else b""
    # a page elsewhere can have a browser send its cookie along; only our own pages may act with it
    strange = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    if rig is None or strange or body is None:
        return Response(status_code=404)

    def answer() -> tuple[int, Any]:
        who = may_watch(rig, key, session)
        if who is None:
            return 404, None
        if request.method == "POST":
            return _acted(rig, session, who, body)
        return 200, seen_after(rig, session, who, int(after) if after.isdecimal() and len(after) < 10 else 0)

    try:
        status, found = await to_thread.run_sync(answer)
    except Exception:
        _log.exception("A live session could not be shown.")
        return Response(status_code=500)
    headers = {"Cache-Control": "no-store"}
    return Response(status_code=status) if found is None else JSONResponse(found, status, headers)


def may_watch(rig: Rig, key: str | None, session: str) -> Staff | None:
    """The owner of `key`, if the console is open to their role and the session's study to them."""
    who, study = find_staff(rig.log, key), study_of(rig, session)
    room = next(room for room in ROOMS if room.address == "console")
    allowed = who is not None and who.role in room.roles and study is not None and who.may_see(study)
    return who if allowed else None


def seen_after(rig: Rig, session: str, who: Staff, after: int) -> dict[str, Any] | None:
    """The session as the console draws it; only its clocks where no row has come since `after`."""
    records = rows_of(rig, session)
    script = script_for(rig, records) if records else None
    if script is None:
        return None
    now = rig.log.now()
    lease = lease_of(rig.log, session)
    sight = sight_of(rig.log, script, session)
    clocks = {
        "seq": sight.place.seq,
        "left_s": left_s(sight),
        "quiet_s": since(records[-1], now),
        "window_s": None if lease is None else lease.quiet_s(now),
    }
    if after == sight.place.seq:
        return clocks
    me = _moderator(rig, who)
    full = sight.staff.observers >= sight.rules.observers and (sight.staff.writer is not None or not me.may_write)
    if full and me.who not in sight.staff.present and not sight.place.finished:
        return {"seq": 0, "refused": f"{sight.rules.observers} observers are the most that the script allows."}
    return {**clocks, **_shown(rig, sight, records), **_staff(sight, me)}


def _acted(rig: Rig, session: str, who: Staff, body: bytes) -> tuple[int, dict[str, Any]]:
    records = rows_of(rig, session)
    script = script_for(rig, records) if records else None
    try:
        act = read_moderator_act(json.loads(body))
        if script is None:
            return 422, {"refused": "The script that this session runs under is not on record."}
        return 200, {"row": moderate(rig.log, script, session, _moderator(rig, who), act)}
    except ValueError:
        return 422, {"refused": "That could not be read; nothing was done."}
    except TillerError as error:
        return 422, {"refused": str(error)}


def _moderator(rig: Rig, who: Staff) -> Moderator:
    return Moderator(call(rig.log, who.name), who.role in (Role.RESEARCHER, Role.MODERATOR))


def _shown(rig: Rig, sight: Sight, records: Sequence[Record]) -> dict[str, Any]:
    place, stop, name = sight.place, sight.place.stop, names_in(rig, records)
    start = records[0].utc_ns
    return {
        "participant": place.participant,
        "mode": place.mode,
        "step": place.step,
        "title": (stop.title or stop.id) if stop is not None else "",
        "task": place.order if place.task else None,
        "tasks": place.tasks,
        "condition": stop.condition if stop is not None else "",
        "phase": stop.phase if stop is not None else "",
        "paused": place.paused,
        "outcome": place.outcome,
        "goal": sight.script.tasks[place.task].goal if place.task else "",
        "scopes": [
            {"label": scope.label, "answer": _answered(scope.key, sight)} for scope in sight.script.consent.scopes
        ],
        "events": [
            [record.seq, round((record.utc_ns - start) / 1e6), record.row["actor"], told_of(record, name)]
            for record in records[-_EVENTS:]
        ],
        "expected": _expected(records, place.task),
        **_picture(rig, sight),
    }


def _answered(scope: str, sight: Sight) -> str:
    return "yes" if scope in sight.place.consented else "no" if scope in sight.place.refused else "not asked yet"


def _picture(rig: Rig, sight: Sight) -> dict[str, Any]:
    """The picture on the participant's screen, what the model says of it before and now, and the plan in words."""
    task = sight.place.task
    opened = opened_for(rig, sight.script, task) if task else None
    if task is None or opened is None:
        return {"image": None, "says": [], "plan": []}
    said = predicted_in(sight.records, task) if sight.place.step in (Step.WORKSPACE, Step.ANSWER) else None
    visit = visit_in(sight.records, task) if sight.place.step is Step.WORKSPACE else None
    other = visit and visited(rig.under(sight.script), opened, frozenset(sight.place.tools), visit.image)
    there, after = (other, visit.after) if visit and other else (opened, said and said.after)
    clean = there.seen.clean
    now = clean if after is None else after.prediction(there.model.labels)
    labels = dict.fromkeys([there.target, there.against, now.top, *(clean.labels[at] for at in clean.ranked)])
    sides = {there.target: "target", there.against: "against"}
    return {
        "image": url_of(there.picture, 448, there.bundle),
        "beside": other is not None,
        "truth": there.truth,
        "top": now.top,
        "says": [
            {"label": one, "side": sides.get(one, "other"), "before": clean.prob(one), "now": now.prob(one)}
            for one in list(labels)[:5]
        ],
        "plan": [] if said is None else [edit_in_words(opened, edit, "en") for edit in said.after.plan],
    }


def _expected(records: Sequence[Record], task: str | None) -> str:
    """What the participant last said that a step would do, and whether it came so."""
    for record in reversed(records):
        event = record.event
        if isinstance(event, InterventionPredicted) and event.task == task:
            said = [f"“{event.hypothesis}”"] if event.hypothesis else []
            if event.direction and event.label:
                came = {True: ", and it did", False: ", and it did not", None: ""}[event.direction_right]
                said.append(f"{event.label} will {_WORDS.get(event.direction, event.direction)}{came}")
            if event.top1:
                came = {True: ", and it does", False: ", and it does not", None: ""}[event.top1_right]
                said.append(f"it will say {event.top1}{came}")
            if event.confidence is not None:
                said.append(f"{event.confidence:.0f} of 100 sure")
            return "; ".join(said)
    return ""


def _staff(sight: Sight, me: Moderator) -> dict[str, Any]:
    staff = sight.staff
    prompts = sight.script.think_aloud.prompts if sight.script.think_aloud else ()
    notes = sorted(staff.notes.values(), key=lambda note: -note.seq)
    start = sight.records[0].utc_ns
    return {
        "me": me.who,
        "writes": me.may_write and staff.writer == me.who,
        "may_write": me.may_write,
        "here": me.who in staff.present,
        "writer": staff.writer,
        "present": [{"who": who, "role": role} for who, role in staff.present.items()],
        "controls": list(sight.rules.controls),
        "prompts": [{"id": one.id, "text": one.text} for one in prompts],
        "prompt": _prompt(staff),
        "notes": [[note.seq, round((note.utc_ns - start) / 1e6), note.who, note.text] for note in notes],
        "guide": [
            {"id": one.id, "text": one.text, "at": one.at, "asked": staff.asked.get(one.id, False)}
            for one in sight.script.guide
        ],
        "stop": sight.place.stop.id if sight.place.stop is not None else "",
        "marks": staff.marks,
    }


def _prompt(staff: Attendance) -> dict[str, Any] | None:
    """The prompt that the participant sees now, or the one that is on its way to them."""
    if staff.showing is not None and isinstance(staff.showing.event, PromptShown):
        return {"text": staff.showing.event.wording, "state": "on the screen"}
    if staff.waiting is not None and isinstance(staff.waiting.event, ModeratorPromptSent):
        return {"text": staff.waiting.event.text, "state": "sent"}
    return None
