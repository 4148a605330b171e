"""The replay in a real browser: what it shows is read off both screens, and a link leads back to the same moment."""

from __future__ import annotations

import re
from typing import Any

import pytest
from served import Server, measured, open_workspace, settled

from study.database import connect
from study.log import EventLog
from study.staff import Role, invite

pytestmark = pytest.mark.browser

# Everything that the bench says, as a reader and a listener get it; the ripple comes later than the rest.
SAYS = """() => {
  const bench = [...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('.bench')).find(Boolean);
  const all = (what, read) => [...bench.querySelectorAll(what)].map(read);
  return {
    words: all('.brief, .next, .verdict, .plan, .card h3, .facts', (node) => node.innerText),
    bars: all('.bar[role=img]', (node) => node.ariaLabel),
    rows: all('.row', (node) => [node.dataset.component, node.dataset.chosen, node.querySelector('.read').textContent]),
    overlay: all('.overlays [aria-checked=true]', (node) => node.textContent),
    map: bench.querySelector('canvas').toDataURL(),
  };
}"""


def last_row(server: Server) -> tuple[str, int]:
    (row,) = server.rows("select session_id, max(seq) from events group by session_id")
    return row


@pytest.fixture
def staff(chromium: Any, server: Server) -> Any:
    """A member of staff's own browser window, signed in."""
    key = invite(EventLog(connect(f"sqlite:///{server.database}")), "Ada", Role.OBSERVER)
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(f"{server.url}api/enter#{key}")
    page.wait_for_url(f"{server.url}sessions")
    yield page
    context.close()


def at(page: Any, seq: int) -> None:
    page.locator(f".replay[data-at='{seq}']").wait_for()


def test_the_replay_shows_what_the_participants_screen_showed(page: Any, staff: Any, server: Server) -> None:
    open_workspace(page, server)
    shown: dict[int, Any] = {}

    def keep() -> None:
        measured(page)
        shown[last_row(server)[1]] = page.evaluate(SAYS)

    keep()
    page.locator(".row .off").first.click()
    keep()
    page.locator(".row .pick").nth(2).click()
    keep()
    page.get_by_role("radio", name="Where it pushes").click()
    keep()
    page.locator(".row .more").nth(1).click()
    keep()
    page.get_by_role("button", name="Undo", exact=True).click()
    keep()
    session, last = last_row(server)
    rows = server.rows("select count(*) from events")

    staff.goto(f"{server.url}replay?session={session}&seq={last}")
    for seq in sorted(shown, reverse=True):
        while int(re.search(r"seq=(\d+)", staff.url)[1]) > seq:
            before = int(re.search(r"seq=(\d+)", staff.url)[1])
            at(staff, before)
            staff.keyboard.press("ArrowLeft")
            staff.wait_for_url(re.compile(f"seq={before - 1}$"))
        at(staff, seq)
        measured(staff)
        assert staff.evaluate(SAYS) == shown[seq]
    assert server.rows("select count(*) from events") == rows, "looking on leaves no trace in the record"
    assert staff.locator(".bench .hand[inert]").count() == staff.locator(".bench .hand").count() > 0


def test_a_link_leads_back_to_the_same_moment(page: Any, staff: Any, server: Server) -> None:
    open_workspace(page, server)
    page.locator(".row .off").first.click()
    settled(page)
    page.locator(".row .more").nth(1).click()
    settled(page)
    session, last = last_row(server)
    staff.goto(f"{server.url}sessions")
    staff.get_by_role("link", name="P01").click()
    at(staff, 1)
    steps = [seq for (seq,) in server.rows("select seq from events where name like 'intervention.%' order by seq")]
    for seq in steps:
        staff.keyboard.press("Shift+ArrowRight")
        at(staff, seq)
    staff.wait_for_url(re.compile(f"session={session}&seq={steps[-1]}$"))
    link, words = staff.url, staff.locator(".about h3").inner_text()
    assert "Amplified" in words

    staff.goto(f"{server.url}sessions")
    staff.goto(link)
    at(staff, steps[-1])
    assert staff.locator(".about h3").inner_text() == words

    for asked, shown in (("99999", last), ("nonsense", 1)):
        staff.goto(f"{server.url}replay?session={session}&seq={asked}")
        at(staff, shown)
        staff.get_by_text(
            f"The address asks for row “{asked}”; this session has the rows 1 to {last}, and this is row {shown}."
        ).wait_for()
    staff.keyboard.press("ArrowRight")
    at(staff, 2)
    assert staff.locator(".told").is_hidden()

    staff.keyboard.press("Home")
    staff.get_by_role("radio", name="16×").click()
    staff.keyboard.press("Space")
    at(staff, last)
    staff.get_by_role("button", name="Play", exact=True).wait_for()

    staff.get_by_role("button", name="Run again").click()
    staff.get_by_text("BIT EXACT").wait_for()
    staff.get_by_role("tab", name="What if").click()
    staff.get_by_role("button", name="Random sham").click()
    staff.get_by_text("not on record").wait_for()
