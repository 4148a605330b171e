"""The replay page's own addresses: only for those to whom the page is open, only of studies that they may see."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from core.types import TillerError
from pages.parts.again import again
from pages.parts.cards import card_of, is_component, tasks_begun
from pages.parts.rig import Rig, installed
from pages.parts.ripples import Asked, ripple_under
from pages.parts.screen import screen_of, standing_at
from pages.parts.sound import sound_of
from pages.parts.staff import COOKIE, ROOMS
from pages.parts.supposed import suppose
from pages.parts.tape import rows_of, script_for, study_of, tape_of
from pages.parts.visits import facing
from pages.parts.waterfall import waterfall_of
from study.samples import still_blind
from study.screens import screen_at
from study.script.part import ELSEWHERE
from study.staff import find_staff

_log = logging.getLogger("tiller")
_LARGE = 4096  # bytes from which packing is worth its while


async def replayed(request: Request) -> Response:
    """What the address asks of a session: the tape, or at one row its screen, ripple, a rerun or a supposition."""
    rig, session = installed(), request.path_params["session"]
    seq, what = request.path_params.get("seq", "0"), request.path_params.get("what", "tape")
    ask = _ASKED.get(what)
    if rig is None or ask is None or len(seq) > 9 or not seq.isascii() or not seq.isdecimal():
        return Response(status_code=404)
    key, query = request.cookies.get(COOKIE), dict(request.query_params)

    def answer() -> tuple[int, Any]:
        if not may_replay(rig, key, session):
            return 404, None  # what somebody may not see is not there
        try:
            found = ask(rig, session, int(seq), query)
        except TillerError as error:
            return 422, {"refused": str(error)}
        if what == "tape" and found is not None and _codes_blind(rig, key, session):
            found |= {"codes": []}
        return 404 if found is None else 200, found

    try:
        status, found = await to_thread.run_sync(answer)
    except Exception:
        _log.exception("A replay could not be shown.")
        return Response(status_code=500)
    return Response(status_code=status) if found is None else _packed(request, found, status)


async def heard(request: Request) -> Response:
    """A recording of a session, whole or in parts."""
    rig, session, media = installed(), request.path_params["session"], request.path_params["media"]
    key, wanted = request.cookies.get(COOKIE), request.headers.get("range", "")

    def answer() -> Response:
        if rig is None or not may_replay(rig, key, session):
            return Response(status_code=404)
        return sound_of(rig.log, session, media, wanted)

    return await to_thread.run_sync(answer)


def may_replay(rig: Rig, key: str | None, session: str) -> bool:
    """Whether the owner of `key` may see this session, which must be there."""
    who, study = find_staff(rig.log, key), study_of(rig, session)
    room = next(room for room in ROOMS if room.address == "replay")
    return who is not None and who.role in room.roles and study is not None and who.may_see(study)


def _codes_blind(rig: Rig, key: str | None, session: str) -> bool:
    """Whether the owner of `key` codes this session blind, and so must not meet the rules' codes here either."""
    who, study = find_staff(rig.log, key), study_of(rig, session)
    return who is None or study is None or still_blind(rig.log, study, session, who.name)


_Ask = Callable[[Rig, str, int, dict[str, str]], Any]


def _ripple(rig: Rig, session: str, seq: int, _: dict[str, str]) -> dict[str, Any]:
    stands = standing_at(rig, session, seq)
    return ripple_under(rig, Asked(stands.opened, stands.said.after.plan, ELSEWHERE & stands.tools))


def _card(rig: Rig, session: str, seq: int, asked: dict[str, str]) -> dict[str, Any] | None:
    stands, script = standing_at(rig, session, seq), script_for(rig, rows_of(rig, session))
    component = asked.get("c", "")
    if script is None or not is_component(component, stands.opened):
        return None
    records = screen_at(rows_of(rig, session), seq, script).records
    opened = facing(replace(rig, script=script), stands.opened, stands.tools, records, stands.said.task)
    return card_of(rig, script, opened, tasks_begun(records), int(component))


def _waterfall(rig: Rig, session: str, seq: int, _: dict[str, str]) -> dict[str, Any] | None:
    stands, script = standing_at(rig, session, seq), script_for(rig, rows_of(rig, session))
    if script is None:
        return None
    records = screen_at(rows_of(rig, session), seq, script).records
    opened = facing(replace(rig, script=script), stands.opened, stands.tools, records, stands.said.task)
    return waterfall_of(rig, opened, records)


_ASKED: dict[str, _Ask] = {
    "tape": lambda rig, session, _seq, _asked: tape_of(rig, session),
    "screen": lambda rig, session, seq, _asked: screen_of(rig, session, seq),
    "again": lambda rig, session, seq, _asked: again(rig, session, seq),
    "suppose": suppose,
    "ripple": _ripple,
    "card": _card,
    "waterfall": _waterfall,
}


def _packed(request: Request, found: Any, status: int) -> Response:
    headers = {"Cache-Control": "no-store"}
    body = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) >= _LARGE and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 1)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(body, status, headers, "application/json")
