"""The address of the ripple: a line of JSON at once, and another for each time that there is more to say."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from pages.parts.rig import Rig, installed
from pages.parts.ripples import asked_by, known_ripple, measuring

_log = logging.getLogger("tiller")
_turn = asyncio.Lock()  # one at a time: predictions, which people wait for, keep a core and all threads
_FRESH = {"Cache-Control": "no-store"}


async def ripple_of(request: Request) -> Response:
    """The ripple of the plan that stands for the session whose link is given, or of one of its scenarios."""
    rig = installed()
    if rig is None:
        return Response(status_code=503)
    try:
        return await _measured(request, rig)
    except Exception:
        _log.exception("The ripple could not be measured.")
        return Response(status_code=500)


async def _measured(request: Request, rig: Rig) -> Response:
    query = request.query_params
    asked = await to_thread.run_sync(asked_by, rig, query.get("s", ""), query.get("scenario", ""))
    if asked is None:
        return Response(status_code=404)
    known = await to_thread.run_sync(known_ripple, rig, asked)
    if known is not None:
        return JSONResponse(known, headers=_FRESH)
    return await streamed(request, measuring(rig, asked))


async def streamed(request: Request, coming: Iterator[dict[str, Any]]) -> Response:
    """What comes, a line of JSON each, for as long as somebody listens; each step in a turn of its own."""
    await request.body()  # only after it does the server say that nobody listens any more
    first = await _next_line(request, coming)
    if first is None:
        return Response(status_code=204)

    async def lines() -> AsyncIterator[bytes]:
        line: bytes | None = first
        while line is not None:
            yield line
            line = await _next_line(request, coming)

    return StreamingResponse(lines(), media_type="application/x-ndjson", headers=_FRESH)


async def _next_line(request: Request, coming: Iterator[dict[str, Any]]) -> bytes | None:
    """The next line of a ripple; None at its end, or where the participant went on meanwhile."""
    found: dict[str, Any] | None = {}
    while found == {}:  # nothing new yet; the next turn is somebody else's
        async with _turn:
            if await request.is_disconnected():  # their page has asked anew
                return None
            found = await to_thread.run_sync(next, coming, None)
    return None if found is None else json.dumps(found, separators=(",", ":")).encode() + b"\n"
