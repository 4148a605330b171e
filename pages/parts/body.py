"""What a browser sends to an address, read as far as it may go: a stranger must not fill the memory of the server."""

from __future__ import annotations

from starlette.requests import Request


async def body_of(request: Request, most: int) -> bytes | None:
    """What was sent, None where it has more than `most` bytes; no more than that is ever held."""
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > most:
            return None
    return bytes(held)
