"""Prompts and expectations in a real browser: when they come up, what they hold up, and what the log keeps of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from served import BENCH, Server, environment, one_run, open_workspace, settled, until
from tiny_world import SCRIPT

pytestmark = pytest.mark.browser

ALOUD = """
think_aloud:
  note: Please say aloud what you look at.
  limits: {min_gap_s: 0, max_per_task: 6}
  prompts:
    - {id: begin, style: neutral, when: {event: task.started}, text: Please speak.}
    - id: guess
      style: probing
      when: {before_first: intervention.applied}
      blocking: true
      text: What do you think causes it?
      ask:
        - {id: why, type: free_text, label: In a sentence}
        - {id: sure, type: slider, label: How sure, min: 0, max: 100, start: null}
    - {id: third, style: probing, when: {event: intervention.applied, every: 3}, text: "What did you expect?"}
"""
NOTE = "think_aloud: {note: Please say aloud what you look at. Half sentences are welcome.}\n"
EXPECT = "    expect: {before: [1], ask: [direction, top1, probability, confidence]}\n    ground_truth:"


@pytest.fixture(scope="module")
def aloud(world: Any, nursery: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The tiny study with prompts and an expectation before the first step of its first task."""
    folder = tmp_path_factory.mktemp("aloud")
    (folder / "consent.md").write_text("We keep what you do.", encoding="utf-8")
    script = folder / "aloud.yaml"
    assert NOTE in SCRIPT
    script.write_text(
        SCRIPT.replace(NOTE, ALOUD[1:])
        .replace("undo, redo, reset", "undo, redo, reset, compare")
        .replace("    ground_truth:", EXPECT),
        encoding="utf-8",
    )
    made = Server(environment(world.bundle, script, folder / "log.db"), folder / "log.db", nursery=nursery)
    made.start()
    yield made
    made.kill()


def rows(server: Server) -> list[tuple[str, dict[str, Any]]]:
    """Name and payload of the prompts and interventions of the newest session."""
    query = (
        "select e.name, p.json from events e join payloads p on p.event_id = e.event_id where e.session_id = "
        f"'{server.newest()}' and (e.name like 'prompt.%' or e.name like 'intervention.%') order by e.seq"
    )
    return [(name, json.loads(payload)) for name, payload in server.rows(query)]


def prompt(page: Any, text: str) -> Any:
    page.get_by_text(text, exact=True).wait_for()
    return page.locator(".talk[data-up='true']")


def answer_the_first_questions(page: Any) -> None:
    prompt(page, "Please speak.").get_by_role("button", name="Said it").click()
    asked = prompt(page, "What do you think causes it?")
    asked.locator("textarea").fill("the corner")
    asked.locator("input[type=range]").click()
    asked.get_by_role("button", name="Done").click()
    page.locator(".slide:not([disabled])").first.wait_for()


def expect(page: Any) -> None:
    form = page.get_by_role("group", name="Before you see it: what will happen?")
    form.get_by_label("In the model").select_option("down")
    form.get_by_label("First will be").select_option(index=2)
    form.get_by_label("How likely is that?").click()
    form.get_by_label("How sure are you of that?").click()
    see = form.get_by_role("button", name="See what happens")
    drawn = see.evaluate("(button) => [button, document.body].map((one) => getComputedStyle(one).backgroundColor)")
    assert drawn[0] not in (drawn[1], "rgba(0, 0, 0, 0)"), "white words need something beneath them"
    see.click()


def test_a_prompt_is_shown_once_the_page_is_and_answered_or_put_away(page: Any, aloud: Server) -> None:
    open_workspace(page, aloud)
    begin = prompt(page, "Please speak.")
    assert page.evaluate(
        "document.activeElement === document.body || !document.activeElement.shadowRoot?.activeElement"
    )
    begin.get_by_role("button", name="Not now").click()
    prompt(page, "What do you think causes it?")
    found = rows(aloud)
    assert [(name, payload["prompt"], payload["trigger"]) for name, payload in found] == [
        ("prompt.shown", "begin", "start"),
        ("prompt.dismissed", "begin", "start"),
        ("prompt.shown", "guess", "first_steer"),
    ]
    assert found[1][1]["how"] == "closed"
    page.reload()
    prompt(page, "What do you think causes it?")
    assert len(rows(aloud)) == 3, "a reload shows the prompt that stands, and none again"


def test_a_blocking_question_holds_every_control_until_it_is_answered(page: Any, aloud: Server) -> None:
    open_workspace(page, aloud)
    prompt(page, "Please speak.")
    assert page.locator(".row .slide:not([disabled]), .row .off:not([disabled])").count() == 0, (
        "the question is to come"
    )
    page.get_by_role("button", name="Said it").click()
    asked = prompt(page, "What do you think causes it?")
    assert page.locator(".row .slide:not([disabled]), .row .off:not([disabled])").count() == 0
    done = asked.get_by_role("button", name="Done")
    assert done.is_disabled()
    assert asked.get_by_role("button", name="Not now").count() == 0
    asked.locator("textarea").fill("the corner")
    assert done.is_disabled(), "the line has no mark yet"
    page.reload()
    asked = prompt(page, "What do you think causes it?")
    assert asked.locator("textarea").input_value() == "the corner", "what was half written is still there"
    asked.locator("input[type=range]").click()
    done.click()
    page.locator(".slide:not([disabled])").first.wait_for()
    given = [payload for name, payload in rows(aloud) if name == "prompt.answered" and payload["prompt"] == "guess"]
    assert [(one["item"], one["text"]) for one in given] == [("why", "the corner"), ("sure", "")]
    assert float.fromhex(given[1]["number"]) == 50


