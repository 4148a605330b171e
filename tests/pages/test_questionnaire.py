"""A questionnaire in a real browser, by keyboard alone: what is chosen is what the log has."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Server, one_run
from tiny_world import write_script

pytestmark = pytest.mark.browser
ROWS = (
    "select e.name, p.json from events e join payloads p on p.event_id = e.event_id where e.session_id = '{}' "
    "order by e.seq"
)


@pytest.fixture(scope="module")
def served(nursery: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("questionnaire")
    script = write_script(folder)
    environment = {
        **os.environ,
        "TILLER_DATABASE_URL": f"sqlite:///{folder / 'log.db'}",
        "TILLER_STUDY": str(script),
    }
    page = Path(__file__).with_name("questionnaire_page.py")
    made = Server(environment, folder / "log.db", entry=str(page), nursery=nursery)
    made.start(healthy=False)
    yield made
    made.kill()


def open_matrix(page: Any, served: Server, **asked: str) -> None:
    page.goto(served.url + "?" + "&".join(f"{name}={value}" for name, value in asked.items()))
    page.locator("fieldset").first.wait_for()


def logged(served: Server, session: str, *names: str) -> list[dict[str, Any]]:
    """The payloads of those kinds, in order; the log writes numbers as hexadecimal texts."""
    rows = [(name, json.loads(payload)) for name, payload in served.rows(ROWS.format(session)) if name in names]
    return [{"name": name} | {field: number_in(value) for field, value in payload.items()} for name, payload in rows]


def number_in(value: Any) -> Any:
    return float.fromhex(value) if isinstance(value, str) and value.startswith(("0x", "-0x")) else value


def counted(page: Any, words: str) -> None:
    page.locator(".count", has_text=words).wait_for()


def handed_in(page: Any) -> None:
    page.get_by_role("heading", name="Handed in").wait_for()


def test_the_usability_scale_is_filled_by_keyboard_alone_and_its_score_is_logged(page: Any, served: Server) -> None:
    open_matrix(page, served, i="sus", s="keys")
    assert page.locator("input:checked").count() == 0  # nothing is preset
    page.locator("fieldset input").first.focus()
    for value in "4241524251"[:9]:
        page.keyboard.press(value)
        page.keyboard.press("Tab")
    page.keyboard.press("Home")  # on 1, the lowest
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    counted(page, "10 of 10 answered")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Hand in"
    page.keyboard.press("Enter")
    handed_in(page)

    rows = logged(served, "keys", "instrument.item_answered", "instrument.scored", "page.left")
    assert [row["value"] for row in rows[:10]] == [4, 2, 4, 1, 5, 2, 4, 2, 5, 1]
    assert [row["item"] for row in rows[:10]] == [str(number) for number in range(1, 11)]
    assert (rows[10]["score"], rows[10]["answered"], rows[10]["subscale"]) == (85.0, 10, "")
    assert rows[11]["page"] == "end/sus"
    assert len(rows) == 12
    drafts = logged(served, "keys", "response.changed")
    assert {row["item"]: row["number"] for row in drafts} == {
        f"end/sus/{number}": value for number, value in enumerate([4, 2, 4, 1, 5, 2, 4, 2, 5, 1], start=1)
    }


def test_rows_left_open_are_named_in_one_sentence_and_nothing_is_handed_in(page: Any, served: Server) -> None:
    open_matrix(page, served, i="sus", s="open")
    for number in (1, 2, 4, 5, 6, 8, 9, 10):
        page.locator("fieldset").nth(number - 1).locator("input").nth(2).check()
    page.get_by_role("button", name="Hand in").click()
    page.get_by_text("Still open: rows 3 and 7.").wait_for()
    page.locator("fieldset[data-open='true']").nth(1).wait_for()
    assert page.locator("fieldset[data-open='true']").evaluate_all("all => all.map((one) => one.dataset.item)") == [
        "3",
        "7",
    ]
    assert not logged(served, "open", "instrument.item_answered", "instrument.scored", "page.left")
    page.wait_for_function(
        "() => document.activeElement.shadowRoot?.activeElement?.closest('fieldset')?.dataset.item === '3'"
    )
    page.keyboard.press("3")
    page.get_by_text("Still open: row 7.").wait_for()
    page.locator("fieldset").nth(6).locator("input").nth(2).check()
    counted(page, "10 of 10 answered")
    page.get_by_role("button", name="Hand in").click()
    handed_in(page)
    assert logged(served, "open", "instrument.scored")[0]["score"] == 50.0


def test_a_reload_brings_back_what_was_chosen_and_logs_it_once(page: Any, served: Server) -> None:
    open_matrix(page, served, i="ueq_s", s="reload", l="de")
    page.locator("fieldset").nth(0).locator("input").nth(5).check()
    page.locator("fieldset").nth(3).locator("input").nth(0).check()
    page.reload()  # at once: the window itself has kept it
    page.locator("fieldset").first.wait_for()
    counted(page, "2 von 8 beantwortet")
    chosen = "all => all.map((one) => [one.closest('fieldset').dataset.item, one.value])"
    assert page.locator("input:checked").evaluate_all(chosen) == [["1", "6"], ["4", "1"]]
    page.locator("fieldset").nth(4).locator("input").nth(3).check()
    page.get_by_role("button", name="Hand in").click()
    page.get_by_text("Noch offen: Zeilen 2, 3, 6, 7 und 8.").wait_for()
    page.get_by_role("group", name="2. kompliziert, einfach noch offen").wait_for()
    drafts = logged(served, "reload", "response.changed")
    assert sorted((row["item"], row["number"]) for row in drafts) == [
        ("end/ueq_s/1", 6),
        ("end/ueq_s/4", 1),
        ("end/ueq_s/5", 4),
    ]
    other = page.context.browser.new_page()  # another window has only the log
    open_matrix(other, served, i="ueq_s", s="reload", l="de")
    counted(other, "3 von 8 beantwortet")
    other.close()


def test_the_task_load_is_marked_in_steps_of_five_and_belongs_to_its_task(page: Any, served: Server) -> None:
    open_matrix(page, served, i="raw_tlx", s="load", task="word")
    assert page.locator("fieldset").first.locator("input").count() == 21
    first = page.get_by_role("group", name="1. Mental demand How mentally demanding was the task?")
    assert first.get_by_role("radio", name="0, Very low").is_visible()
    page.locator("fieldset input").first.focus()
    with one_run(page, 400):
        for steps in (14, 2, 11, 5, 12, 7):
            page.keyboard.press("Home")
            for _ in range(steps):
                page.keyboard.press("ArrowRight")
            page.keyboard.press("Tab")
    counted(page, "6 of 6 answered")
    page.keyboard.press("Enter")
    handed_in(page)
    rows = logged(served, "load", "instrument.item_answered", "instrument.scored")
    assert [row.get("value") for row in rows[:6]] == [70, 10, 55, 25, 60, 35]
    assert rows[6]["score"] == 42.5
    assert {row["task"] for row in rows} == {"word"}
    assert len(logged(served, "load", "response.changed")) <= 20  # a run of arrows is a draft, not one each


def test_no_response_is_an_answer_that_is_missing_from_the_score(page: Any, served: Server) -> None:
    open_matrix(page, served, i="trust_in_automation_koerber", s="silent")
    rows = page.locator("fieldset")
    for number in range(19):
        at = 5 if number in (16, 2) else 3
        rows.nth(number).locator("input").nth(at).check()
    assert rows.nth(2).locator("input").nth(5).get_attribute("aria-label") == "No response"
    counted(page, "19 of 19 answered")
    page.get_by_text("CC BY-SA 4.0, by Moritz Körber").wait_for()
    page.get_by_role("button", name="Hand in").click()
    handed_in(page)
    scores = {row["subscale"]: row["score"] for row in logged(served, "silent", "instrument.scored")}
    assert scores["familiarity"] is None
    assert scores["trust"] == 4.0
    items = {row["item"]: row["value"] for row in logged(served, "silent", "instrument.item_answered")}
    assert items["3"] is None and items["17"] is None and len(items) == 19


@pytest.mark.parametrize("id", ["sus", "raw_tlx", "ueq_s", "trust_in_automation_koerber"])
def test_no_matrix_is_wider_than_the_window(page: Any, served: Server, id: str) -> None:
    """At both sizes in one page: what was laid out for the wide window has to give way in the narrow one."""
    page.set_viewport_size({"width": 1440, "height": 900})
    open_matrix(page, served, i=id, s="wide", l="de")
    inside = "all => Math.max(...all.map((one) => one.getBoundingClientRect().right))"
    for width, height in ((1440, 900), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("width => innerWidth === width", arg=width)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.locator("fieldset, fieldset *").evaluate_all(inside) <= width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
