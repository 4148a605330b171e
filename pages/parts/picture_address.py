"""The address at which a page fetches one picture of the bundle; what it was given it may keep for ever."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.parts.card_address import FOR_EVER
from pages.parts.rig import installed


async def picture(request: Request) -> Response:
    """One picture of the bundle, under its opaque name."""
    from pages.parts.gallery import encoded  # noqa: PLC0415 - it brings torch

    rig, side, name = installed(), request.query_params.get("side", ""), request.path_params["name"]
    found = None
    if rig is not None and side.isdecimal() and len(side) < 6:
        found = await to_thread.run_sync(lambda: encoded(rig, name, int(side)))
    if found is None:
        return Response(status_code=404)
    return Response(found[0], media_type=found[1], headers={"Cache-Control": FOR_EVER})


PICTURE = (Route("/api/picture/{name}", picture),)
