// The components as a list to steer by, or as a waterfall: every step from 0 to the lead, in figures that add up.
const LAYOUTS = [
  ["list", () => w("waterfall.list"), () => w("waterfall.list_title")],
  ["waterfall", () => w("waterfall.waterfall"), () => w("waterfall.waterfall_title")],
];
const STEP_WORDS = {
  constant: () => term("constant", w("waterfall.constant")),
  bias: () => term("bias", w("waterfall.bias")),
  zero: () => term("zero", w("waterfall.zero")),
  error: () => term("error", w("waterfall.error")),
  gap: () => term("gap", w("waterfall.gap")),
  other: ({ count }) => term("rest", w("waterfall.other", { count })),
};

// Round numbers on the way from `low` to `high`, seven at most.
const ticksOf = (low, high) => {
  const rough = (high - low) / 7;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * size).find((each) => each >= rough);
  const first = Math.ceil(low / step);
  const ticks = Array.from({ length: Math.floor(high / step) - first + 1 }, (_, at) => (first + at) * step);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
};

const layoutsPart = (part, view) => {
  const buttons = LAYOUTS.map(([layout, name, title]) =>
    el("button", { type: "button", role: "radio", title: title(), onclick: () => view.lay(layout) }, name()));
  part.layouts.replaceChildren(...buttons);
  part.layouts.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = (LAYOUTS.findIndex(([layout]) => layout === view.now.layout) + step + LAYOUTS.length) % LAYOUTS.length;
    view.lay(LAYOUTS[at][0]);
    buttons[at].focus();
  };
  return (data, searching) => {
    part.layouts.hidden = !data.tools.includes("waterfall");
    part.layouts.inert = searching || view.still;
    mark(part.layouts, "data-away", searching);
    LAYOUTS.forEach(([layout], at) => {
      mark(buttons[at], "aria-checked", layout === view.now.layout);
      buttons[at].tabIndex = layout === view.now.layout ? 0 : -1;
    });
  };
};

