"""The hand on the chosen component: what a slider stands for, typed numbers, tokens, what is grey and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from served import BENCH, Server, acts, key_of, measured, one_run, open_workspace, settled, still

from pages.parts.words import words_for

pytestmark = pytest.mark.browser
ASSETS = Path(__file__).parents[2] / "pages/parts/assets"


@pytest.fixture(scope="module")
def window(chromium: Any) -> Iterator[Any]:
    """A window for the pages that no server gives."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def dial(window: Any) -> Any:
    """The dial's own script, in a page of nothing else, which knows nothing of the page before."""
    window.goto("about:blank")
    window.add_script_tag(content="\n".join((ASSETS / f"{name}.js").read_text("utf-8") for name in ("dom", "dial")))
    window.evaluate("(words) => speak(words)", words_for("workspace", "de"))
    return window


@pytest.mark.parametrize(("op", "wide"), [("scale", False), ("set", False), ("set", True), ("add", True)])
@pytest.mark.parametrize("yard", [1, 50, 0.03])
def test_every_place_of_a_slider_is_a_number_of_its_own_and_comes_back(
    dial: Any, op: str, wide: bool, yard: float
) -> None:
    low, high, stops, back, shares = dial.evaluate(
        """([op, wide, yard]) => {
          const dial = dialOf(op, wide, op === "scale" ? 1 : yard);
          const count = Math.round((dial.max - dial.min) / dial.step) + 1;
          const places = Array.from({ length: count }, (_, at) => Number((dial.min + at * dial.step).toFixed(1)));
          const stops = places.map((place) => dial.strength(place));
          const back = stops.map((stop) => dial.strength(dial.at(stop)));
          return [dial.low, dial.high, stops, back, stops.map((stop) => dial.share(stop))];
        }""",
        [op, wide, yard],
    )
    assert stops == sorted(set(stops)) == back
    assert shares == sorted(set(shares)) and (shares[0], shares[-1]) == (0, 1)
    unit = 1 if op == "scale" else yard
    reach = (0, 3) if op == "scale" else (-1, 5) if wide else (0, 2)
    assert (low, high) == (stops[0], stops[-1])
    assert (low, high) == (pytest.approx(reach[0] * unit), pytest.approx(min(reach[1] * unit, 100)))
    assert 0 in stops
    if op != "scale":  # finer near 0: no step away from it is smaller than the one before
        above = [stop for stop in stops if 0 <= stop <= 2 * unit]
        steps = [after - before for before, after in pairwise(above)]
        assert steps[0] == pytest.approx(0.01 * unit) and steps[-1] == pytest.approx(0.1 * unit)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5", 1.5),
        ("1,5", 1.5),
        ("\u22120,02", -0.02),
        (" +3 ", 3),
        (".5", 0.5),
        ("", None),
        ("1e9", None),
        ("--1", None),
    ],
)
def test_a_number_is_read_as_people_type_it(dial: Any, text: str, number: float | None) -> None:
    assert dial.evaluate("(text) => typedNumber(text)", text) == number


def test_arrow_keys_go_from_a_typed_number_to_the_next_place(dial: Any) -> None:
    found = dial.evaluate(
        """(from) => from.map(([strength, by]) => dialOf("set", false).next(strength, by))""",
        [[0.37, 1], [0.37, -1], [0.4, 1], [2, 1], [0, -1]],
    )
    assert found == [0.4, 0.3, 0.5, 2, 0]
    said = dial.evaluate(
        "(settings) => settings.map(amountOf)",
        [{"op": "add", "strength": 1.5, "unit": "p99"}, {"op": "set", "strength": -0.5, "unit": "code"}],
    )
    assert said == ["+1,5 p99", "\u22120,5 Codes"]


