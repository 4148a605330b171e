"""The recorder's own addresses: a participant's link takes in pieces of their own voice, and nothing else."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.types import TillerError
from pages.parts.body import body_of
from pages.parts.rig import Rig, installed
from study.database import LogUnavailable
from study.hearing import Standing
from study.log import LogRefused
from study.participants import find
from study.records import ClientTime
from study.setup_events import ClockSynced
from study.voice import (
    ClockUnknown,
    FormUnknown,
    PieceDamaged,
    Sent,
    VoiceRefused,
    end_recording,
    note_clock,
    note_silence,
    take_piece,
)

_log = logging.getLogger("tiller")
LARGEST = 256 << 10  # bytes of a piece; two seconds of speech have some 8 KiB
_AT_ONCE = {"Cache-Control": "no-store"}
# The status says what the recorder does: stop (403), compare clocks (428), send again (422, 5xx), leave it (else).
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (VoiceRefused, 403),
    (ClockUnknown, 428),
    (PieceDamaged, 422),
    (FormUnknown, 415),
    (LogUnavailable, 503),
    (LogRefused, 409),
    (OSError, 503),
    (TillerError, 400),
)


async def piece(request: Request) -> Response:
    """Keep one piece of a recording; answered once it is on the disk."""
    try:
        data = await body_of(request, LARGEST)
    except ClientDisconnect:
        return _refusal(400, "The piece was cut short; send it again.")
    if data is None:
        return _refusal(413, f"A piece may have {LARGEST:,} bytes; this one has more.")

    def take(rig: Rig, session: str) -> Standing:
        sent = Sent(
            media=request.path_params["media"],
            chunk=int(request.path_params["chunk"]),
            start_ms=_number(request, "start_ms"),
            length_ms=_number(request, "length_ms"),
            began_ms=_number(request, "began_ms"),
            sha256=request.query_params.get("sha256", ""),
        )
        return take_piece(rig.log, session, rig.script, sent, data)

    return await _answered(request, take)


async def end(request: Request) -> Response:
    """A recording is over, with how many pieces it was sent in."""

    def stop(rig: Rig, session: str) -> None:
        chunks, length_ms = int(_number(request, "chunks")), _number(request, "length_ms")
        end_recording(rig.log, session, request.path_params["media"], chunks=chunks, length_ms=length_ms)

    return await _answered(request, stop)


async def silence(request: Request) -> Response:
    """The recorder of `media` heard nobody from `t0` on, for `length` ms."""

    def note(rig: Rig, session: str) -> Standing:
        t0_ms, length_ms = _number(request, "t0"), _number(request, "length")
        return note_silence(rig.log, session, request.query_params.get("media", ""), t0_ms=t0_ms, length_ms=length_ms)

    return await _answered(request, note)


async def clock(request: Request) -> Response:
    """GET: the server's clock, for anybody; POST: what comparing it with the browser's has found."""
    if request.method == "GET":
        return JSONResponse({"utc_ms": time.time_ns() / 1e6}, headers=_AT_ONCE)

    def note(rig: Rig, session: str) -> None:
        synced = ClockSynced(
            offset_ms=_number(request, "offset_ms"),
            error_ms=_number(request, "error_ms"),
            pairs=int(_number(request, "pairs")),
        )
        client = ClientTime(
            epoch_ms=_number(request, "epoch_ms"),
            perf_ms=_number(request, "perf_ms"),
            time_origin=_number(request, "origin_ms"),
        )
        note_clock(rig.log, session, synced, key=request.query_params.get("key", ""), client=client)

    return await _answered(request, note)


async def _answered(request: Request, do: Callable[[Rig, str], Standing | None]) -> Response:
    rig, token = installed(), request.query_params.get("s", "")
    if rig is None:
        return _refusal(503, "The server is not ready yet.")

    def work() -> Response:
        found = find(rig.log, token)
        if found is None:
            return _refusal(404, "This link opens no session here.")
        stands = do(rig, found[0])
        return JSONResponse({} if stands is None else _told(stands), headers=_AT_ONCE)

    try:
        return await to_thread.run_sync(work)
    except tuple(kind for kind, _ in _STATUS) as error:
        status = next(status for kind, status in _STATUS if isinstance(error, kind))
        if status >= 500:
            _log.error("A piece of sound could not be kept; the recorder sends it again.", exc_info=error)
        return _refusal(status, str(error), error.stands if isinstance(error, VoiceRefused) else None)
    except Exception:
        _log.exception("A piece of sound could not be taken in.")
        return _refusal(500, "The server could not take this in.")


def _number(request: Request, name: str) -> float:
    """A finite number of the query, or a refusal that names it."""
    value = math.nan
    with suppress(ValueError):
        value = float(request.query_params.get(name, ""))
    if not math.isfinite(value):
        raise TillerError(f"{name} is missing or no number; send a number of milliseconds, or a count.")
    return value


def _refusal(status: int, why: str, stands: Standing | None = None) -> Response:
    told = {} if stands is None else _told(stands)
    return JSONResponse({"refused": why, **told}, status_code=status, headers=_AT_ONCE)


def _told(stands: Standing) -> dict[str, Any]:
    return {"voice": stands.voice, "turn": stands.turn}


SOUND = (
    Route("/api/clock", clock, methods=["GET", "POST"]),
    Route("/api/sound/silence", silence, methods=["POST"]),
    Route("/api/sound/{media}/end", end, methods=["POST"]),
    Route("/api/sound/{media}/{chunk:int}", piece, methods=["POST"]),
)
