"""What a failed test of a browser leaves to read: its windows' words, and its servers' last words and stacks."""

from __future__ import annotations

import re
import signal
import time
from typing import Any

from served import ROOT, Server

_LAST = "select srv_utc_ns / 1000000, session_id, seq, name from events order by srv_utc_ns desc limit 8"


def tell_of(browser: Any, servers: list[Server]) -> str:
    """A few lines for each window and server; nothing in here fails, for something else already has."""
    windows = [_window(window) for context in browser.contexts for window in context.pages]
    return "\n".join([*windows, *map(_server, servers)])


def _window(window: Any) -> str:
    try:
        words = " ".join(window.locator("body").aria_snapshot(timeout=5000).split())[:800]
    except Exception as error:
        words = f"({type(error).__name__})"
    return f"{window.url.split('?')[0]}: {words}"


def _server(server: Server) -> str:
    rows = server.rows(_LAST)
    told = server.database.parent / "server.log"
    if server.nursery is not None and server.process is not None:
        server.process.send_signal(signal.SIGUSR1)  # its threads' stacks, see nursery.py
        time.sleep(0.5)
    said, *threads = re.split(r"(?m)^(?=(?:Current t|T)hread 0x)", told.read_text(errors="replace"))
    ours = [thread for thread in threads if re.search(rf'"{ROOT}/(app|core|pages|study)', thread)]
    return "\n".join([said[-2000:], *(thread[:1500] for thread in ours), *map(str, rows)])
