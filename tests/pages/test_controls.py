"""The workspace's controls in a real browser: named, reached from the keyboard, silent about the cause."""

from __future__ import annotations

import json
from typing import Any

import pytest
from served import BENCH, Server, acts, key_of, measured, one_run, open_workspace, settled

pytestmark = pytest.mark.browser
KEYS_REST_MS = 350  # pages/parts/assets/hand.js


def test_nothing_that_tells_the_cause_reaches_the_browser(page: Any, shared_server: Server) -> None:
    heard: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(str(frame))))
    open_workspace(page, shared_server)
    page.locator(".row .off").first.click()
    settled(page)
    whole = "".join(heard) + page.content()
    assert len(whole) > 10_000
    for secret in ("planted-cause-nobody-may-see", "secret_cause", "ground_truth"):
        assert secret not in whole


def test_every_control_of_the_workspace_has_a_name_of_its_own_and_nothing_comes_from_elsewhere(
    page: Any, shared_server: Server
) -> None:
    asked: list[str] = []
    said_wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: message.type == "error" and said_wrong.append(message.text))
    page.on("pageerror", lambda error: said_wrong.append(str(error)))
    open_workspace(page, shared_server)
    page.locator(".row .more").first.click()
    settled(page)
    names = page.evaluate(
        f"() => [...{BENCH}.querySelectorAll('button, input')].map((e) => e.ariaLabel || e.textContent.trim())"
    )
    assert len(names) > 60
    assert all(names)
    assert len(set(names)) == len(names)
    assert said_wrong == []
    assert [url for url in asked if not url.startswith((shared_server.url, "data:", "blob:"))] == []


def test_the_workspace_is_steered_from_the_keyboard_alone(page: Any, shared_server: Server) -> None:
    open_workspace(page, shared_server)
    first = page.locator(".row").first
    first.locator(".pick").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    with one_run(page, KEYS_REST_MS):
        for _ in range(4):
            page.keyboard.press("ArrowLeft")
    assert first.locator(".read").inner_text() == "0.6×"
    page.locator(".plan li .times").first.wait_for()
    settled(page)
    assert page.locator(".plan li .times").all_inner_texts() == ["0.6×"]
    page.keyboard.press("Control+z")
    page.locator(".plan li.none").wait_for()
    settled(page)
    made = {key_of(act) for act in page.evaluate("window.made")}
    found = [(name, json.loads(payload)) for name, payload, key, _ in acts(shared_server) if key in made]
    assert [name for name, _ in found] == ["intervention.applied", "intervention.undone"]
    assert [float.fromhex(edit["strength"]) for edit in found[0][1]["after"]["edits"]] == [0.6]


def test_a_slider_turned_by_keys_is_written_before_the_next_act(page: Any, shared_server: Server) -> None:
    open_workspace(page, shared_server)
    slide = page.locator(".row .slide").first
    slide.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+z")
    page.keyboard.press("ArrowRight")
    page.locator(".row .off").nth(1).click()
    page.locator(".plan li .times").nth(1).wait_for()
    settled(page)
    made = {key_of(act) for act in page.evaluate("window.made")}
    assert [name for name, _, key, _ in acts(shared_server) if key in made] == [
        *("intervention.applied", "intervention.undone"),
        *("intervention.applied", "intervention.applied"),
    ]


def test_a_window_left_behind_cannot_steer_while_the_answer_is_open(page: Any, shared_server: Server) -> None:
    link = open_workspace(page, shared_server)
    ahead = page.context.new_page()
    ahead.goto(link)
    ahead.get_by_role("button", name="Give my answer").click()
    ahead.get_by_role("button", name="Hand in").wait_for()
    page.evaluate(f"() => {BENCH}?.querySelectorAll('.row .off')[0].click()")
    page.get_by_text("You went on in another tab").wait_for()
    made = {key_of(act) for act in page.evaluate("window.made")}
    assert not made & {key for _, _, key, _ in acts(shared_server)}


def test_a_word_that_needs_a_sentence_has_it_for_the_pointer_the_keyboard_and_the_ear(
    page: Any, shared_server: Server
) -> None:
    open_workspace(page, shared_server)
    page.locator(".row .off").first.click()
    measured(page)  # some words are there only then
    words = page.locator(".bench .term:visible")
    slip = page.locator(".bench .tip")
    told = set()
    for place in range(words.count()):
        word = words.nth(place)
        meant = page.locator(f"#{word.get_attribute('aria-describedby')}").text_content()
        word.focus()
        assert slip.is_visible()
        assert slip.text_content() == meant
        box, bench = slip.bounding_box(), page.locator(".bench").bounding_box()
        assert bench["x"] <= box["x"]
        assert box["x"] + box["width"] <= bench["x"] + bench["width"] + 1
        page.keyboard.press("Escape")
        assert not slip.is_visible()
        told.add(meant)
    assert len(told) > 10
    words.first.hover()
    slip.wait_for()
