// The list of units: rows are made once for a session, and only what has changed of a row is written again.
const KINDS = { intervention: "did", utterance: "said", answer: "answered" };

const swatch = (colour) => el("i", { style: `background:${colour}` });
const chip = (code, more = {}) => el("span", { class: "chip", ...more }, swatch(code.colour), code.name);

const unitsPart = (part, choose) => {
  let rows = new Map();
  let session = null;

  const make = (unit) => {
    const head = el("span", { class: "what" });
    if (unit.kind === "intervention") head.append(el("b", {}, unit.words ?? ""));
    else head.append(el("small", {}, unit.words ?? ""), el("q", {}, unit.said ?? ""));
    const turned = unit.before && unit.before.replace(/ [^ ]*$/, "") !== unit.after.replace(/ [^ ]*$/, "");
    const answer = unit.before
      ? el("span", { class: "answer", "data-turned": turned ? "true" : "false" }, el("span", {}, unit.before), el("span", { "aria-hidden": "true" }, "\u2192"), el("span", {}, unit.after))
      : el("span", { class: "answer" });
    const codes = el("span", { class: "codes" });
    const root = el("li", { id: `unit-${unit.id}`, role: "option", "data-kind": unit.kind, onclick: () => choose(unit.id) },
      el("span", { class: "time" }, unit.time), head, answer, codes);
    return { root, codes, answer, shown: "" };
  };

  // `looks` gives what a row shows: its codes, a memo, whether it is for this coder and whether it passes the filter.
  return (data, current, looks) => {
    if (session !== data.session + data.mode || rows.size !== data.units.length) {
      session = data.session + data.mode;
      rows = new Map(data.units.map((unit) => [unit.id, make(unit)]));
      let task = null;
      const parts = [];
      for (const unit of data.units) {
        if (unit.task && unit.task !== task) parts.push(el("li", { class: "task", role: "presentation" }, `Task ${(task = unit.task)}`));
        parts.push(rows.get(unit.id).root);
      }
      part.rows.replaceChildren(...parts);
    }
    for (const unit of data.units) {
      const row = rows.get(unit.id);
      const look = looks(unit);
      mark(row.root, "aria-selected", unit.id === current);
      if (row.root.hidden === look.shown) row.root.hidden = !look.shown;
      const wanted = JSON.stringify([look.codes, look.rules, look.memo, look.mine, look.decided, look.given]);
      if (row.shown === wanted) continue;
      row.shown = wanted;
      mark(row.root, "data-mine", look.mine);
      if (look.given) row.answer.replaceChildren(...look.given.map(({ name, codes }) => el("span", { class: "gave" }, el("b", {}, name), el("span", { class: "codes" }, ...(codes.length ? codes.map((code) => chip(code)) : ["no code"])))));
      row.codes.replaceChildren(
        ...look.codes.map((code) => chip(code, { "data-pending": code.pending })),
        ...(look.decided && !look.codes.length ? [el("span", { class: "chip none" }, "no code")] : []),
        ...look.rules.map((code) => chip(code, { class: "chip rule", title: "given by the rules" })),
        ...(look.memo ? [el("span", { class: "noted", title: look.memo, "aria-label": "has a memo" }, "\u270e")] : []),
      );
    }
    for (const head of part.rows.querySelectorAll(".task")) {
      let next = head.nextElementSibling;
      while (next && next.hidden) next = next.nextElementSibling;
      head.hidden = !next || next.classList.contains("task");
    }
    part.rows.setAttribute("aria-activedescendant", current ? `unit-${current}` : "");
  };
};
