"""The card of a component: whatever tab is open, its page is there to be read whole."""

from __future__ import annotations

from typing import Any

import pytest
from served import BENCH, Server, open_workspace

pytestmark = pytest.mark.browser
TABS = ("Examples", "Codes", "Classes", "Related", "Study")
# of the open page: whether it has anything to read, and how much of its first lines, plots and figures is cut off
SEEN = f"""() => {{
  const [page] = [...{BENCH}.querySelectorAll(".page[data-open=true]")];
  const box = page.getBoundingClientRect();
  const inside = [...page.querySelectorAll("p, li, figure, dd, h4")].map((one) => one.getBoundingClientRect());
  const lowest = Math.max(...inside.map(({{ bottom }}) => bottom));
  return {{ shown: inside.some(({{ height }}) => height > 5), below: lowest - box.bottom }};
}}"""


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768)], ids=lambda size: "x".join(map(str, size)))
def test_every_tab_of_the_card_has_its_page_and_its_figures_are_not_cut(
    page: Any, shared_server: Server, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_workspace(page, shared_server)
    for name in TABS:
        page.get_by_role("tab", name=name).click()
        page.locator(".card[aria-busy=false]").wait_for()
        seen = page.evaluate(SEEN)
        assert seen["shown"], f"{name} is empty"
        # a list of classes or of kin is as long as it is, and scrolls
        assert name in ("Classes", "Related") or seen["below"] <= 1, f"{name} is cut"
