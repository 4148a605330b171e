"""The whole way in a real browser: by keyboard alone, in two tabs, with a moderator who pauses, and to a withdrawal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Server, environment, still
from tiny_world import TinyWorld

from study.database import connect
from study.log import EventLog
from study.moderator_events import ModeratorClockMarked, ModeratorNoteAdded
from study.session_events import SessionPaused, SessionResumed

pytestmark = pytest.mark.browser
WHOLE = Path(__file__).parent / "whole_way" / "study.yaml"

# Every element that can hold the focus, with the name that a screen reader would say; shadow roots included.
NAMES = """
() => {
  const found = [];
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) walk(node.shadowRoot);
      if (!node.matches("a[href], button, input, textarea, select, [tabindex]:not([tabindex='-1'])")) continue;
      if (node.matches("main") || node.disabled || !node.checkVisibility()) continue;
      if (node.closest("dialog:not([open])")) continue;
      const labels = [...(node.labels ?? [])].map((label) => label.textContent);
      const by = (node.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean)
        .map((id) => node.getRootNode().getElementById(id)?.textContent ?? "");
      const inner = node.matches("button, a") ? [node.textContent] : [];
      const said = [node.getAttribute("aria-label"), ...by, ...labels, ...inner, node.title, node.alt];
      const name = said.find((one) => one?.trim());
      found.push([node.tagName, name?.trim() ?? "", node.outerHTML.slice(0, 120)]);
    }
  };
  walk(document);
  return found;
}
"""
# What has the focus, through all shadow roots.
FOCUSED = """
() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  if (!at?.matches("button, input, textarea, a")) return "";
  const said = (at.textContent || at.value || "").trim();
  const pointed = at.closest("[data-pointed]") ? "pointed at" : "";
  return `${pointed} ${at.tagName} ${at.dataset.part ?? ""} ${at.className} ${said}`;
}
"""

# Messages that carry the window's name never leave the browser, until they are let go.
LOSE_THE_NAME = """
  const send = WebSocket.prototype.send;
  [window.lost, window.lose] = [0, true];
  WebSocket.prototype.send = function (data) {
    if (window.lose && new TextDecoder().decode(data).includes('"window"')) return void window.lost++;
    return send.call(this, data);
  };
