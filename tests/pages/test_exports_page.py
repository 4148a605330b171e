"""The exports page and its download: an order, a run that is watched, and files that only a researcher is given."""

from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.request
from typing import Any
from zipfile import ZipFile

import pytest
from served import Server
from test_findings_page import simulate
from test_sessions import room

from pages.parts.exports import TOOLS
from pages.parts.handout import allowed
from pages.parts.rig import Rig
from study.database import connect
from study.exports import FORMATS, NOT_DATA
from study.exports.kept import kept_in
from study.exports.shelf import Shelf
from study.log import EventLog
from study.session_events import SessionStarted
from study.staff import Role, invite


def told(test: Any) -> str:
    assert not test.exception
    return " ".join([each.value for each in test.caption] + [str(one.proto.body) for one in test.get("html")])


def begin(log: EventLog, session: str, *, study: str = "tiny", mode: str = "remote") -> None:
    start = SessionStarted(study=study, study_version="1", script_sha256="5c", participant=session, mode=mode)
    log.append(session, start, key="start")


def test_every_format_says_what_opens_it() -> None:
    assert set(TOOLS) == set(FORMATS)


def test_there_is_nothing_to_order_before_somebody_took_part(rig: Rig) -> None:
    begin(rig.log, "b1", mode="bot")
    test = room(rig, "staff/exports.py")
    assert test.button(key="export").disabled
    assert "No session" in told(test)
    test.toggle(key="also-bot").set_value(True).run()
    assert not test.button(key="export").disabled
    assert "1 session in 2 formats" in told(test)


def test_one_press_makes_an_export_that_is_listed_and_can_be_deleted(rig: Rig) -> None:
    simulate(rig, n=1)
    begin(rig.log, "p1")
    test = room(rig, "staff/exports.py")
    test.button(key="all").click().run()
    assert f"1 session in {len(FORMATS)} formats" in told(test), (
        "simulated participants are left out until they are asked for"
    )
    test.button(key="export").click().run()
    rig.shelf.wait(60)
    test.run()
    (one,) = kept_in(rig.shelf.folder)
    assert set(one.formats) == set(FORMATS) and one.sessions == {"p1"}
    assert f'href="./api/exports/{one.name}"' in told(test)
    assert all(each.sha256 in told(test) for each in one.manifests)
    test.button(key=f"delete-{one.name}").click().run()
    assert kept_in(rig.shelf.folder) == ()
    assert "No export of this study" in told(test)


def test_the_stop_button_stops_the_run_under_way(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from study.exports import shelf

    def never_done(*_: object, progress: Any, **__: object) -> None:
        while True:
            progress(1, 2)
            time.sleep(0.01)

    monkeypatch.setattr(shelf, "export_log", never_done)
    begin(rig.log, "p1")
    test = room(rig, "staff/exports.py")
    test.button(key="export").click().run()
    assert rig.shelf.run is not None and rig.shelf.run.state == "running"
    test.button(key="export").click().run()  # the second press shows the one under way
    test.button(key="stop").click().run()
    rig.shelf.wait(30)
    assert rig.shelf.run.state == "stopped"
    test.run()
    assert "nothing of it was kept" in test.run().info[0].value


def test_a_researcher_of_one_study_sees_no_run_or_export_of_another(rig: Rig) -> None:
    begin(rig.log, "p1")
    begin(rig.log, "p2", study="elsewhere")
    rig.shelf.start("elsewhere", ["csv"], without=NOT_DATA)
    rig.shelf.wait(30)
    (one,) = kept_in(rig.shelf.folder)
    test = room(rig, "staff/exports.py", study="tiny")
    assert "elsewhere" not in told(test)
    mine = invite(rig.log, "Bo", Role.RESEARCHER, study="elsewhere")
    theirs = invite(rig.log, "Cy", Role.RESEARCHER, study="tiny")
    assert allowed(rig, mine, one.name) is not None
    assert allowed(rig, theirs, one.name) is None


@pytest.mark.parametrize("role", [None, *Role])
def test_only_a_researcher_is_given_an_export(rig: Rig, role: Role | None) -> None:
    begin(rig.log, "p1")
    rig.shelf.start("tiny", ["csv"], without=NOT_DATA)
    rig.shelf.wait(30)
    (one,) = kept_in(rig.shelf.folder)
    key = "A" * 32 if role is None else invite(rig.log, "Ada", role)
    assert (allowed(rig, key, one.name) is not None) == (role is Role.RESEARCHER)
    assert allowed(rig, None, one.name) is None
    assert allowed(rig, key, "../log.db") is None


@pytest.mark.browser
def test_the_address_of_an_export_gives_a_zip_to_a_researcher_and_404_to_all_others(shared_server: Server) -> None:
    log = EventLog(connect(f"sqlite:///{shared_server.database}"))
    begin(log, "p1")
    shelf = Shelf(log)
    shelf.start("tiny", ["csv", "jsonl"], without=NOT_DATA)
    shelf.wait(30)
    (one,) = kept_in(shelf.folder)
    keys = {role: invite(log, f"A {role}", role) for role in Role}

    def get(name: str, key: str | None) -> tuple[int, bytes, str]:
        headers = {} if key is None else {"Cookie": f"tiller_staff={key}"}
        request = urllib.request.Request(f"{shared_server.url}api/exports/{name}", headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read(), answer.headers["Content-Disposition"]
        except urllib.error.HTTPError as error:
            return error.code, b"", ""

    status, data, named = get(one.name, keys[Role.RESEARCHER])
    assert status == 200 and one.name in named
    archive = ZipFile(io.BytesIO(data))
    manifest = json.loads(archive.read(f"{one.name}/jsonl/manifest.json"))
    assert manifest["exports"]["jsonl"]["streams"]["p1"]["rows"] == 1
    for key in (None, "A" * 32, keys[Role.CODER], keys[Role.MODERATOR], keys[Role.OBSERVER]):
        assert get(one.name, key)[0] == 404
    for name in ("..%2f..%2flog.db", "%2e%2e", f"{one.name}%2f..%2f{one.name}", "nothing-20260101T000000Z"):
        status, data, _ = get(name, keys[Role.RESEARCHER])  # Streamlit itself calls some of these a bad request
        assert status in (400, 404) and data == b""
