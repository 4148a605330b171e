"""The address at which the workspace fetches the waterfall; it may keep what it was given for ever."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.parts.card_address import fetched


async def waterfall(request: Request) -> Response:
    """The waterfall of the picture that the session of the given link has open."""
    from pages.parts.waterfall import waterfall_asked  # noqa: PLC0415

    return await fetched(
        request, lambda rig, asked: waterfall_asked(rig, asked.get("s", "")), "A waterfall could not be shown."
    )


WATERFALL = [Route("/api/waterfall", waterfall)]
