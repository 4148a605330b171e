"""The staff entrance in a real browser: who gets in, what a participant sees, and where a key never stands."""

from __future__ import annotations

import re
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from typing import Any

import pytest
from served import Server
from streamlit.testing.v1 import AppTest
from test_pages import PAGES

from pages.parts.rig import Rig
from pages.parts.staff import ROOMS
from study.database import connect
from study.log import EventLog
from study.staff import Role, find_staff, invite, revoke

FIRST_ROOM = next(room for room in ROOMS if room.address == "sessions")


def log_of(server: Server) -> EventLog:
    return EventLog(connect(f"sqlite:///{server.database}"))


@pytest.mark.browser
def test_a_link_lets_its_owner_in_and_leaves_no_key_behind(page: Any, shared_server: Server) -> None:
    key = invite(log_of(shared_server), "Ada", Role.RESEARCHER)
    page.goto(f"{shared_server.url}api/enter#{key}")
    page.wait_for_url(f"{shared_server.url}sessions")
    page.get_by_role("heading", name=FIRST_ROOM.title).wait_for()
    (cookie,) = [one for one in page.context.cookies() if one["value"] == key]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"
    assert key not in page.evaluate(
        "document.cookie + location.href + document.referrer + JSON.stringify(localStorage)"
    )
    assert key not in (shared_server.database.parent / "server.log").read_text()

    page.goto(f"{shared_server.url}staff?study=tiny")  # where the sessions lived before
    page.wait_for_url(f"{shared_server.url}sessions?study=tiny")
    page.get_by_role("heading", name=FIRST_ROOM.title).wait_for()
    revoke(log_of(shared_server), "Ada")
    page.reload()
    page.get_by_role("button", name="Start").wait_for()  # the welcome of any stranger


@pytest.mark.browser
def test_a_wrong_key_is_told_so_and_gets_no_cookie(page: Any, shared_server: Server) -> None:
    page.goto(f"{shared_server.url}api/enter")
    page.get_by_label("Your key or passphrase").fill("A" * 32)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("This opens nothing here.").wait_for()
    assert not [one for one in page.context.cookies() if one["name"] == "tiller_staff"]


@pytest.mark.browser
def test_keys_cannot_be_tried_without_end(server: Server) -> None:
    def post(key: str) -> int:
        try:
            with urllib.request.urlopen(f"{server.url}api/enter", data=f"key={key}".encode()) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    answers = [post(f"{at:032d}") for at in range(25)]
    assert answers[:5] == [403] * 5
    assert answers[5:] == [429] * 20
    key = invite(log_of(server), "Ada", Role.RESEARCHER)
    assert post(key) == 200, "whoever was invited is not shut out by others' guesses"


@pytest.mark.browser
def test_the_passphrase_that_the_first_start_prints_opens_the_staffs_pages(page: Any, server: Server) -> None:
    def shown() -> list[str]:
        return re.findall(r"shown this once: (\S+)", (server.database.parent / "server.log").read_text())

    (passphrase,) = shown()
    server.kill()
    server.start()
    assert shown() == [passphrase], "a second start prints nothing"
    page.goto(f"{server.url}api/enter")
    page.get_by_label("Your key or passphrase").fill(passphrase)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name=FIRST_ROOM.title).wait_for()
    (cookie,) = [one["value"] for one in page.context.cookies() if one["name"] == "tiller_staff"]
    for file in server.database.parent.iterdir():
        held = file.read_bytes() if file.is_file() else b""
        assert cookie.encode() not in held
        assert held.count(passphrase.encode()) == (file.name == "server.log")
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()
    assert find_staff(log_of(server), cookie) is None


def test_nobody_is_served_behind_a_passphrase_that_is_too_short(server: Server) -> None:
    server.kill()
    server.environment |= {"TILLER_PASSPHRASE": "short"}
    server.start(healthy=False)
    with pytest.raises(urllib.error.HTTPError, match="503"):
        urllib.request.urlopen(f"{server.url}api/health")
    told = (server.database.parent / "server.log").read_text()
    assert "TILLER_PASSPHRASE has 5 characters" in told and "short\n" not in told


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.address)
@pytest.mark.parametrize("role", [None, *Role])
def test_a_page_opens_to_its_roles_alone(rig: Rig, room: Any, role: Role | None) -> None:
    test = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20)
    test.session_state["rig"] = rig
    if role is not None:
        test.session_state["staff_key"] = invite(rig.log, "Ada", role)
    test.run()
    if role in room.roles:
        test.switch_page(room.path).run()
        assert [title.value for title in test.title] == [room.title]
    else:
        with pytest.raises(ValueError, match="Could not find a navigation page"):  # there is no such address
            test.switch_page(room.path)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.address)
def test_a_staff_page_run_without_the_page_list_shows_nothing_to_a_stranger(rig: Rig, room: Any) -> None:
    test = AppTest.from_file(str(PAGES / room.path), default_timeout=20)
    test.session_state["rig"] = rig
    test.run()
    assert not [*test.title, *test.markdown, *test.button, *test.dataframe]


def test_the_key_of_the_staff_is_in_no_table(rig: Rig) -> None:
    key = invite(rig.log, "Ada", Role.RESEARCHER)
    with closing(sqlite3.connect(rig.log.files[0])) as connection:
        assert key not in "\n".join(connection.iterdump())


@pytest.mark.browser
def test_an_address_that_is_not_for_them_says_so_to_staff_and_nothing_to_strangers(
    page: Any, shared_server: Server
) -> None:
    key = invite(log_of(shared_server), "Cora", Role.CODER)
    page.goto(f"{shared_server.url}exports")
    page.get_by_role("button", name="Start").wait_for()
    away = "getComputedStyle(document.body, '::after').content"
    page.locator(".stDialog").wait_for(state="attached")
    assert page.evaluate(away) == "none", "the server is there"

    page.goto(f"{shared_server.url}api/enter#{key}")
    page.wait_for_url(f"{shared_server.url}sessions")
    page.goto(f"{shared_server.url}exports")
    page.get_by_text("This page is open to the roles researcher; you are signed in as coder.").wait_for()
    assert page.get_by_role("button", name="Start").count() == 0
    assert page.evaluate(away) == "none"
