"""A finished export handed to a researcher as one zip, read from the disk on the way; to others it is nowhere."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pages.parts.rig import Rig, installed
from pages.parts.staff import COOKIE
from study.exports.kept import Kept, find_kept, zipped
from study.staff import Role, find_staff


async def export_of(request: Request) -> Response:
    """GET one export by its name; 404 for whoever may not have it, and for what is not there."""
    here = installed()
    found = None
    if here is not None:
        key, name = request.cookies.get(COOKIE), request.path_params["name"]
        found = await to_thread.run_sync(allowed, here, key, name)
    if found is None:
        return Response(status_code=404)
    headers = {"Content-Disposition": f'attachment; filename="{found.name}.zip"', "Cache-Control": "no-store"}
    return StreamingResponse(zipped(found), media_type="application/zip", headers=headers)


def allowed(here: Rig, key: str | None, name: str) -> Kept | None:
    """The export of that name, if `key` is a researcher's who may see its study."""
    who = None if key is None else find_staff(here.log, key)
    found = find_kept(here.shelf.folder, name) if who is not None and who.role is Role.RESEARCHER else None
    return found if found is not None and who is not None and who.may_see(found.study) else None
