"""The address at which the workspace fetches the waterfall; it may keep what it was given for ever."""

from __future__ import annotations

import logging

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pages.parts.card_address import FOR_EVER
from pages.parts.rig import installed

_log = logging.getLogger("tiller")


async def waterfall(request: Request) -> Response:
    """The waterfall of the picture that the session of the given link has open."""
    from pages.parts.waterfall import waterfall_asked  # noqa: PLC0415

    rig, asked = installed(), request.query_params
    if rig is None:
        return Response(status_code=503)
    try:
        found = await to_thread.run_sync(waterfall_asked, rig, asked.get("s", ""))
    except Exception:
        _log.exception("A waterfall could not be shown.")
        return Response(status_code=500)
    if found is None:
        return Response(status_code=404)
    lasting = asked.get("edition") == found["edition"]  # what it rests on may have changed since the page asked
    return JSONResponse(found, headers={"Cache-Control": FOR_EVER if lasting else "no-store"})


WATERFALL = [Route("/api/waterfall", waterfall)]
