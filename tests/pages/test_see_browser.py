"""The picture under a hand: patches brushed ask for components, and the map by masking comes when it is chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from served import Server, environment, open_workspace, settled
from tiny_world import TinyWorld

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def seeing(world: TinyWorld, nursery: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the same study with the search and the map by masking among its first task's tools."""
    folder = tmp_path_factory.mktemp("seeing")
    text = world.script.read_text().replace("tools: [attribution,", "tools: [search, masking, attribution,", 1)
    for beside in world.script.parent.glob("*.md"):
        (folder / beside.name).write_bytes(beside.read_bytes())
    script = folder / world.script.name
    script.write_text(text)
    made = Server(environment(world.bundle, script, folder / "log.db"), folder / "log.db", nursery=nursery)
    made.start()
    yield made
    made.kill()


def regions(server: Server) -> list[dict[str, Any]]:
    query = (
        "select p.json from events e join payloads p on p.event_id = e.event_id "
        "where e.name = 'concept.searched' order by e.session_id, e.seq"
    )
    return [json.loads(row[0]) for row in server.rows(query)]


def listed(page: Any) -> list[int]:
    return [int(row) for row in page.locator(".rows .row").evaluate_all("all => all.map((e) => e.dataset.component)")]


def test_patches_brushed_by_hand_and_by_keys_list_what_fires_there_and_a_masked_map_survives_a_reload(
    page: Any, seeing: Server
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    open_workspace(page, seeing)
    by_attribution = listed(page)
    rows = page.locator(".rows")
    rows.evaluate("(list) => (list.scrollTop = list.scrollHeight)")
    assert rows.evaluate("(list) => list.scrollTop") > 0
    box = page.locator(".picture").bounding_box()
    cell = box["width"] / 4

    def over(column: int, row: int) -> tuple[float, float]:
        return box["x"] + cell * (column + 0.5), box["y"] + cell * (row + 0.5)

    page.mouse.move(*over(0, 1))
    page.mouse.down()
    page.mouse.move(*over(2, 1))  # one move of a quick hand, over a patch between
    assert listed(page) == by_attribution
    page.mouse.up()
    page.get_by_role("heading", name="Components for this region").wait_for()
    settled(page)
    (asked,) = regions(seeing)
    assert asked["patches"] == [4, 5, 6]
    assert listed(page) == asked["found"]
    assert rows.evaluate("(list) => [list.scrollTop, list.scrollHeight > list.clientHeight]") == [0, True], (
        "what is found is read from its first row, however far the list was scrolled"
    )

    page.locator(".brush").focus()
    for key in ("ArrowDown", "Space", "Enter"):  # from the patch where the hand was
        page.keyboard.press(key)
    settled(page)
    assert regions(seeing)[-1]["patches"] == [4, 5, 6, 10]
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="Components by attribution").wait_for()
    assert listed(page) == by_attribution

    page.get_by_role("radio", name="What a masked patch costs").click()
    page.locator(".legend[data-overlay='masked'][aria-busy='false']").wait_for()
    painted = page.evaluate(MAP)
    assert painted
    settled(page)
    page.reload()
    page.locator(".legend[data-overlay='masked'][aria-busy='false']").wait_for()
    assert page.evaluate(MAP) == painted


# The map's own pixels: how many are coloured, and their sum.
MAP = """() => {
  const bench = [...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('.bench')).find(Boolean);
  const map = bench.querySelector('[data-part=map]');
  return [...map.getContext('2d').getImageData(0, 0, map.width, map.height).data].reduce((sum, each) => sum + each, 0);
}"""