"""

# It is over before a slow page is looked at again.
FLASHED = """
(it) => new MutationObserver(() => (window.flashed ||= !it.hidden)).observe(it, { attributeFilter: ["hidden"] })
"""


@pytest.fixture(scope="module")
def whole(world: TinyWorld, nursery: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("whole")
    made = Server(environment(world.bundle, WHOLE, folder / "log.db"), folder / "log.db", nursery=nursery)
    made.start()
    yield made
    made.kill()


def names_are_there(page: Any) -> None:
    found = still(page, NAMES)
    assert found
    assert [what for _, name, what in found if not name] == []


def tab_to(page: Any, sign: str, *, most: int = 120) -> None:
    """Press Tab until what has the focus shows `sign`."""
    for _ in range(most):
        if sign in page.evaluate(FOCUSED):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{sign!r} is not reached by Tab; the focus is at {page.evaluate(FOCUSED)!r}")


def arrived(page: Any, server: Server) -> str:
    """A newcomer at the page of questions; the link."""
    page.goto(server.url)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="I agree").click()
    page.locator(".choice").wait_for()
    return page.url


def named(server: Server, link: str) -> tuple[EventLog, str]:
    from study.participants import find

    log = EventLog(connect(f"sqlite:///{server.database}"))
    found = find(log, link.partition("s=")[2])
    assert found is not None
    return log, found[0]


def mark_scale(page: Any, *, then: str) -> None:
    """From the question before it: a mark on the scale, and the button that is pressed after it."""
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.locator(".scale input[data-set='true']").wait_for()
    tab_to(page, then)
    page.keyboard.press("Enter")


def test_the_way_to_an_answer_by_keyboard_alone_with_every_control_named(page: Any, whole: Server) -> None:
    page.goto(whole.url)
    page.locator(".st-key-begin").wait_for()
    names_are_there(page)
    tab_to(page, "Start")
    page.keyboard.press("Enter")
    page.locator(".st-key-agree").wait_for()
    page.locator("[data-part=stop]").wait_for()
    names_are_there(page)
    tab_to(page, "I agree")
    page.keyboard.press("Enter")  # and the device is found to be fit, without a word
    page.locator(".choice").wait_for()
    names_are_there(page)
    tab_to(page, "vision")
    page.keyboard.press("Space")
    mark_scale(page, then="Continue")
    page.locator(".row").first.wait_for()
    names_are_there(page)
    for done in range(7):
        if done:
            page.locator(f".guide li[data-done='true'] >> nth={done - 1}").wait_for()
        page.locator(".saved[data-mood='saved']").wait_for()
        tab_to(page, "pointed at")
        # the maps over the picture are one group, gone through by arrows
        page.keyboard.press("ArrowRight" if page.locator(".overlays[data-pointed]").count() else "Enter")
    page.locator("[data-part=answer]:not([disabled])", has_text="Continue").wait_for()
    tab_to(page, "Continue")
    page.keyboard.press("Enter")
    page.locator(".st-key-start").wait_for()
    names_are_there(page)
    tab_to(page, "Open the workspace")
    page.keyboard.press("Enter")
    page.locator(".row").first.wait_for()
    tab_to(page, "off")
    page.keyboard.press("Enter")
    page.locator(".plan li .times").first.wait_for()
    tab_to(page, "Give my answer")
    page.keyboard.press("Enter")
    page.locator(".words textarea").wait_for()
    names_are_there(page)
    tab_to(page, "TEXTAREA")
    page.keyboard.type("The first one.")
    mark_scale(page, then="Hand in")
    page.get_by_text("Picture 2 of 2").wait_for()
    page.locator("[data-part=place]", has_text="6 of 7").wait_for()


def test_the_old_tab_says_so_and_takes_the_session_back(page: Any, whole: Server) -> None:
    link = arrived(page, whole)
    page.locator("[data-part=state]", has_text="Saved").wait_for()
    page.reload()  # the same tab again is no second one
    page.locator(".choice").wait_for()
    other = page.context.new_page()
    other.goto(link)
    other.locator(".choice").wait_for()
    page.get_by_text("You went on in another tab").wait_for()  # the pulse has told it
    page.get_by_role("button", name="Go on here instead").click()
    page.locator(".choice").wait_for()
    other.get_by_text("You went on in another tab").wait_for()
    other.close()
    log, session = named(whole, link)
    assert [record.name for record in log.read(session)].count("session.taken_over") == 2


def test_a_window_whose_first_word_is_lost_on_the_way_says_it_again(page: Any, whole: Server) -> None:
    link = arrived(page, whole)
    page.locator("[data-part=state]", has_text="Saved").wait_for()
    other = page.context.new_page()
    other.add_init_script(LOSE_THE_NAME)
    other.goto(link)  # the session is another window's: nothing is drawn before this one has told its name
    assert not other.get_by_text("Your session is being opened").is_visible()
    other.get_by_text("Your session is being opened").wait_for()
    assert other.evaluate("() => [window.lost > 0, window.lose = false]") == [True, False]
    other.locator(".choice").wait_for()
    other.close()


def test_a_window_is_named_though_its_browser_does_not_answer_for_a_lock(page: Any, whole: Server) -> None:
    page.add_init_script("navigator.locks.request = () => new Promise(() => {})")
    arrived(page, whole)
    page.wait_for_function("sessionStorage.getItem('tiller-window')")


def test_a_pause_a_note_and_a_mark_reach_the_page_within_moments(page: Any, whole: Server) -> None:
    link = arrived(page, whole)
    page.locator("[data-part=state]", has_text="Saved").wait_for()
    with page.expect_response(re.compile("/api/pulse")):  # it listens
        pass
    log, session = named(whole, link)
    log.append(session, SessionPaused(), key="pause", actor="moderator")
    page.get_by_role("heading", name="A short pause").wait_for(timeout=4000)
    page.keyboard.press("Escape")
    assert page.locator("[data-part=still]").evaluate("(it) => it.open")
    log.append(session, SessionResumed(gap_s=1.0, ends_pause=True), key="on", actor="moderator")
    page.locator("[data-part=still]:not([open])").wait_for(state="attached", timeout=4000)
    note = ModeratorNoteAdded(who="M1", text="Take your time.", visible_to_participant=True)
    log.append(session, note, key="note", actor="moderator")
    page.get_by_text("Take your time.").wait_for(timeout=4000)
    page.get_by_role("button", name="Close").click()
    page.locator("[data-part=flash]").evaluate(FLASHED)
    log.append(session, ModeratorClockMarked(who="M1", mark=1), key="mark", actor="moderator")
    page.wait_for_function("window.flashed", timeout=4000)


def test_whoever_stops_is_asked_once_and_the_page_stays(page: Any, whole: Server) -> None:
    link = arrived(page, whole)
    page.get_by_role("button", name="Stop taking part").first.click()
    page.get_by_label("Erase it").check()
    page.get_by_role("button", name="Stop taking part").last.click()
    page.get_by_text("You have stopped taking part").wait_for()
    page.reload()
    page.get_by_text("You have stopped taking part").wait_for()
    log, session = named(whole, link)
    last = log.read(session)[-1]
    assert (last.name, last.row["target"]) == ("session.withdrawn", "erase")


def test_a_small_window_is_told_what_to_do_and_checked_again(page: Any, whole: Server) -> None:
    page.set_viewport_size({"width": 900, "height": 650})
    page.goto(whole.url)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="I agree").click()
    page.get_by_text("at least 1000 × 700").wait_for()
    page.set_viewport_size({"width": 1200, "height": 800})
    page.get_by_role("button", name="Check again").click()
    page.locator(".choice").wait_for()
