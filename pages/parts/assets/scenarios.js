// Plans kept under names, over the list of components: saved, brought back, renamed, deleted, and two of them side by
// side with the model untouched. What they do to other pictures is asked for once the list is open.
const ASKED_MS = 150;

const scenariosPart = (part, bench, act, view) => {
  const causes = bench.querySelector(".causes");
  const field = el("input", { type: "text", maxlength: 60, "aria-label": w("scenarios.name") });
  const save = el("button", { type: "submit", class: "go" }, w("scenarios.save"));
  const why = el("small", { role: "status" });
  const form = el("form", { class: "naming" }, field, save, why);
  const list = el("ul", { class: "kept-list" });
  const picks = [w("scenarios.a"), w("scenarios.b")].map((side) => el("select", { "aria-label": side }));
  const table = el("table", { class: "beside-table" });
  const leave = el("button", { type: "button", class: "leave-shelf", "aria-label": w("scenarios.close"), title: w("scenarios.close_title") }, "\u00d7");
  part.shelf.replaceChildren(el("div", { class: "head" }, el("h3", {}, w("scenarios.heading")), leave), form, list,
    el("h4", {}, w("scenarios.compare")), el("div", { class: "beside-scroll" }, table));
  const known = new Map(); // ripples, by the state that they are of
  let latest = null;
  let shown = null; // whether it is open; null until the log has said
  let pair = null;
  let waiting = null;
  let told = "";
  let resting = null;
  const away = () => {
    clearTimeout(resting?.timer);
    resting = null;
  };

  const titled = ({ id, title }) => (id === "original" ? w("scenarios.original") : id === "standing" ? w("scenarios.standing") : title);
  const kept = () => latest.scenarios.states.slice(2);
  const stateOf = (id) => latest.scenarios.states.find((one) => one.id === id);
  const edits = ({ edits: all }) => all.length
    ? el("ul", {}, ...all.map(({ index, name, ...edit }) => el("li", {}, el("span", { class: "what", title: name }, name), el("small", {}, [`#${index}`, reachOf(edit)].filter(Boolean).join(" \u00b7 ")), el("b", { title: [verbOf(edit), reachOf(edit)].filter(Boolean).join(", ") }, editOf(edit)))))
    : el("span", { class: "none" }, w("scenarios.no_edit"));

  const turn = (on, focus = true) => {
    shown = on;
    part.shelf.hidden = !on;
    causes.inert = on;
    mark(part.scenarios, "aria-expanded", on);
    if (!on) {
      waiting?.abort();
      away();
    }
    if (!focus || view.still) return;
    if (on) field.focus({ preventScroll: true });
    else part.scenarios.focus();
  };
  part.scenarios.onclick = () => {
    turn(!shown);
    if (shown) draw();
  };
  leave.onclick = () => turn(false);
  part.shelf.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    turn(false);
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    const title = field.value.trim();
    if (save.disabled) return;
    if (!title) return say(why, w("scenarios.nameless"));
    if (kept().some((one) => one.title === title)) return say(why, w("scenarios.taken"));
    act({ kind: "save", title });
    field.dataset.own = "";
  };
  field.oninput = () => (field.dataset.own = "true");

  // A row of the list; renaming happens in its own place.
  const rename = (one, line) => {
    const own = el("input", { type: "text", maxlength: 60, value: one.title, "aria-label": w("scenarios.rename_one", { title: one.title }) });
    const done = (go) => {
      own.onblur = null;
      const title = own.value.trim();
      list.dataset.shown = "";
      own.remove();
      if (go && title && title !== one.title) act({ kind: "rename", scenario: one.id, title });
      draw();
      list.querySelector(`[data-scenario="${one.id}"] .rename`)?.focus();
    };
    own.onkeydown = (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.stopPropagation();
      event.preventDefault();
      done(event.key === "Enter");
    };
    own.onblur = () => done(true);
    line.querySelector(".title").replaceChildren(own);
    own.select();
  };
  const line = (one, held) => {
    const { title } = one;
    const button = (kind, word, label, hint, onclick) => el("button", { type: "button", class: kind, "aria-label": label, title: hint, onclick }, word);
    const recall = button("recall", w("scenarios.recall"), w("scenarios.recall_one", { title }), w("scenarios.recall_title"), () => act({ kind: "recall", scenario: one.id }));
    recall.disabled = held || one.state === stateOf("standing").state;
    const own = el("li", { "data-scenario": one.id });
    own.append(el("span", { class: "title", title }, title), el("span", { class: "said" }, w("scenarios.says", { count: one.edits.length, top: quoted(one.top), share: percent(one.share) })),
      recall, button("rename", w("scenarios.rename"), w("scenarios.rename_one", { title }), w("scenarios.rename_title"), () => rename(one, own)),
      button("delete", "\u00d7", w("scenarios.delete_one", { title }), w("scenarios.delete_title"), () => act({ kind: "delete", scenario: one.id })));
    return own;
  };

  const rippleOf = ({ state, edits: all }) => (all.length ? known.get(state) : { untouched: true });
  const counted = (one, kind, count) => {
    const found = rippleOf(one);
    if (found?.untouched) return "\u2013";
    const set = found?.sets.find((each) => each.kind === kind);
    if (!set) return found?.failed ? w("elsewhere.not_measured") : found ? "\u2013" : w("elsewhere.measuring");
    return set[count].trials ? w("scenarios.of", { hits: set[count].hits, trials: set[count].trials }) : "\u2013";
  };
  const net = (one) => {
    const found = rippleOf(one);
    return found?.net && !found.untouched ? w("elsewhere.net_is", { points: points(found.net.value) }) : "\u2013";
  };

  const fill = () => {
    const { classes, states } = latest.scenarios;
    const columns = ["original", ...pair].map(stateOf);
    const cells = (of) => columns.map((one) => el("td", {}, of(one)));
    const bar = (one, at) => {
      const [is, was] = [el("i", { class: "now" }), el("i", { class: "was" })];
      is.style.width = `${100 * one.shares[at]}%`;
      was.style.left = `${100 * columns[0].shares[at]}%`;
      was.hidden = one.id === "original";
      return el("span", { class: "share-cell", "data-side": sideOf(latest, classes[at]), "data-top": one.top === classes[at] }, el("span", { class: "track" }, is, was), el("span", {}, percent(one.shares[at])));
    };
    const row = (kind, word, of) => el("tr", { class: kind }, el("th", { scope: "row" }, word), ...cells(of));
    const sets = latest.tools.includes("ripple") ? ["similar", "reference"].filter((kind) => columns.some((one) => rippleOf(one)?.sets?.some((set) => set.kind === kind))) : [];
    for (const [at, pick] of picks.entries()) {
      const wanted = states.filter(({ id }) => id !== "original").map((one) => `${one.id} ${titled(one)}`).join("\n");
      if (pick.dataset.shown !== wanted) pick.replaceChildren(...states.slice(1).map((one) => el("option", { value: one.id }, titled(one))));
      pick.dataset.shown = wanted;
      pick.value = pair[at];
      for (const option of pick.options) option.disabled = option.value === pair[1 - at];
    }
    if (!table.tHead) table.append(el("thead", {}, el("tr", {}, el("td"), el("th", { scope: "col" }, w("scenarios.original")), ...picks.map((pick, at) => el("th", { scope: "col" }, el("span", {}, "AB"[at]), pick)))), el("tbody"));
    table.tBodies[0].replaceChildren(
      ...classes.map((label, at) => row("share", label, (one) => bar(one, at))),
      row("margin", w("scenarios.margin", { target: quoted(latest.target), against: quoted(latest.against) }), (one) => w("scenarios.logits", { margin: signed(one.margin) })),
      ...(latest.tools.includes("ripple") ? [row("net", w("elsewhere.net"), net)] : []),
      ...sets.flatMap((kind) => ["fixed", "broken"].map((count) => row("count", `${kind === "similar" ? w("elsewhere.like") : w("elsewhere.others")}: ${w(`elsewhere.${count}`)}`, (one) => counted(one, kind, count)))),
      row("edits", w("scenarios.edits"), edits));
  };

  // One after another, for they share the model with the predictions; what is known is not asked for again.
  const measure = async () => {
    const missing = pair.map(stateOf).filter((one) => one.edits.length && !known.has(one.state));
    if (!latest.tools.includes("ripple") || !missing.length) return;
    waiting?.abort();
    waiting = new AbortController();
    const { signal } = waiting;
    for (const one of missing) {
      const where = new URL(latest.replayed ?? "api/ripple", document.baseURI);
      const query = latest.replayed ? {} : { s: new URLSearchParams(location.search).get("s") ?? "" };
      where.search = new URLSearchParams(one.id === "standing" ? query : { ...query, scenario: one.id });
      let last = null;
      try {
        const answer = await fetch(where, { signal, cache: "no-store" });
        if (!answer.ok || !answer.body) throw new Error(String(answer.status));
        await readLines(answer, (seen) => (last = seen));
        if (!last || last.state !== one.state) throw new Error("it is of another plan");
        known.set(one.state, last);
      } catch (error) {
        if (signal.aborted) return;
        known.set(one.state, { sets: [], failed: true });
      }
      if (shown && pair) fill();
    }
  };

  const choose = (fresh) => {
    const there = (id) => latest.scenarios.states.some((one) => one.id === id);
    if (fresh || !pair || !pair.every(there)) {
      const last = kept().map(({ id }) => id);
      pair = (latest.scenarios.pair && !fresh && latest.scenarios.pair) || (last.length > 1 ? last.slice(-2) : ["standing", last[0] ?? null]);
    }
  };
  // A pair is looked at once the eye has rested on it; what is drawn anew meanwhile does not begin the rest again.
  const look = () => {
    const key = pair.join(" ");
    if (resting?.key === key) return;
    away();
    resting = { key, timer: setTimeout(() => {
      resting = null;
      const [one, other] = pair.map(stateOf);
      if (view.still || told === key || !one || !other || one.state === other.state) return;
      told = key;
      act({ kind: "compare", of: pair[0], against: pair[1] });
    }, ASKED_MS) };
  };
  picks.forEach((pick, at) => {
    pick.onchange = () => {
      pair[at] = pick.value;
      fill();
      look();
      measure();
    };
  });

  const draw = () => {
    const { states, most } = latest.scenarios;
    const held = view.held();
    const off = view.busy() ? view.hold() : !latest.edits.length ? w("scenarios.none") : states.length - 2 >= most ? w("scenarios.most", { most }) : "";
    save.disabled = Boolean(off);
    say(why, off);
    if (!field.dataset.own) field.value = w("scenarios.default", { number: states.length - 1 });
    const wanted = JSON.stringify([kept(), stateOf("standing").state, held]);
    if (list.dataset.shown !== wanted && !list.querySelector("input")) {
      list.dataset.shown = wanted;
      const at = list.getRootNode().activeElement?.closest?.("[data-scenario]")?.dataset.scenario;
      list.replaceChildren(...(kept().length ? kept().map((one) => line(one, held)) : [el("li", { class: "none" }, w("scenarios.empty"))]));
      if (at) (list.querySelector(`[data-scenario="${at}"] button:not(:disabled)`) ?? field).focus({ preventScroll: true });
    }
    const any = kept().length > 0;
    table.hidden = !any;
    part.shelf.querySelector("h4").hidden = !any;
    if (!any) return;
    choose(false);
    fill();
    look();
    measure();
  };

  return (data) => {
    latest = data;
    part.scenarios.hidden = !data.scenarios;
    if (!data.scenarios) return turn(false, false);
    say(part.scenarios, kept().length ? w("scenarios.open_count", { count: kept().length }) : w("scenarios.open"));
    part.scenarios.disabled = Boolean(data.visit);
    mark(part.scenarios, "title", data.visit ? w("scenarios.elsewhere") : w("scenarios.open_title"));
    if (view.still && data.scenarios.pair) pair = data.scenarios.pair;
    const wanted = data.visit ? false : view.still || shown === null ? data.scenarios.open : shown;
    if (wanted !== shown) turn(wanted, false);
    if (!shown) return;
    draw();
  };
};
