"""A server that answers as the hub does to huggingface_hub: repository info, files with digests and commit, ranges."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" * 6 + "c0ff"
PIECE = 1 << 20


@dataclass
class Hub:
    """Repositories by name; those files that are in `large` are served as git LFS serves them, by SHA-256."""

    files: Mapping[str, dict[str, bytes]]
    large: int = 1000  # bytes from which a file is in LFS
    served: dict[str, int] = field(default_factory=dict)  # bytes of bodies sent, by file
    asked: list[str] = field(default_factory=list)
    pause: float = 0.0  # seconds between pieces
    cut_after: int | None = None  # drop the first connection after so many bytes of a body
    spoiled: set[str] = field(default_factory=set)

    def digest(self, data: bytes) -> str:
        if len(data) >= self.large:
            return hashlib.sha256(data).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def info(self, repo: str) -> dict:
        siblings = []
        for name, data in self.files[repo].items():
            one = {"rfilename": name, "size": len(data), "blobId": self.digest(data)}
            if len(data) >= self.large:
                one |= {"blobId": "0" * 40, "lfs": {"sha256": self.digest(data), "size": len(data), "pointerSize": 130}}
            siblings.append(one)
        return {"id": repo, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False, "downloads": 0}


class Serving(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: Hub) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.hub = hub
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address) -> None:
        """A client that was killed is no fault of ours."""


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Serving

    def log_message(self, format: str, *args: object) -> None:
        self.server.hub.asked.append(f"{self.command} {self.path}")

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        hub, path = self.server.hub, unquote(urlsplit(self.path).path).strip("/")
        if path.startswith("api/models/"):
            repo = "/".join(path.split("/")[2:4])
            if repo not in hub.files:
                return self.refuse("RepoNotFound")
            if "/revision/" in path and path.rpartition("/")[2] not in ("main", COMMIT):
                return self.refuse("RevisionNotFound")
            return self.send(200, json.dumps(hub.info(repo)).encode(), body, {"Content-Type": "application/json"})
        repo, _, rest = path.partition("/resolve/")
        name = rest.partition("/")[2]
        if repo not in hub.files:
            return self.refuse("RepoNotFound")
        if name not in hub.files[repo]:
            return self.refuse("EntryNotFound")
        return self.file(name, hub.files[repo][name], body)

    def file(self, name: str, data: bytes, body: bool) -> None:
        hub = self.server.hub
        digest, whole = hub.digest(data), len(data)
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{digest}"', "Accept-Ranges": "bytes"}
        if whole >= hub.large:
            headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(whole), "ETag": '"of-the-cdn"'}
        if name in hub.spoiled:
            data = data[:-1] + bytes([data[-1] ^ 1])
        status, asked = 200, self.headers.get("Range")
        if asked and body:
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
            status, data = 206, data[start:]
        self.send(status, data, body, headers, name)

    def send(self, status: int, data: bytes, body: bool, headers: dict, name: str = "") -> None:
        hub = self.server.hub
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        sent = 0
        while body and sent < len(data):
            piece = data[sent : sent + PIECE]
            self.wfile.write(piece)
            sent += len(piece)
            if name:
                hub.served[name] = hub.served.get(name, 0) + len(piece)
                time.sleep(hub.pause)
            if name and hub.cut_after is not None and hub.served[name] >= hub.cut_after:
                hub.cut_after = None
                self.close_connection = True
                self.connection.close()
                return

    def refuse(self, why: str) -> None:
        self.send(404, b"{}", self.command == "GET", {"X-Error-Code": why, "X-Repo-Commit": COMMIT})