def test_a_step_is_expected_first_and_scored_with_its_effect(page: Any, aloud: Server) -> None:
    open_workspace(page, aloud)
    answer_the_first_questions(page)
    page.locator(".row .off").first.click()
    page.get_by_role("button", name="Leave it as it is").click()
    assert page.locator(".row .read").first.inner_text() == "1×"
    page.locator(".row .off").first.click()
    expect(page)
    page.locator(".came strong:not(:empty)").wait_for()
    settled(page)
    found = [(name, payload) for name, payload in rows(aloud) if name.startswith("intervention.")]
    assert [name for name, _ in found] == ["intervention.applied", "intervention.predicted"]
    scored = found[1][1]
    assert (scored["direction"], float.fromhex(scored["probability"])) == ("down", 0.5)
    assert scored["direction_came"] in ("up", "down", "same")
    assert float.fromhex(scored["brier"]) == 0.25
    assert page.locator(".came").inner_text().startswith("Expected: ")
    page.locator(".row .off").nth(1).click()
    settled(page)
    assert page.locator(".plan li .times").count() == 2, "the second step is not asked about"


def test_no_client_steers_past_a_question_or_an_expectation(page: Any, aloud: Server) -> None:
    open_workspace(page, aloud)
    prompt(page, "Please speak.")
    force = f"() => {{ const b = {BENCH}.querySelector('.row .off'); b.disabled = false; b.click(); }}"
    page.evaluate(force)
    # the first step asks for an expectation before anything is sent, and the server has the last word
    expect(page)
    page.get_by_text("A question comes before this step").wait_for()
    assert not [name for name, _ in rows(aloud) if name.startswith("intervention.")]


def test_every_third_step_asks_and_the_rest_do_not(page: Any, aloud: Server) -> None:
    open_workspace(page, aloud)
    answer_the_first_questions(page)
    page.locator(".row .off").first.click()
    expect(page)
    settled(page)
    for row in (1, 2):
        page.locator(".row .off").nth(row).click()
        settled(page)
    prompt(page, "What did you expect?").get_by_role("button", name="Said it").click()
    page.locator(".next").wait_for()
    for row in (3, 4):
        page.locator(".row .off").nth(row).click()
        settled(page)
    shown = [payload["trigger"] for name, payload in rows(aloud) if name == "prompt.shown"]
    assert shown == ["start", "first_steer", "every"]


def test_all_of_it_goes_by_the_keyboard_and_the_hand_is_where_it_was(page: Any, aloud: Server) -> None:
    open_workspace(page, aloud)
    prompt(page, "Please speak.")
    page.get_by_role("button", name="Said it").focus()
    page.keyboard.press("Enter")
    prompt(page, "What do you think causes it?")
    page.get_by_label("In a sentence").focus()
    page.keyboard.type("the corner")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    slide = page.locator(".slide").first
    page.locator(".slide:not([disabled])").first.wait_for()
    slide.focus()
    with one_run(page, 350):
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="See what happens").wait_for()
    for key in ("ArrowDown", "Tab", "ArrowDown", "Tab", "ArrowRight", "Tab", "ArrowLeft", "Control+Enter"):
        page.keyboard.press(key)
    settled(page)
    page.locator(".came strong:not(:empty)").wait_for()
    assert page.evaluate(f"() => {BENCH}.getRootNode().activeElement?.className") == "slide"
    scored = next(payload for name, payload in rows(aloud) if name == "intervention.predicted")
    assert (scored["direction"], float.fromhex(scored["probability"])) == ("up", 0.51)
    assert float.fromhex(scored["confidence"]) == 49


def test_holding_compare_shows_the_model_without_edits_and_is_on_record(page: Any, aloud: Server) -> None:
    open_workspace(page, aloud)
    answer_the_first_questions(page)
    shares = page.locator(".bars .share")
    before = shares.all_inner_texts()
    page.locator(".row .off").first.click()
    expect(page)
    settled(page)
    after = shares.all_inner_texts()
    assert after != before
    page.get_by_role("button", name="Compare").focus()
    page.keyboard.down(" ")
    assert shares.all_inner_texts() == before
    page.keyboard.up(" ")
    assert shares.all_inner_texts() == after
    settled(page)
    assert [name for name, _ in rows(aloud)][-1] == "intervention.compared"


def test_a_hand_that_rests_while_it_drags_leaves_a_preview_and_one_step(page: Any, aloud: Server) -> None:
    open_workspace(page, aloud)
    answer_the_first_questions(page)
    page.locator(".row .off").first.click()
    expect(page)
    settled(page)
    box = page.locator(".slide").nth(2).bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, middle)
    until(lambda: rows(aloud)[-1][0] == "intervention.previewed")
    with one_run(page, 400):
        page.mouse.move(box["x"] + 3, middle)
        page.mouse.up()
    page.locator(".plan li .times").nth(1).wait_for()
    settled(page)
    found = [(name, payload.get("value")) for name, payload in rows(aloud) if name.startswith("intervention.")][2:]
    assert [name for name, _ in found] == ["intervention.previewed", "intervention.applied"]
    assert float.fromhex(found[0][1]) > 1 > float.fromhex(found[1][1])