GREY = """([component, given]) => {
  speak({});
  const node = () => document.createElement("div");
  const part = { control: node() };
  const sent = [];
  let marks = given.marks ?? [];
  const view = {
    still: false, held: () => Boolean(given.held), hold: () => "held", pending: () => null, marked: () => marks,
    mark: (patches) => (marks = patches), redraw: () => hand.draw(data, component),
  };
  const data = {
    edits: [], tools: given.tools ?? ["suppress", "amplify", "set", "add", "scope"], visit: null,
    reach: { cls: true, patches: true, signed: false, speaks_for: "all", ...given.reach },
  };
  const hand = handPart(part, (act) => sent.push(act), view);
  hand.draw(data, component);
  const buttons = [...part.control.querySelectorAll("[role=radio]")];
  for (const name of given.press ?? []) buttons.find(({ textContent }) => textContent.startsWith(name)).click();
  const off = (one) => one.getAttribute("aria-disabled") === "true";
  const grey = Object.fromEntries(buttons.filter(off).map((one) => [one.textContent, one.title]));
  const same = buttons.every((one) => one.getAttribute("aria-description") === (off(one) ? one.title : ""));
  const { op, scope, unit, why } = hand.of(component);
  return { grey, same, op, scope, unit, why, sent, off: part.control.querySelector("input").disabled };
}"""
LOUD = {
    **{"index": 3, "name": "cup", "activation": 5.0, "class_code": 5.0, "fires_on_patches": True},
    **{"fires": [0, 2, 0, 0], "units": {"all": 2.0, "cls": 4.0, "patches": None}},
}
SILENT = LOUD | {"activation": 0.0, "class_code": 0, "fires_on_patches": False, "fires": [0] * 4}
ON_PATCHES = LOUD | {"class_code": 0}
NO_UNIT = {"units": {"all": None, "cls": None, "patches": None}}


@pytest.mark.parametrize(
    ("component", "given", "grey", "why"),
    [
        (LOUD, {}, {"hand.all": "hand.as_active"}, ""),
        (LOUD, {"press": ["hand.set"]}, {}, ""),
        (LOUD, {"press": ["hand.patches"]}, {"hand.all": "hand.as_active"}, "hand.paint"),
        (LOUD, {"press": ["hand.patches"], "marks": [1]}, {"hand.all": "hand.as_active"}, ""),
        (LOUD, {"press": ["hand.patches"], "marks": [0]}, {"hand.all": "hand.as_active"}, "hand.silent_painted"),
        (SILENT, {}, {"hand.scale": "hand.silent", "hand.active": "hand.silent_active"}, ""),
        (SILENT, {"tools": ["suppress", "amplify", "scope"]}, None, "hand.silent_only"),
        (SILENT | NO_UNIT, {}, None, "hand.silent_only"),
        (LOUD | NO_UNIT, {"press": ["hand.add"]}, {}, ""),
        (ON_PATCHES, {}, {"hand.all": "hand.as_active", "hand.cls": "hand.silent_class"}, ""),
        (ON_PATCHES, {"press": ["hand.set", "hand.cls"]}, {}, ""),  # a code can be set where there is none
        (
            LOUD,
            {"tools": ["suppress", "amplify", "add"], "press": ["hand.add"]},
            dict.fromkeys(("hand.set", "hand.cls", "hand.patches"), "hand.switched_off"),
            "",
        ),
        (LOUD, {"reach": {"patches": False}, "press": ["hand.set"]}, {"hand.patches": "hand.last_block"}, ""),
        (
            LOUD,
            {"reach": {"patches": False, "speaks_for": "cls"}, "press": ["hand.set"]},
            {"hand.patches": "hand.class_only"},
            "",
        ),
        (LOUD, {"reach": {"cls": False}, "press": ["hand.set"]}, {"hand.cls": "hand.no_class"}, ""),
        # a patch reaches no answer from the last block on, so a component that fires there alone is silent to it
        (ON_PATCHES, {"reach": {"patches": False}}, None, ""),
        (LOUD, {"held": True}, None, "held"),
    ],
)
def test_what_cannot_act_is_grey_and_says_why(
    dial: Any, component: dict[str, Any], given: dict[str, Any], grey: dict[str, str] | None, why: str
) -> None:
    dial.add_script_tag(content="\n".join((ASSETS / f"{name}.js").read_text("utf-8") for name in ("terms", "hand")))
    found = dial.evaluate(GREY, [component, given])
    assert found["same"], "the ear is told what the eye reads"
    assert found["why"] == why and found["off"] == bool(why)
    if grey is not None:
        assert found["grey"] == grey
    assert found["sent"] == []
    if component.get("units") == NO_UNIT["units"] and found["op"] != "scale":
        assert found["unit"] == "code"
    if given.get("held"):
        assert len(found["grey"]) == 7
    if component is SILENT and not given:
        assert (found["op"], found["scope"]) == ("set", "all"), "the hand offers what can act"


# of everything that may move: where it stands
PLACES = f"""() => [...{BENCH}.querySelectorAll(".panel, .control > *, .choices > *, .rows, .row, .row .hand *")]
  .map((each) => each.getBoundingClientRect())
  .map((box) => [box.x, box.y, box.width, box.height].map(Math.round).join(" "))
"""

# whether the frame around the instrument was ever marked as being from the last run, and drawn otherwise for it
FADES = """() => {
  const frame = document.querySelector(".st-key-workspace");
  window.faded = [];
  new MutationObserver(() => {
    const { opacity, transitionDuration } = getComputedStyle(frame);
    if (frame.dataset.stale === "true") window.faded.push(opacity !== "1" || transitionDuration !== "0s");
  }).observe(frame, { attributeFilter: ["data-stale"] });
}"""


