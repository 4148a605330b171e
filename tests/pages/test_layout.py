"""The staff's pages in a real browser, at the sizes of a laptop: every word on them can be read to its end."""

from __future__ import annotations

from typing import Any

import pytest
from participants import Participant
from served import Server, still
from test_coding_page import Hand

from app import build
from pages.parts.staff import ROOMS
from study.anchors import read_anchor
from study.imports import import_transcript
from study.samples import draw_sample
from study.session import Step
from study.staff import Role, invite

pytestmark = pytest.mark.browser

SAID = b"""WEBVTT

00:00.100 --> 00:00.200
<v Moderator>What do you see in this picture, and what would you try first, before you look at anything else in it?

00:00.300 --> 00:00.400
<v Participant>Oh! That changed it. But what does that break in the pictures that were right before? I would want to
see a hundred of them before I say so, because this is one image only, and an odd one at that.
"""
PLACES = {
    "sessions": ".desk-table",
    "replay?session={session}&seq=8": ".replay[data-at='8'] .bench[data-loading='false']",
    "findings": ".findings section",
    "coding?session={session}": ".ledger[data-loading='false'] .rows li[role='option']",
    "coding?view=differences&session={session}": ".ledger[data-loading='false'] .rows li[role='option']",
    "coding?view=codebook": ".book-row",
    "coding?view=second": ".desk-table",
    "agreement": ".plot .lane",
    "exports": ".st-key-formats",
    "study": ".st-key-study-view",
    "study?view=links": ".st-key-link-form",
    "study?view=design": ".st-key-study-view",
    "console": ".st-key-console-head",
    "health": ".st-key-health-head",
    "overview": ".st-key-overview-head",
}
SIZES = ({"width": 1440, "height": 900}, {"width": 1024, "height": 768})
# Words that their own box hides, or that lie beyond the window's edge; what is written for the ear alone is not seen.
CUT = """() => {
  const cut = [];
  const look = (root) => root.querySelectorAll("*").forEach((node) => {
    if (node.shadowRoot) look(node.shadowRoot);
    const words = [...node.childNodes].filter((each) => each.nodeType === Node.TEXT_NODE && each.data.trim());
    if (!words.length || !node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return;
    if (["STYLE", "SCRIPT", "OPTION", "SELECT"].includes(node.tagName) || node.clientWidth === 1) return;
    if (node.closest("[class*='desk-unseen']")) return;
    const style = getComputedStyle(node);
    const range = document.createRange();
    range.selectNodeContents(node);
    const wide = style.overflowX === "hidden" && node.scrollWidth > node.clientWidth + 1;
    const high = style.overflowY === "hidden" && node.scrollHeight > node.clientHeight + 2;
    const off = range.getBoundingClientRect().right > innerWidth + 1;
    if (wide || high || off) cut.push(`${node.className || node.tagName}: ${node.textContent.trim().slice(0, 80)}`);
  });
  look(document);
  return cut;
}"""


# The same, and how much there is on the page.
LAID = f"() => [({CUT})(), document.body.innerText.length, document.documentElement.scrollHeight]"


def laid_out(page: Any) -> list[str]:
    """The words that are cut once the page has all that the server sends, and stands still."""
    page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()
    return still(page, LAID)[0]


@pytest.fixture(scope="module")
def place(shared_server: Server, world: Any) -> tuple[str, str]:
    """A session with steps and speech that two have coded differently, and the key of a researcher."""
    rig = build(
        {
            "TILLER_DATABASE_URL": f"sqlite:///{shared_server.database}",
            "TILLER_BUNDLE": str(world.bundle),
            "TILLER_STUDY": str(world.script),
        }
    )
    who = Participant(rig).at(Step.WORKSPACE)
    for component, strength in ((0, 0.5), (1, 0), (0, 2)):
        who.act("edit", component=component, strength=strength)
    import_transcript(rig.log, who.id, SAID, anchor=read_anchor(at_seq=5))
    names = {"Ada-Keller-Lindqvist": "surprise", "Ben-Vogt": "generalisation doubt"}
    keys = {name: invite(rig.log, name, Role.RESEARCHER) for name in names}
    first, second = (Hand(rig, name, who.id, Role.RESEARCHER) for name in names)
    units = {who.id: [unit.id for unit in first.place.units]}
    draw_sample(rig.log, "tiny", units, coder=second.name, first=first.name, share=1, seed=1, by=first.name, key="s")
    for hand in (first, second):
        assert {*hand.give(0, names[hand.name]).values(), *hand.send(hand.act("lock")).values()} == {""}
    return who.id, keys[first.name]


def test_no_text_of_a_staff_page_is_cut(chromium: Any, shared_server: Server, place: tuple[str, str]) -> None:
    """Each page is opened once: what was laid out for the wide window has to give way in the narrow one."""
    session, key = place
    context = chromium.new_context(viewport=SIZES[0])
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{shared_server.url}api/enter#{key}")
    page.wait_for_url(f"{shared_server.url}sessions")
    seen, cut = set(), {}
    for address, there in PLACES.items():
        page.set_viewport_size(SIZES[0])
        page.goto(shared_server.url + address.format(session=session))
        page.locator(there).first.wait_for()
        seen.add(address.partition("?")[0])
        for size in SIZES:
            page.set_viewport_size(size)
            cut[address, size["width"]] = laid_out(page)
        if not address.startswith("replay"):
            continue
        page.get_by_role("button", name="Run again").click()
        page.locator(".verdictline b").wait_for()
        page.get_by_role("tab", name="What if").click()
        for size in SIZES:
            page.set_viewport_size(size)
            cut["what if", size["width"]] = laid_out(page)
            box = page.locator(".about").bounding_box()
            line = page.locator(".verdictline").bounding_box()
            assert line["y"] + line["height"] <= box["y"] + box["height"], "the verdict is in sight"
    assert {name: words for name, words in cut.items() if words} == {}
    assert seen == {room.address for room in ROOMS}, "a new room is looked at here too"
    context.close()


def test_a_text_that_is_cut_is_found(page: Any) -> None:
    style = "display:block;width:60px;white-space:nowrap;overflow:hidden"
    page.set_content(f"<p style='{style}'>long enough to be cut off</p><p>short</p>")
    assert page.evaluate(CUT) == ["P: long enough to be cut off"]
