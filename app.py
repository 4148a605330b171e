"""The web root: everything is imported, built and warmed before the first visitor, and never again after that."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import cache
from threading import Semaphore
from typing import TYPE_CHECKING

import streamlit as st
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from core.types import TillerError
from pages.parts.calm import apologise
from pages.parts.card_address import CARD
from pages.parts.entrance import enter, leave
from pages.parts.handout import export_of
from pages.parts.intake import SOUND
from pages.parts.masking_address import MASKING
from pages.parts.picture_address import PICTURE
from pages.parts.pictures import refuse_another_runtime, task_pictures
from pages.parts.presses import keep_presses
from pages.parts.rig import Rig, fail, install, installed
from pages.parts.waterfall_address import WATERFALL

if TYPE_CHECKING:
    from study.log import EventLog

_log = logging.getLogger("tiller")


def build(environment: Mapping[str, str]) -> Rig:
    """Compose the rig that the environment names; the demo where it names nothing."""
    import torch  # noqa: PLC0415 - heavy, and unwanted before the server has a lifespan to import it in

    from core.bundle import load_bundles  # noqa: PLC0415
    from pages.parts.again import runner  # noqa: PLC0415
    from study.database import connect  # noqa: PLC0415
    from study.log import EventLog  # noqa: PLC0415
    from study.script import load_script  # noqa: PLC0415
    from study.scripts import refuse_if_frozen  # noqa: PLC0415
    from study.settings import settings_in  # noqa: PLC0415

    torch.set_num_threads(1)  # with a gate as wide as the machine, more threads only wait for each other
    settings = settings_in(environment)
    script = load_script(settings.study)
    log = EventLog(connect(settings.database_url), files=settings.files)
    refuse_if_frozen(log, script)
    log.keep_script(script)
    bundles = load_bundles(settings.bundle, [task.sae for task in script.tasks.values()])
    gate = Semaphore(os.cpu_count() or 1)
    refuse_another_runtime(settings.bundle, bundles, script)
    tasks = task_pictures(settings.bundle, bundles, script, settings.study.parent)
    run = runner(settings.bundle, [one.path for one in tasks.values() if one.path])
    return Rig(bundles=bundles, tasks=tasks, script=script, log=log, run=run, study_key=settings.study_key, gate=gate)


def warm(rig: Rig) -> None:
    """Walk every path once that a participant will take, so that nobody pays for the first time."""
    import pages.parts.board  # noqa: PLC0415
    import pages.parts.replays  # noqa: F401, PLC0415
    from core.ripple import ripple  # noqa: PLC0415
    from core.types import Edit, SteeringPlan  # noqa: PLC0415
    from pages.parts.kept_back import kept_back  # noqa: PLC0415
    from pages.parts.opened import open_picture, seen_under  # noqa: PLC0415
    from pages.parts.similar import similar_set  # noqa: PLC0415

    kept_back(rig)
    for task in rig.script.tasks.values():
        opened = open_picture(rig, task)
        plan = SteeringPlan((Edit(opened.shown[0].index),))
        seen_under(rig, opened, plan)
        with suppress(TillerError):  # a task with classes of its own has no ripple over pictures of others
            ripple(opened.model, opened.bundle.sae, opened.bundle.reference, plan)
        if "similar" in task.tools:
            similar_set(rig, opened.bundle, opened.model, rig.tasks[task.picture])


def _lock_up(log: EventLog) -> None:
    """Say once, in the terminal, by which passphrase the staff's pages open, if nobody could get in otherwise."""
    from study.lock import lock_up  # noqa: PLC0415
    from study.settings import settings_in  # noqa: PLC0415

    made = lock_up(log, settings_in(os.environ).passphrase)
    if made is not None:
        print(
            f"\n  The staff's pages open at /api/enter by this passphrase, which is shown this once: {made}\n"
            "  `tiller passphrase` makes another; TILLER_PASSPHRASE sets your own.\n",
            flush=True,
        )


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Build the rig, then take all that is alive out of the collector's rounds: it would stop every click for 0.3 s."""
    keep_presses()
    try:
        rig = await to_thread.run_sync(build, os.environ)
        await to_thread.run_sync(warm, rig)
        await to_thread.run_sync(_lock_up, rig.log)
        install(rig)
    except Exception as error:
        fail(error)
        known = isinstance(error, TillerError)
        _log.error("Nobody can be served. %s Mend it and start again.", error, exc_info=None if known else error)
    gc.collect()
    gc.freeze()
    yield