const waterfallPart = (part, view) => {
  const readout = el("span", { class: "readout", role: "status", "aria-live": "polite" });
  const scale = el("span", { class: "scale", "aria-hidden": "true" });
  const ends = el("span", { class: "ends", "aria-hidden": "true" });
  const head = el("div", { class: "fall-head" }, readout, el("span", { class: "lanes" }, ends, scale), el("span", { class: "numbers" }, term("logits", w("steer.logits"))));
  const steps = el("ol", { class: "steps" });
  part.waterfall.replaceChildren(head, steps);
  const known = new Map(); // by edition
  let asked = null;
  let failed = false;
  let drawn = null;

  const ask = (data) => {
    const edition = data.cards;
    if (asked === edition) return;
    asked = edition;
    failed = false;
    const where = new URL(data.replayed ? data.replayed.replace(/ripple$/, "waterfall") : "api/waterfall", document.baseURI);
    if (!data.replayed) where.search = new URLSearchParams({ s: new URLSearchParams(location.search).get("s") ?? "", edition });
    fetch(where)
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
      .then((found) => known.set(edition, found))
      .catch(() => (failed = true))
      .finally(() => view.redraw());
  };

  const rest = () => say(readout, w("waterfall.heading"));
  const tell = (words) => () => say(readout, words);

  // `printed` is the sum so far as it is printed, in hundredths, so that the words add up as the column does.
  const stepOf = (bar, from, printed, place, data) => {
    const to = from + bar.value;
    const final = bar.kind === "margin";
    const name = final ? w("waterfall.margin", { target: quoted(data.target), against: quoted(data.against) }) : bar.name;
    const called = bar.kind === "component" ? `${bar.name} #${bar.component}` : name ?? STEP_WORDS[bar.kind](bar).textContent;
    const words = w("waterfall.step", { name: called, value: signed(bar.printed / 100), from: signed(printed / 100), to: signed((printed + bar.printed) / 100) });
    const body = el("i", { class: "fall", "data-side": bar.value < 0 ? "against" : "target" });
    const [left, right] = [place(Math.min(from, to)), place(Math.max(from, to))];
    body.style.left = `${left}%`;
    body.style.width = `${right - left}%`;
    const lane = el("span", { class: "lane", "aria-hidden": "true" }, body);
    if (!final) {
      const link = el("i", { class: "link" });
      link.style.left = `${place(to)}%`;
      lane.append(link);
    }
    const value = el("span", { class: "figure" }, signed(bar.printed / 100));
    const what = bar.kind === "component"
      ? el("button", { type: "button", class: "what", "aria-label": words, tabindex: "-1", onclick: () => view.choose(bar.component), onpointerenter: () => view.foresee(bar.component) }, el("span", {}, bar.name, " ", el("small", {}, `#${bar.component}`)))
      : el("span", { class: "what" }, final ? el("b", {}, name) : STEP_WORDS[bar.kind](bar));
    const key = what.matches("button") ? what : what.querySelector("button");
    if (key) {
      key.tabIndex = -1;
      key.setAttribute("aria-label", words);
      key.onfocus = tell(words);
    }
    const root = el("li", { class: "step", "data-kind": bar.kind, "data-component": bar.component, onpointerenter: tell(words), onpointerleave: rest }, what, lane, value);
    if (bar.kind === "component") root.onclick = ({ target }) => what.contains(target) || view.choose(bar.component);
    return root;
  };

  const build = (found) => {
    const bars = [...found.bars, { kind: "margin", value: found.margin, printed: found.printed }];
    const summed = (what) => found.bars.reduce((all, bar) => [...all, all.at(-1) + bar[what]], [0]);
    const [sums, figures] = [summed("value"), summed("printed")];
    const [low, high] = [Math.min(...sums, found.margin), Math.max(...sums, found.margin)];
    const room = 0.03 * (high - low || 1);
    const place = (value) => (100 * (value - low + room)) / (high - low + 2 * room);
    const { ticks, digits } = ticksOf(low - room, high + room);
    scale.replaceChildren(...ticks.map((tick) => {
      const at = el("i", {}, Math.abs(tick) < 1e-9 ? "0" : signed(tick, digits));
      at.style.left = `${place(tick)}%`;
      return at;
    }));
    ends.replaceChildren(el("b", { "data-side": "against" }, `\u2190 ${found.against}`), el("b", { "data-side": "target" }, `${found.target} \u2192`));
    steps.style.setProperty("--zero", `${place(0)}%`);
    steps.replaceChildren(...bars.map((bar, at) => (bar.kind === "margin" ? stepOf(bar, 0, 0, place, found) : stepOf(bar, sums[at], figures[at], place, found))));
    const first = steps.querySelector("button");
    if (first) first.tabIndex = 0;
    rest();
  };

  steps.onkeydown = (event) => {
    const to = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!to) return;
    event.preventDefault();
    const all = [...steps.querySelectorAll("button")];
    const next = all[clamp(all.indexOf(event.target) + to, 0, all.length - 1)];
    for (const each of all) each.tabIndex = each === next ? 0 : -1;
    next.focus();
  };
  steps.onfocusout = rest;

  // What is below it: what its sum is worth as an explanation.
  const foot = (found) => (found.explained === null ? w("waterfall.integrated") : w("waterfall.exact", { share: percent(found.explained) }));

  return (data, on) => {
    part.waterfall.hidden = !on;
    if (!on) {
      if (failed) [asked, failed] = [null, false]; // whoever comes back asks again
      return;
    }
    const found = known.get(data.cards);
    mark(part.waterfall, "aria-busy", !found && !failed);
    if (!found) {
      ask(data);
      if (!drawn || failed) say(readout, w(failed ? "waterfall.failed" : "waterfall.waiting"));
      return;
    }
    if (drawn !== found) build((drawn = found));
    for (const step of steps.children) mark(step, "data-chosen", step.dataset.component === String(view.now.chosen));
    if (data.explains) say(part.outside, foot(found));
    part.outside.title = "";
  };
};
