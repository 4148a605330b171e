"""The lists of the workspace show whole rows, and say how many more there are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from served import BENCH, Server, open_workspace, still

pytestmark = pytest.mark.browser
# of each list: whether its first and last row in sight are whole, and how many rows lie below
SEEN = f"""() => ["rows", "bars"].map((name) => {{
  const list = {BENCH}.querySelector(`[data-part=${{name}}]`);
  const box = list.getBoundingClientRect();
  const rows = [...list.children].map((row) => row.getBoundingClientRect());
  const cut = rows.filter((row) => row.bottom > box.top + 1.5 && row.top < box.bottom - 1.5)
    .filter((row) => row.top < box.top - 1.5 || row.bottom > box.bottom + 1.5).length;
  const below = list.nextElementSibling;
  return {{ cut, left: rows.filter((row) => row.bottom > box.bottom + 1.5).length, all: rows.length,
    says: getComputedStyle(below).visibility === "visible" ? below.textContent : "" }};
}})"""


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (1100, 700)], ids=lambda size: "x".join(map(str, size)))
def test_no_row_of_a_list_is_cut_and_what_lies_below_is_counted(
    page: Any, shared_server: Server, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_workspace(page, shared_server)
    for _ in range(4):
        seen = still(page, SEEN)
        assert [one["cut"] for one in seen] == [0, 0]
        for one in seen:
            assert re.findall(r"\d+", one["says"]) == ([str(one["left"])] if one["left"] else [])
        if not seen[0]["left"]:
            break
        page.locator(".rows + .below").click()
    assert seen[0]["left"] == 0 and seen[0]["all"] > 3
