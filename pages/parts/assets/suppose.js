// What the model would have said under another strength, or under a sham; asked of the model, shown, and kept nowhere.
const MOST_TIMES = 3;

const supposePart = (part, base) => {
  let moment = null;
  let seed = 0;
  let waiting = null;
  let rest = null;
  const pick = el("select", { "aria-label": "Component" });
  const slide = el("input", { type: "range", min: 0, max: MOST_TIMES, step: 0.1, value: 1, "aria-label": "Strength" });
  const read = el("output");
  const random = el("button", { type: "button" }, "Random sham");
  const flipped = el("button", { type: "button" }, "Flipped sham");
  const result = el("div", { class: "result", role: "status" });
  const lead = el("p", { class: "lead" });
  const form = el("div", { class: "wish" },
    el("label", {}, "Component", pick), el("label", {}, "Strength", el("span", { class: "knob" }, slide, read)),
    el("div", { class: "shams" }, random, flipped));
  const meaning = el("p", { class: "small" }, "A sham is as large as the plan and something else: another component, active here and about as strong, taken away; or the plan turned round. If a sham does the same, the choice of components explains nothing.");
  part.if.replaceChildren(lead, form, result, meaning);

  const ask = (what) => {
    waiting?.abort();
    waiting = new AbortController();
    mark(result, "data-stale", true);
    const where = new URL(`${base}/${moment.row.seq}/suppose`, document.baseURI);
    where.search = new URLSearchParams(what);
    fetch(where, { signal: waiting.signal, cache: "no-store" })
      .then((answer) => answer.json())
      .then((found) => (found.refused ? result.replaceChildren(el("p", {}, found.refused)) : fill(found)))
      .catch((error) => error?.name === "AbortError" || result.replaceChildren(el("p", {}, "That could not be asked; try again.")))
      .finally(() => mark(result, "data-stale", false));
  };

  const fill = ({ what, classes, logged, now }) => {
    const changed = logged.top !== now.top;
    result.replaceChildren(
      el("p", { class: "flag" }, "Counterfactual", el("span", {}, "not on record")),
      el("p", { class: "what" }, `If: ${what}.`),
      el("p", { class: "came" }, `${quoted(logged.top)} ${percent(logged.share)} was on the screen; it would have been `, el("b", {}, `${quoted(now.top)} ${percent(now.share)}`), changed ? "." : " still."),
      el("div", { class: "supposed" }, el("div", { class: "keyline", "aria-hidden": "true" }, el("i", { class: "was" }), "logged", el("i", { class: "now" }), "supposed"),
        ...classes.map(({ label, logged: was, now: is }) => {
          const [tick, bar] = [el("i", { class: "was" }), el("i", { class: "now" })];
          tick.style.left = `${100 * was}%`;
          bar.style.width = `${100 * is}%`;
          return el("div", { role: "img", "aria-label": `${label}: ${percent(was)} logged, ${percent(is)} supposed` }, el("span", {}, label), el("span", { class: "track" }, tick, bar), el("span", {}, percent(was)), el("b", {}, percent(is)));
        })),
      el("p", { class: "small" }, `Edit size ${(100 * logged.size).toFixed(1)}% of the activation as logged, ${(100 * now.size).toFixed(1)}% supposed.`),
    );
  };

  const factorOf = (edit) => (edit?.op === "scale" ? edit.strength : 1);
  const chosen = () => moment.board.components.find(({ index }) => index === Number(pick.value));
  const show = () => say(read, times(Number(slide.value)));
  pick.onchange = () => {
    slide.value = chosen()?.strength ?? 1;
    show();
  };
  slide.oninput = () => {
    show();
    clearTimeout(rest);
    rest = setTimeout(() => ask({ component: pick.value, strength: slide.value }), 60);
  };
  random.onclick = () => {
    ask({ control: "random", seed: String(seed++) });
    say(random, "Draw another");
  };
  flipped.onclick = () => ask({ control: "flipped" });

  return (fresh) => {
    const same = moment && fresh.board && moment.board?.state === fresh.board.state;
    moment = fresh;
    const there = Boolean(fresh.board);
    form.hidden = meaning.hidden = !there;
    say(lead, there ? "" : "Go to a moment in the workspace to ask what the model would have said.");
    lead.hidden = there;
    if (!there) result.replaceChildren();
    if (!there || same) return;
    result.replaceChildren();
    seed = 0;
    say(random, "Random sham");
    const edited = new Set(fresh.board.edits.map(({ index }) => index));
    const option = ({ index, name }) => el("option", { value: index }, `${name} #${index}`);
    const kept = pick.value;
    const others = fresh.board.components.filter(({ index }) => !edited.has(index));
    pick.replaceChildren(...(edited.size ? [el("optgroup", { label: "In the plan" }, ...fresh.board.edits.map(option))] : []),
      el("optgroup", { label: edited.size ? "Not in the plan" : "Components" }, ...others.map(option)));
    if ([...pick.options].some(({ value }) => value === kept)) pick.value = kept;
    slide.value = chosen()?.strength ?? factorOf(fresh.board.edits.find(({ index }) => index === Number(pick.value)));
    random.disabled = flipped.disabled = !edited.size;
    show();
  };
};
