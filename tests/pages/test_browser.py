"""A participant's whole way in a real browser, with a server that dies half way, and with hands quicker than it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from served import BENCH, Server, acts, key_of, open_workspace, settled

pytestmark = pytest.mark.browser

QUICK_CLICKS = f"""
  async () => {{
    const rows = [...{BENCH}.querySelectorAll('.row')].slice(0, 5);
    for (let at = 0; at < 40; at++) {{
      rows[at % 5].querySelector(Math.floor(at / 5) % 2 ? '.more' : '.off').click();
      await new Promise((on) => setTimeout(on, 5 + 15 * Math.random()));
    }}
    return window.made;
  }}
"""
BUSY = f"""
  () => {{
    const rows = [...{BENCH}.querySelectorAll('.row')];
    let at = 0;
    window.busy = setInterval(() => rows[++at % rows.length].querySelector(at % 2 ? '.off' : '.more').click(), 60);
  }}
"""


def said(page: Any) -> str:
    return page.locator(".verdict .now strong").inner_text()


def session_of(server: Server, act: str) -> str:
    return next(row[3] for row in acts(server) if row[2] == key_of(act))


def test_the_whole_task_survives_a_server_that_is_killed_half_way(page: Any, server: Server) -> None:
    link = open_workspace(page, server)
    wrong = said(page)
    page.locator(".row .off").first.click()
    settled(page)
    repaired = said(page)
    assert repaired != wrong
    assert repaired in page.locator(".brief h2").inner_text()
    first, second = (page.locator(".row").nth(at).get_attribute("data-component") for at in (0, 1))

    server.kill()
    page.locator(".row .more").nth(1).click()  # into the dark: the act waits in the browser
    page.locator(".saved[data-mood='unsaved']").wait_for()
    assert said(page) == repaired  # and shows no result before it is written
    server.start()
    settled(page)
    page.locator(".plan li .times").nth(1).wait_for()
    assert page.url == link

    page.reload()
    page.locator(".row").first.wait_for()
    assert page.locator(".plan li .times").all_inner_texts() == (
        ["off", "2×"] if int(first) < int(second) else ["2×", "off"]
    )
    page.get_by_role("button", name="Undo", exact=True).click()
    settled(page)
    assert said(page) == repaired

    page.get_by_role("button", name="Give my answer").click()
    page.get_by_label("What made the model wrong?").fill("The first component.")
    page.get_by_label("What made the model wrong?").blur()
    page.locator(".scale input[data-set='false']").click()
    page.locator(".scale input[data-set='true']").wait_for()
    server.kill()
    server.nursery = None  # this time by the command that users type
    server.start()
    page.locator("[data-testid='stApp'][data-test-connection-state='CONNECTED']").wait_for()
    page.get_by_role("button", name="Hand in").click()  # the first press after a restart, and the answers with it
    page.get_by_text("Picture 2 of 2").wait_for()

    rows = server.rows()
    assert [seq for _, _, seq, _, _ in rows] == list(range(1, len(rows) + 1))
    assert len({key for _, _, _, key, _ in rows}) == len(rows)
    names = [name for name, *_ in rows if name.startswith(("intervention", "model", "task", "response"))]
    assert names == [
        "task.started",
        "model.predicted",
        *("intervention.applied", "model.predicted"),
        *("intervention.applied", "model.predicted"),
        *("intervention.undone", "model.predicted"),
        *("response.changed", "response.changed"),
        *("response.submitted", "response.submitted", "task.submitted"),
    ]
    assert [target for name, target, *_ in rows if name == "intervention.applied"] == [
        f"component/{first}",
        f"component/{second}",
    ]


def test_forty_quick_clicks_beside_a_busy_neighbour_are_forty_rows_in_order(
    page: Any, chromium: Any, shared_server: Server
) -> None:
    neighbour = chromium.new_page()
    open_workspace(neighbour, shared_server)
    open_workspace(page, shared_server)
    neighbour.evaluate(BUSY)
    clicked = page.evaluate(QUICK_CLICKS)
    settled(page)
    neighbour.evaluate("() => clearInterval(window.busy)")
    settled(neighbour)
    neighbour.close()

    assert len(clicked) == 40
    found = acts(shared_server, session_of(shared_server, clicked[0]))
    assert [key for _, _, key, _ in found] == [key_of(act) for act in clicked]
    assert [json.loads(payload)["tool"] for _, payload, _, _ in found] == 4 * (5 * ["suppress"] + 5 * ["amplify"])


def test_a_double_click_is_one_intervention(page: Any, shared_server: Server) -> None:
    open_workspace(page, shared_server)
    page.locator(".row .off").first.dblclick()
    settled(page)
    made = page.evaluate("window.made")
    assert len(made) == 2
    assert [key for _, _, key, _ in acts(shared_server, session_of(shared_server, made[0]))] == [key_of(made[0])]


def test_a_reload_straight_after_a_click_loses_nothing_and_doubles_nothing(page: Any, shared_server: Server) -> None:
    open_workspace(page, shared_server)
    press = f"{BENCH}.querySelectorAll('.row .off')[2].click()"
    with page.expect_navigation():
        made = page.evaluate(f"() => {{ {press}; const [id] = window.made; location.reload(); return id; }}")
    page.locator(".row").first.wait_for()
    page.locator(".plan li .times").first.wait_for()
    settled(page)
    assert page.locator(".plan li .times").all_inner_texts() == ["off"]
    assert [key for _, _, key, _ in acts(shared_server, session_of(shared_server, made))] == [key_of(made)]


def test_a_component_chosen_straight_before_a_reload_is_the_one_shown_after_it(
    page: Any, shared_server: Server
) -> None:
    open_workspace(page, shared_server)
    mute = "WebSocket.prototype.send = () => {}"  # so that the act is kept in the browser alone
    with page.expect_navigation():
        page.evaluate(f"() => {{ {mute}; {BENCH}.querySelectorAll('.row .pick')[3].click(); location.reload(); }}")
    page.locator(".row").first.wait_for()
    settled(page)
    chosen = page.locator(".row").nth(3).get_attribute("data-component")
    assert page.locator(".row[data-chosen='true']").get_attribute("data-component") == chosen


def test_two_tabs_of_one_session_write_one_history(page: Any, shared_server: Server) -> None:
    link = open_workspace(page, shared_server)
    page.locator(".row .off").first.click()
    settled(page)
    first = page.evaluate("window.made")
    other = page.context.new_page()
    other.goto(link)
    other.locator(".row").first.wait_for()
    # the first tab has lost the session: what it still tries is not written
    page.evaluate(f"() => {BENCH}?.querySelectorAll('.row .off')[2].click()")
    other.evaluate(f"() => {BENCH}.querySelectorAll('.row .off')[1].click()")
    settled(other)
    page.get_by_text("You went on in another tab").wait_for()
    made = first + other.evaluate("window.made")
    found = acts(shared_server, session_of(shared_server, made[0]))
    assert sorted(key for _, _, key, _ in found) == sorted(map(key_of, made))
    assert len(json.loads(found[-1][1])["after"]["edits"]) == 2
    page.get_by_role("button", name="Go on here instead").click()
    page.locator(".plan li .times").nth(1).wait_for()
    other.close()


def test_back_and_direct_links_land_on_the_step_that_the_log_says(page: Any, shared_server: Server) -> None:
    link = open_workspace(page, shared_server)
    page.go_back()
    page.locator(".row").first.wait_for()
    for step in ("consent", "answer", "done", "welcome", ""):
        page.goto(link.replace("workspace", step))
        page.locator(".row").first.wait_for()
        page.wait_for_url("**/workspace?*")


def test_an_answer_half_written_survives_a_reload_the_way_back_and_another_window(
    page: Any, shared_server: Server
) -> None:
    link = open_workspace(page, shared_server)

    def area(window: Any) -> Any:
        return window.get_by_label("What made the model wrong?")

    def answer(window: Any) -> Any:
        window.get_by_role("button", name="Give my answer").click()
        return area(window)

    answer(page).press_sequentially("the badge \U0001f9ed, I")
    page.reload()  # in the middle of a word: nothing has reached the server yet
    area(page).wait_for()
    assert area(page).input_value() == "the badge \U0001f9ed, I"
    area(page).press("End")
    area(page).press_sequentially(" think")
    page.get_by_role("button", name="Back to the workspace").click()
    page.locator(".row").first.wait_for()
    assert answer(page).input_value() == "the badge \U0001f9ed, I think"

    elsewhere = page.context.browser.new_context()
    try:
        other = elsewhere.new_page()
        other.goto(link)
        area(other).wait_for()
        assert area(other).input_value() == "the badge \U0001f9ed, I think"
        page.bring_to_front()
        page.get_by_role("button", name="Go on here instead").click()
        area(page).wait_for()
        assert area(page).input_value() == "the badge \U0001f9ed, I think"
    finally:
        elsewhere.close()
    page.get_by_role("button", name="Hand in").click()
    page.get_by_text("Still open: How sure are you?").wait_for()
    session = shared_server.newest()
    query = (
        "select e.name, p.json from events e join payloads p on p.event_id = e.event_id "
        f"where e.session_id = '{session}' and e.name like 'response.%' order by e.seq"
    )
    drafts = [json.loads(payload)["text"] for name, payload in shared_server.rows(query) if name == "response.changed"]
    assert drafts[-1] == "the badge \U0001f9ed, I think"
    assert len(drafts) == len(set(drafts)), "a draft that has not changed is not written again"