def logged(page: Any, server: Server) -> list[dict[str, Any]]:
    made = {key_of(act) for act in page.evaluate("window.made")}
    return [json.loads(payload) for name, payload, key, _ in acts(server) if key in made and name.endswith("applied")]


def test_a_component_is_set_by_typing_and_its_edit_follows_the_tokens_that_are_painted(
    page: Any, shared_server: Server
) -> None:
    open_workspace(page, shared_server)
    measured(page)
    stood = still(page, PLACES)
    field = page.locator(".control .value")
    for op in ("Set", "Add", "Scale", "Set"):
        page.get_by_role("radio", name=op, exact=True).click()
        assert page.evaluate(PLACES) == stood, f"nothing moves under {op}"
    for typed in ("99", "abc", "-3"):
        field.fill(typed)
        field.press("Enter")
        note = page.locator(".control .note").inner_text()
        assert typed.replace("-", "\u2212") in note and "changed nothing" in note and "from \u22121 to 5" in note
    assert page.evaluate(PLACES) == stood and not page.locator(".plan li .times").count(), "nothing is bent to fit"
    page.evaluate(FADES)
    field.fill("1,5")
    field.press("Enter")
    page.locator(".plan li .times").wait_for()
    settled(page)
    faded = page.evaluate("window.faded")
    assert faded and not any(faded), "an act paints what it changes, and not the whole instrument paler and back"
    assert page.locator(".plan li .times").all_inner_texts() == ["= 1.5 p99"], "set, not added"
    assert page.locator(".row[data-chosen=true] .read").inner_text() == "1.5 p99"
    page.get_by_role("radio", name="Painted").click()
    assert "Paint patches" in page.locator(".control .note").inner_text()
    assert field.is_disabled()
    brush = page.locator(".picture .brush")
    brush.focus()
    for key in (" ", "ArrowRight", " "):  # each patch that is painted goes along at once
        page.keyboard.press(key)
    page.locator(".plan li small", has_text="patches: 2").wait_for()
    settled(page)
    with one_run(page, 350):
        field.press("ArrowDown")
        field.press("ArrowDown")
    page.locator(".plan li .times", has_text="1.3 p99").wait_for()
    settled(page)
    rows = logged(page, shared_server)
    said = [
        (row["tool"], float.fromhex(row["value"]), row["unit"], row.get("scope"), row.get("patches")) for row in rows
    ]
    assert said[0] == ("set", 1.5, "p99", "all", [])
    assert said[-1] == ("set", 1.3, "p99", "patches", [0, 1])
    assert [row["control"] for row in rows] == ["number", "brush", "brush", "number"], "two quick presses are one act"
    page.reload()
    page.locator(".plan li .times", has_text="1.3 p99").wait_for()
    assert field.input_value() == "1.3" and "2" in page.get_by_role("radio", name="Painted").inner_text()
    page.locator(".row .slide").first.focus()
    page.keyboard.press("Control+z")
    page.locator(".plan li .times", has_text="1.5 p99").wait_for()
    settled(page)
    assert field.input_value() == "1.5"
    page.keyboard.press("Control+z")
    page.locator(".plan li small", has_text="patches: 1").wait_for()
    settled(page)
    assert "1" in page.get_by_role("radio", name="Painted").inner_text(), "the patches marked are those it stands on"


def test_a_phone_shows_everything_and_steers_nothing_until_its_window_is_wider(
    page: Any, shared_server: Server
) -> None:
    open_workspace(page, shared_server)
    page.locator(".row .off").first.click()
    page.locator(".plan li .times").wait_for()
    settled(page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("[data-part=next]", has_text="too narrow to steer in").wait_for()
    for hand in (".row .off", ".row .more", ".row .slide", ".plan .eye", ".plan .out", "[data-part=undo]"):
        assert page.locator(hand).first.is_disabled(), hand
    for place in ("form.classes", ".certify"):
        assert page.locator(place).evaluate("(node) => node.inert")
    page.keyboard.press("Control+z")
    page.get_by_role("radio", name="Pushes").click()
    page.locator(".overlays [aria-checked=true]", has_text="Pushes").wait_for()
    settled(page)
    page.set_viewport_size({"width": 1024, "height": 768})
    page.locator(".plan .eye:enabled").wait_for()
    assert "narrow" not in page.locator("[data-part=next]").inner_text()
    assert len(logged(page, shared_server)) == 1, "a key of the phone took nothing back"
