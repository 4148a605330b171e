"""What is drawn anew takes nothing out of a hand: neither the focus, nor a mark that is on its way, nor a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pages.parts.instrument import BENCH_CSS, BENCH_HTML
from pages.parts.words import words_for

pytestmark = pytest.mark.browser
ASSETS = Path(__file__).parents[2] / "pages/parts/assets"


def scripts(page: Any, *names: str) -> None:
    page.set_content("<div class='bench'></div>")
    page.add_script_tag(content="\n".join((ASSETS / f"{name}.js").read_text("utf-8") for name in names))
    page.evaluate("(words) => speak(words)", words_for("workspace", "en"))


PLAN = """() => {
  const names = ["undo", "redo", "reset", "compare", "size", "edits", "heading", "apart"];
  const part = Object.fromEntries(names.map((name) => [name, el(name === "edits" ? "ul" : "button")]));
  document.body.replaceChildren(...Object.values(part));
  const off = { op: "scale", strength: 0, unit: "factor", scope: "active", patches: [] };
  const edit = (index) => ({ ...off, index, name: `thing ${index}` });
  const view = { held: () => false, compared: () => false };
  const draw = planPart(part, () => {}, view, null);
  const board = (...all) => draw({ edits: all.map(edit), muted: [], newest_first: all, tools: ["mute", "suppress"],
    can_undo: true, can_redo: true, size: 0, visit: null, talk: { words: {} } });
  board(3, 2, 1);
  const eye = part.edits.children[1].querySelector(".eye");
  eye.focus();
  board(2, 1);
  const after_an_undo = document.activeElement === eye;
  board(4, 2, 1);
  const after_another = document.activeElement === eye;
  board(4, 1);
  return [after_an_undo, after_another, document.activeElement === document.body];
}"""


def test_a_row_of_the_plan_keeps_the_focus_while_others_come_and_go(page: Any) -> None:
    scripts(page, "dom", "terms", "dial", "plan")
    assert page.evaluate(PLAN) == [True, True, True]


# A mark, a redraw that the server began before it knew of it, the mark's own redraw, and one by another hand.
MARKED = """async ([text, html, values]) => {
  const { default: draw } = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  const parentElement = document.body;
  parentElement.innerHTML = html;
  const sent = [];
  const options = [{ id: "a", label: "A" }, { id: "b", label: "B" }];
  const said = { label: "L", help: "", low: "", high: "", words: { unset: "", not_set: "" } };
  const setStateValue = (_, given) => sent.push(given);
  const redraw = (value) =>
    draw({ data: { ...said, min: 0, max: 100, name: "n", options, value }, parentElement, setStateValue });
  const shown = () => {
    const line = document.querySelector("input[type=range]");
    if (line) return line.dataset.set === "true" ? Number(line.value) : null;
    return document.querySelector("input:checked")?.value ?? null;
  };
  redraw(null);
  const input = document.querySelector(`input[type=range], input[value="${values[0]}"]`);
  if (input.type === "range") input.value = values[0];
  else input.checked = true;
  input.dispatchEvent(new Event("change"));
  const seen = [null, ...values].map((value) => [redraw(value), shown()][1]);
  return [sent, seen];
}"""


@pytest.mark.parametrize(("part", "values"), [("scale", [60, 70]), ("choice", ["b", "a"])])
def test_a_mark_stays_while_an_older_answer_of_the_server_is_on_its_way(
    page: Any, part: str, values: list[Any]
) -> None:
    files = [(ASSETS / f"{part}.{kind}").read_text("utf-8") for kind in ("js", "html")]
    assert page.evaluate(MARKED, [*files, values]) == [values[:1], [values[0], *values]]


def test_a_words_sentence_goes_when_that_word_is_left_and_not_when_anything_is(page: Any) -> None:
    scripts(page, "dom", "terms")
    shown = page.evaluate("""() => {
      const [terms, tip, other] = [el("div"), el("div", { hidden: true }), el("button", {}, "other")];
      const word = term("size", "size");
      const bench = document.querySelector(".bench");
      bench.append(word, other, terms, tip);
      termsPart(bench, { terms, tip });
      word.focus();
      const seen = [!tip.hidden];
      for (const left of [other, word]) {
        left.dispatchEvent(new PointerEvent("pointerout", { bubbles: true }));
        seen.push(!tip.hidden);
      }
      return seen;
    }""")
    assert shown == [True, True, False]


HIDDEN = """() => [...document.querySelectorAll(".bench [data-part]")].filter((node) => {
  const was = node.hidden;
  node.hidden = true;
  const { display, visibility } = getComputedStyle(node);
  node.hidden = was;
  return display !== "none" && visibility !== "hidden";
}).map((node) => node.dataset.part)"""


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_no_rule_of_a_part_shows_it_where_it_is_hidden(page: Any, width: int) -> None:
    """A tool that a task does not offer is hidden; a rule of its own must not bring it back."""
    page.set_viewport_size({"width": width, "height": 844})
    page.set_content(f"<style>{BENCH_CSS}</style>{BENCH_HTML}")
    assert page.evaluate(HIDDEN) == []
