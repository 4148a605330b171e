"""The question above the components and the waterfall beside the list, in a browser and by the keyboard."""

from __future__ import annotations

import re
from typing import Any

import pytest
from served import Server, open_workspace, settled

pytestmark = pytest.mark.browser

# The printed figures of the steps, and of the margin that they end in, in hundredths.
FIGURES = """(steps) => steps.map((step) =>
  Math.round(100 * Number(step.querySelector('.figure').textContent.replace('\\u2212', '-'))))"""


def figures(page: Any) -> list[int]:
    settled(page)
    page.locator(".bench[data-asking='false'] .waterfall[aria-busy='false'] .step[data-kind='margin']").wait_for()
    return page.locator(".step").evaluate_all(FIGURES)


def test_a_waterfall_adds_up_for_the_pair_that_is_asked_about_and_stays_over_a_reload(
    page: Any, shared_server: Server
) -> None:
    open_workspace(page, shared_server)
    rows = page.locator(".row").count()
    target = page.get_by_label("The class that is explained")
    against = page.get_by_label("The class that it is set against")
    own = target.input_value(), against.input_value()
    page.get_by_role("radio", name="List").press("ArrowRight")
    *steps, margin = figures(page)
    assert sum(steps) == margin and len(steps) > 4

    page.locator(".steps button[tabindex='0']").focus()
    for key in ("Home", "ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    chosen = page.locator(".step[data-chosen='true']")
    component = chosen.get_attribute("data-component")
    page.locator(".card h3 small", has_text=re.compile(f"^#{component}$")).wait_for()
    page.locator(f".guest .row[data-component='{component}']").wait_for()  # and is steered from there

    # The class that it is set against, asked for as the one explained, turns the question round.
    target.select_option(own[1])
    page.locator(".step[data-kind='margin']", has_text=f"Margin of “{own[1]}” over “{own[0]}”").wait_for()
    *turned, reverse = figures(page)
    assert sum(turned) == reverse == -margin
    page.reload()
    assert figures(page) == [*turned, reverse]
    assert (target.input_value(), against.input_value()) == own[::-1]
    assert chosen.get_attribute("data-component") == component

    page.get_by_role("button", name="Back to the prediction's own pair").click()
    page.locator(".step[data-kind='margin']", has_text=f"Margin of “{own[0]}” over “{own[1]}”").wait_for()
    assert figures(page) == [*steps, margin]
    page.get_by_role("radio", name="Waterfall").press("ArrowLeft")
    page.locator(".rows .row").first.wait_for()
    assert page.locator(".row").count() - page.locator(".guest .row").count() == rows
    assert page.locator(".rows").evaluate("(list) => list.clientHeight") > 300
