"""The staff entrance: a passphrase, or the key behind the # of a link, becomes a cookie that no script can read."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from urllib.parse import parse_qs

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from core.types import TillerError
from pages.parts.body import body_of
from pages.parts.rig import installed
from pages.parts.staff import COOKIE
from study.lock import HOURS, TooSoon, sign_in, sign_out
from study.log import EventLog
from study.staff import find_staff

_TRIES, _WITHIN_S = 5, 60.0
_LARGEST = 4096  # bytes of a form with one key
_missed: deque[float] = deque(maxlen=_TRIES)  # when the last wrong ones came to this process

# What stands behind the # never reaches a server's log or a referrer; the page hands it over and forgets it.
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer"><title>Staff · Tiller</title><style>
:root{color-scheme:light dark;font:15px/1.5 -apple-system,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',sans-serif}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:light-dark(#fbfbf9,#12171c);
color:light-dark(#17202a,#e8ecef)}form{width:min(24rem,90vw)}h1{font-size:24px;margin:0 0 .25rem}
label,p{display:block;margin:.75rem 0 .35rem}input{box-sizing:border-box;width:100%%;font:inherit;padding:.55rem .7rem;
border:1px solid light-dark(#b9c0c3,#46525d);border-radius:6px;background:light-dark(#fff,#1a2128);color:inherit}
button{margin-top:.9rem;font:inherit;font-weight:600;padding:.5rem 1.1rem;border:0;border-radius:6px;color:#fff;
background:#0f5c73;cursor:pointer}:focus-visible{outline:2px solid #2b8aa6;outline-offset:2px}
[role=alert]{color:light-dark(#9a4a10,#f5b57f)}</style><form method="post" autocomplete="off"><h1>Tiller</h1>
<div>For the people who run the study.</div><p role="alert">%s</p><label for="key">Your key or passphrase</label>
<input id="key" name="key" type="password" required autofocus><button>Sign in</button></form>
<script>const key=location.hash.slice(1);if(key){history.replaceState(null,"",location.pathname);
document.getElementById("key").value=key;document.forms[0].submit()}</script></html>"""


async def enter(request: Request) -> Response:
    """GET the form; POST a key or the passphrase: on to the staff pages with a cookie, or the form again.

    A right key always opens: whoever floods the entrance with guesses shuts out nobody who was invited.
    """
    if request.method == "GET":
        return _form("", 200)
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return _form("Open this page yourself and try again.", 403)
    here, given = installed(), _key_in(await body_of(request, _LARGEST))
    if here is None:
        return _form("The app has not started; whoever runs it finds the reason in its output.", 503)
    if await to_thread.run_sync(find_staff, here.log, given) is not None:
        return _signed_in(request, given)
    return await _by_passphrase(request, here.log, given)


async def _by_passphrase(request: Request, log: EventLog, given: str) -> Response:
    if len(_missed) == _TRIES and time.monotonic() - _missed[0] < _WITHIN_S:
        return _form("Too many wrong ones came in; wait a minute and try again.", 429)
    _missed.append(time.monotonic())  # counted before it is tried: guesses that come at once are counted too
    try:
        key = await to_thread.run_sync(sign_in, log, given)
    except TooSoon as error:
        return _form(str(error), 429)
    if key is None:
        return _form("This opens nothing here. Ask whoever runs the study for a link or the passphrase.", 403)
    _missed.pop()
    return _signed_in(request, key)


def _signed_in(request: Request, key: str) -> Response:
    answer = RedirectResponse("/sessions", status_code=303)
    secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))
    answer.set_cookie(COOKIE, key, max_age=HOURS * 3600, httponly=True, samesite="lax", secure=secure)
    return answer


async def leave(request: Request) -> Response:
    """Forget the key in this browser, and everywhere if it came of a passphrase."""
    here, key = installed(), request.cookies.get(COOKIE)
    if here is not None and key:
        await to_thread.run_sync(_forgotten, here.log, key)
    answer = RedirectResponse("/api/enter", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


def _forgotten(log: EventLog, key: str) -> None:
    with suppress(TillerError):  # the record may be busy; the cookie goes in any case
        sign_out(log, key)


def _key_in(body: bytes | None) -> str:
    # one field: Starlette's own reader of forms would want another package for it
    return parse_qs((body or b"").decode("utf-8", "replace")).get("key", [""])[0].strip()


def _form(trouble: str, status: int) -> Response:
    headers = {"Cache-Control": "no-store", "X-Frame-Options": "DENY"}
    return HTMLResponse(_PAGE % trouble, status_code=status, headers=headers)
