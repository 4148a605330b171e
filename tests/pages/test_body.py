"""What strangers send: no address reads on once it is more than the address has room for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from served import awaited
from starlette.requests import Request

from pages.parts import entrance, intake, live
from pages.parts import rig as rigs
from pages.parts.rig import Rig

PIECE = bytes(1000)


@pytest.mark.parametrize(
    ("answer", "most", "status"),
    [(entrance.enter, 4096, 403), (live.live, 20_000, 404), (intake.piece, intake.LARGEST, 413)],
)
def test_no_more_is_read_of_a_body_than_an_address_takes(
    answer: Callable[[Request], Any], most: int, status: int, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rigs, "_installed", [rig])
    monkeypatch.setattr(entrance, "_missed", entrance.deque(maxlen=5))
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        assert read < 1000, "a body without an end is read without an end"
        return {"type": "http.request", "body": PIECE, "more_body": True}

    path = {"session": "s", "media": "m", "chunk": 0}
    scope = {"type": "http", "method": "POST", "path_params": path, "headers": [], "query_string": b"s=x"}
    assert awaited(answer(Request(scope, receive))).status_code == status
    assert len(PIECE) * read <= most + len(PIECE)
