"""The edits panel in a real browser: an edit is muted, plans are kept and put side by side, by the keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest
from served import Server, acts, measured, open_workspace, settled, until

pytestmark = pytest.mark.browser


def test_edits_are_muted_and_scenarios_kept_by_the_keyboard_and_survive_a_reload(
    page: Any, shared_server: Server
) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    open_workspace(page, shared_server)
    session = shared_server.rows()[-1][4]
    for place in range(3):
        page.locator(".row .off").nth(place).click()
        page.locator(".plan li .times").nth(place).wait_for()
    measured(page)
    area, last = (page.locator(one).bounding_box() for one in (".plan > ul", ".plan > ul > li:nth-child(3)"))
    assert last["y"] + last["height"] <= area["y"] + area["height"], "three whole rows are in sight"
    place = page.locator("[data-part='scenarios']").bounding_box()

    page.locator(".plan .eye").nth(1).focus()
    page.keyboard.press("Space")
    page.locator(".plan li[data-muted='true']").wait_for()
    settled(page)
    page.reload()
    page.locator(".plan li[data-muted='true']").wait_for()
    assert page.locator(".plan > ul > li").count() == 3

    for title in ("two", "three"):
        page.locator("[data-part='scenarios']").focus()
        page.keyboard.press("Enter")
        page.locator(".naming input").fill(title)
        page.keyboard.press("Enter")
        page.locator(f".kept-list .title[title='{title}']").wait_for()
        page.keyboard.press("Escape")
        page.locator(".shelf").wait_for(state="hidden")
        if title == "two":
            page.locator(".plan .eye").nth(1).press("Enter")
            page.locator(".plan li[data-muted='true']").wait_for(state="detached")
            settled(page)
    page.locator("[data-part='scenarios']").press("Enter")
    page.locator(".beside-table .margin").wait_for()
    until(lambda: "intervention.compared" in {name for name, *_ in acts(shared_server, session)})
    assert page.locator("[data-part='scenarios']").bounding_box()["y"] == place["y"], "nothing has moved"
    page.locator(".kept-list .recall").first.click()
    page.locator(".plan > ul > li:nth-child(3)").wait_for(state="detached")
    settled(page)
    names = [name for name, _, _, _ in acts(shared_server, session)]
    assert names[3:5] == ["intervention.muted", "intervention.unmuted"]
    assert {"intervention.compared", "intervention.recalled"} <= set(names)
