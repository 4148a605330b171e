"""The address of the map by masking: a line of JSON for each time that it has come further, the last with the map."""

from __future__ import annotations

import logging

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.parts.rig import installed

_log = logging.getLogger("tiller")


async def masking_of(request: Request) -> Response:
    """What masking each patch costs, of the picture that the session of the given link has open."""
    from pages.parts.masking import masking, masking_asked  # noqa: PLC0415
    from pages.parts.ripple_stream import streamed  # noqa: PLC0415

    rig, query = installed(), request.query_params
    if rig is None:
        return Response(status_code=503)
    token, target, against = (query.get(name, "") for name in ("s", "target", "against"))
    try:
        asked = await to_thread.run_sync(masking_asked, rig, token, target, against)
        return Response(status_code=404) if asked is None else await streamed(request, masking(rig, asked))
    except Exception:
        _log.exception("What masking costs could not be measured.")
        return Response(status_code=500)


MASKING = [Route("/api/masking", masking_of)]
