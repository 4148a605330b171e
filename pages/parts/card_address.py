"""The address at which the workspace fetches one component's card; it may keep what it was given for ever."""

from __future__ import annotations

import logging

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pages.parts.rig import installed

_log = logging.getLogger("tiller")
FOR_EVER = "private, max-age=31536000, immutable"


async def card(request: Request) -> Response:
    """One component's card beside the picture that the session of the given link has open."""
    from pages.parts.cards import card_asked  # noqa: PLC0415

    rig, asked = installed(), request.query_params
    if rig is None:
        return Response(status_code=503)
    try:
        found = await to_thread.run_sync(card_asked, rig, asked.get("s", ""), asked.get("c", ""))
    except Exception:
        _log.exception("A component's card could not be shown.")
        return Response(status_code=500)
    if found is None:
        return Response(status_code=404)
    lasting = asked.get("edition") == found["edition"]  # what it rests on may have changed since the page asked
    return JSONResponse(found, headers={"Cache-Control": FOR_EVER if lasting else "no-store"})


CARD = [Route("/api/card", card)]
