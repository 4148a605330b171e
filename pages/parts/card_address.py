"""The address at which the workspace fetches one component's card; it may keep what it was given for ever."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from anyio import to_thread
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pages.parts.rig import Rig, installed

_log = logging.getLogger("tiller")
FOR_EVER = "private, max-age=31536000, immutable"


async def fetched(
    request: Request, ask: Callable[[Rig, QueryParams], Mapping[str, Any] | None], trouble: str
) -> Response:
    """What `ask` finds for a page, to be kept for ever if its `edition` is the page's; `trouble` is for the log."""
    rig, asked = installed(), request.query_params
    if rig is None:
        return Response(status_code=503)
    try:
        found = await to_thread.run_sync(ask, rig, asked)
    except Exception:
        _log.exception(trouble)
        return Response(status_code=500)
    if found is None:
        return Response(status_code=404)
    lasting = asked.get("edition") == found["edition"]  # what it rests on may have changed since the page asked
    return JSONResponse(found, headers={"Cache-Control": FOR_EVER if lasting else "no-store"})


async def card(request: Request) -> Response:
    """One component's card beside the picture that the session of the given link has open."""
    from pages.parts.cards import card_asked  # noqa: PLC0415

    return await fetched(
        request,
        lambda rig, asked: card_asked(rig, asked.get("s", ""), asked.get("c", "")),
        "A component's card could not be shown.",
    )


CARD = [Route("/api/card", card)]
