"""A participant's browser without the browser: Streamlit's own messages over its own websocket, and nothing drawn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

WORKSPACE, PULSE = "tiller_workspace", "tiller_pulse"
PATIENCE_S = 2.5  # the outbox's own, after which it sends an act again
BEAT_S = 1.0  # the pulse's own


class Fetcher:
    """One kept connection beside the page's line, as a browser keeps one for its fetches."""

    def __init__(self, url: str) -> None:
        """Nothing is opened before the first question."""
        self._at = urlsplit(url)
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def get(self, path: str) -> int:
        """The status of the answer, once all of it has come; asked anew where the server had closed the connection."""
        async with self._turn:
            kept = self._line is not None
            try:
                return await self._ask(path)
            except (asyncio.IncompleteReadError, ConnectionError):
                if not kept:
                    raise
            return await self._ask(path)

    async def _ask(self, path: str) -> int:
        whole = False
        try:
            if self._line is None:
                self._line = await asyncio.open_connection(self._at.hostname, self._at.port)
            reader, writer = self._line
            writer.write(f"GET /{path} HTTP/1.1\r\nHost: {self._at.netloc}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            lengths = [line.split(":")[1] for line in head.splitlines() if line.startswith("content-length")]
            await reader.readexactly(int(lengths[0]) if lengths else 0)
            whole = True
            return int(head.split()[1])
        finally:
            if not whole:  # a question that is given up closes its connection, as a browser's does
                self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._line is not None:
            self._line[1].close()
            self._line = None


class Visitor:
    """One open page: it presses buttons, hands over acts, and knows what the server has had it draw."""

    def __init__(self, url: str, query: str = "") -> None:
        """A page that will be opened at `url` with `query` in the address bar."""
        self.url = url
        self.query = query
        self.page = ""  # the script's hash, as the browser repeats it
        self.buttons: dict[str, str] = {}  # id by label
        self.drawn: dict[str, Any] = {}  # the components' messages, by name
        self.boards: dict[str, Any] = {}  # what each component draws
        self.answers: dict[str, tuple[str, float]] = {}  # by act: what was said of it, and when
        self.fragments: dict[str, str] = {}  # which fragment draws each, by name
        self.values: dict[str, str] = {}  # the components' own state, by id
        self.received = 0  # bytes
        self.resent = 0
        self.window = str(uuid4())
        self.running = False
        self._news = asyncio.Condition()
        self._line: ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ripples, self._beats = Fetcher(url), Fetcher(url)

    async def open(self) -> None:
        """Connect, and ask for the page as a browser does once it has loaded the app."""
        address = self.url.replace("http", "ws", 1) + "_stcore/stream"
        self._line = await connect(address, subprotocols=["streamlit", "load"], max_size=None, open_timeout=60)  # pyright: ignore[reportArgumentType]
        self._tasks.append(asyncio.create_task(self._listen(self._line)))
        await self._run()

    async def close(self) -> None:
        """Close the page."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._line is not None:
            await self._line.close()
        self._ripples.close()
        self._beats.close()

    @property
    def token(self) -> str:
        """The link's token in the address bar."""
        return parse_qs(self.query).get("s", [""])[0]

    @property
    def board(self) -> dict[str, Any]:
        """What the workspace draws now."""
        return self.boards[WORKSPACE]

    async def press(self, label: str) -> None:
        """Wait until the page stands still with a button whose label begins with `label`, and press it."""

        def there() -> str | None:
            found = (each for text, each in self.buttons.items() if text.startswith(label))
            return None if self.running else next(found, None)

        await self.until(lambda: there() is not None)
        await self._run(pressed=there())

    async def until(self, true: Callable[[], bool], timeout_s: float = 120.0) -> None:
        """Wait for a message after which `true` holds."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(true), timeout_s)

    async def act(self, what: dict[str, Any], timeout_s: float = 60.0) -> tuple[str, float]:
        """Hand one act over, again if it is not answered, and give its id and the milliseconds until it was settled."""
        name, start = str(uuid4()), perf_counter()
        shown = self.drawn[WORKSPACE]
        act = {"id": name, "task": self.board["task"], "epoch_ms": 0.0, "perf_ms": 1000 * start, "origin_ms": 0.0}
        self.values[shown.id] = json.dumps({"acts": [act | what]})
        while name not in self.answers:
            if perf_counter() - start > timeout_s:
                raise TimeoutError(f"No answer to an act in {timeout_s:.0f} s.")
            await self._run(fragment=self.fragments[WORKSPACE])
            try:
                await self.until(lambda: name in self.answers, PATIENCE_S)
            except TimeoutError:
                self.resent += 1
        said, at = self.answers[name]
        if said:
            raise AssertionError(f"An act was refused: {said}")
        return name, 1000 * (at - start)

    async def ripple(self) -> tuple[int, float]:
        """The status of the ripple's answer, and how many milliseconds it took."""
        start = perf_counter()
        status = await self._ripples.get(f"api/ripple?s={self.token}")
        return status, 1000 * (perf_counter() - start)

    async def beat(self) -> None:
        """Say that the page is there, as its pulse does."""
        await self._beats.get(f"api/pulse?s={self.token}&w={self.window}")

    async def _run(self, *, pressed: str | None = None, fragment: str = "") -> None:
        asked = BackMsg()
        state = asked.rerun_script
        state.query_string, state.page_script_hash, state.fragment_id = self.query, self.page, fragment
        for each, value in self.values.items():
            state.widget_states.widgets.add(id=each, json_value=value)
        if pressed is not None:
            state.widget_states.widgets.add(id=pressed, trigger_value=True)
        self.running = True
        assert self._line is not None
        await self._line.send(asked.SerializeToString())

    async def _listen(self, line: ClientConnection) -> None:
        async for data in line:
            assert isinstance(data, bytes)
            self.received += len(data)
            message = ForwardMsg.FromString(data)
            async with self._news:
                self._take(message)
                self._news.notify_all()

    def _take(self, message: ForwardMsg) -> None:
        match message.WhichOneof("type"):
            case "new_session":
                self.page, self.running = message.new_session.page_script_hash, True
                if not message.metadata.run.fragment_ids:
                    self.buttons.clear()
                    self.drawn.clear()
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "script_finished":
                self.running = False
                self._name()
            case "delta":
                self._draw(message)
            case _:
                pass

    def _name(self) -> None:
        """Tell the page's pulse which window this is, once it asks."""
        shown = self.drawn.get(PULSE)
        if shown is not None and shown.id not in self.values:
            self.values[shown.id] = json.dumps({"window": self.window})
            self.running = True
            self._tasks.append(asyncio.create_task(self._run(fragment=self.fragments[PULSE])))

    def _draw(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        match element.WhichOneof("type"):
            case "button":
                self.buttons[element.button.label] = element.button.id
            case "bidi_component":
                shown = element.bidi_component
                self.drawn[shown.component_name] = shown
                self.fragments[shown.component_name] = message.delta.fragment_id
                board = self.boards[shown.component_name] = json.loads(shown.json)
                for name, said in board.get("answers", {}).items():
                    self.answers.setdefault(name, (said, perf_counter()))
            case _:
                pass