@cache
def _log_alone() -> EventLog:
    """The record where the rest of the rig could not be built."""
    from study.database import connect  # noqa: PLC0415
    from study.log import EventLog  # noqa: PLC0415
    from study.settings import settings_in  # noqa: PLC0415

    return EventLog(connect(settings_in(os.environ).database_url))


async def health(_: Request) -> Response:
    """Whether database and model are there: 200, or 503 with what is not."""

    def look() -> dict[str, bool]:
        rig = installed()
        try:
            database = (rig.log if rig else _log_alone()).sessions(study="") == ()
        except Exception:
            _log.exception("The database does not answer.")
            database = False
        return {"database": database, "model": rig is not None and bool(rig.bundles)}

    found = await to_thread.run_sync(look)
    well = all(found.values())
    return JSONResponse({"status": "ok" if well else "unwell", **found}, status_code=200 if well else 503)


async def ripple_of(request: Request) -> Response:
    """The ripple of a participant's plan; see `pages.parts.ripple_stream`."""
    from pages.parts.ripple_stream import ripple_of as streamed  # noqa: PLC0415

    return await streamed(request)


async def claim_file(request: Request) -> Response:
    """The file of a claim, for the participant who saved it and by whose link it is asked for."""
    from pages.parts.claims import claim_of  # noqa: PLC0415

    rig, sha256 = installed(), request.path_params["sha256"]
    found = None
    if rig is not None:
        found = await to_thread.run_sync(claim_of, rig, request.query_params.get("s", ""), sha256)
    if found is None:
        return Response(status_code=404)
    headers = {"Content-Disposition": f'attachment; filename="claim-{sha256[:12]}.json"', "Cache-Control": "no-store"}
    return Response(found, media_type="application/json", headers=headers)


async def pulse(request: Request) -> Response:
    """What the page whose link is given has to hear this second; a page that is left says so by `leave`."""
    from pages.parts.beat import beat, leave_window  # noqa: PLC0415

    rig = installed()
    if rig is None:
        return Response(status_code=503)
    token, window = request.query_params.get("s", ""), request.query_params.get("w", "")
    try:
        if "leave" in request.query_params:
            await to_thread.run_sync(leave_window, rig, token, window)
            return Response(status_code=204)
        found = await to_thread.run_sync(beat, rig, token, window)
    except Exception:
        _log.exception("A page could not be answered.")
        return Response(status_code=503)
    return Response(status_code=404) if found is None else JSONResponse(found, headers={"Cache-Control": "no-store"})


async def replay(request: Request) -> Response:
    """A session for the replay page; see `pages.parts.replays`."""
    from pages.parts.replays import replayed  # noqa: PLC0415

    return await replayed(request)


async def live(request: Request) -> Response:
    """A running session for the moderator's console; see `pages.parts.live`."""
    from pages.parts.live import live as shown  # noqa: PLC0415

    return await shown(request)


async def sound(request: Request) -> Response:
    """A recording for the replay page."""
    from pages.parts.replays import heard  # noqa: PLC0415

    return await heard(request)


async def moved(request: Request) -> Response:
    """The sessions' old address, which stands in bookmarks."""
    return RedirectResponse(f"/sessions?{request.url.query}".rstrip("?"), status_code=308)


def on_script_error(error: BaseException) -> bool:
    """The net beneath the pages: the same calm sentence for what no page has caught."""
    apologise(error)
    return True


app = st.App(
    "pages/entry.py",
    routes=[
        Route("/api/health", health),
        *PICTURE,
        Route("/api/ripple", ripple_of),
        *CARD,
        *WATERFALL,
        *MASKING,
        Route("/api/claim/{sha256}", claim_file),
        Route("/api/pulse", pulse, methods=["GET", "POST"]),
        *SOUND,
        Route("/api/enter", enter, methods=["GET", "POST"]),
        Route("/api/leave", leave),
        Route("/staff", moved),
        Route("/api/exports/{name}", export_of),
        Route("/api/live/{session}", live, methods=["GET", "POST"]),
        Route("/api/replay/{session}", replay),
        Route("/api/replay/{session}/sound/{media}", sound),
        Route("/api/replay/{session}/{seq}/{what}", replay),
    ],
    lifespan=lifespan,
    on_script_error=on_script_error,
)
