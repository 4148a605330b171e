// The ranked components: who they are, how much each pushed (estimated and measured), and the hand on each.
const MOST = 3;
const KEYS_REST_MS = 350;

const componentsPart = (part, act, view, outbox) => {
  const rows = new Map();
  // Each arrow key is a change of its own to the browser; to the log, a run of them on one slider is one edit.
  let turned = null;
  let rest = null;

  const commit = (row) => {
    clearTimeout(rest);
    turned = null;
    act({ kind: "edit", component: row.index, strength: Number(row.slide.value), control: "slider" });
  };
  const finish = () => turned && commit(turned);
  const turn = (row) => {
    clearTimeout(rest);
    turned = row;
    rest = setTimeout(finish, KEYS_REST_MS);
  };

  const rowOf = (component) => {
    const { index } = component;
    const set = (strength) => act({ kind: "edit", component: index, strength });
    const row = { index };
    row.thumbs = el("span", { class: "thumbs", "aria-hidden": "true" });
    row.name = el("span", { class: "name" });
    row.sub = el("span", { class: "sub" });
    row.pick = el("button", { type: "button", class: "pick", onclick: () => view.choose(index) },
      row.thumbs, el("span", { class: "who" }, row.name, row.sub));
    row.guess = el("i", { class: "guess" });
    row.truth = el("i", { class: "truth" });
    row.score = el("span", { class: "score" });
    row.effect = el("span", { class: "effect" });
    row.push = el("span", { class: "lane", role: "img" }, row.guess, row.truth);
    row.numbers = el("span", { class: "numbers" }, row.score, row.effect);
    row.off = el("button", { type: "button", class: "off", onclick: () => set(0) }, "Suppress");
    row.more = el("button", { type: "button", class: "more", onclick: () => set(2) }, "Amplify");
    row.back = el("button", { type: "button", class: "back", onclick: () => set(1) }, "Reset");
    row.slide = el("input", { type: "range", min: 0, max: MOST, step: 0.1, class: "slide" });
    row.slide.oninput = () => show(row, Number(row.slide.value));
    row.slide.onchange = () => (row.keyed ? turn(row) : commit(row));
    row.slide.onkeydown = (event) => {
      row.keyed = true;
      // An undo takes back what is shown, so that has to be written first.
      if (event.ctrlKey || event.metaKey) finish();
    };
    row.slide.onblur = finish;
    row.slide.onpointerdown = () => {
      finish();
      row.keyed = false;
      row.held = true;
    };
    row.slide.onpointerup = row.slide.onpointercancel = () => (row.held = false);
    row.read = el("output", { class: "read" });
    row.hand = el("span", { class: "hand", role: "group" }, el("span", { class: "keys" }, row.off, row.more, row.back),
      el("span", { class: "dial" }, row.slide, row.read));
    row.root = el("li", { class: "row", "data-component": index }, row.pick, row.push, row.numbers, row.hand);
    row.pick.inert = row.hand.inert = view.still;
    rows.set(index, row);
    return row;
  };

  const show = (row, strength) => {
    say(row.read, times(strength));
    row.slide.style.setProperty("--at", `${(100 * strength) / MOST}%`);
    mark(row.slide, "aria-valuetext", strength === 0 ? "suppressed" : `${strength} times its own activity`);
  };

  part.rows.onkeydown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const pick = event.target.closest?.(".pick");
    if (!step || !pick) return;
    event.preventDefault();
    const all = [...part.rows.querySelectorAll(".pick")];
    all[clamp(all.indexOf(pick) + step, 0, all.length - 1)].focus();
  };

  return (data) => {
    const wanted = data.components.map(({ index }) => index).join(" ");
    if (part.rows.dataset.order !== wanted) {
      rows.clear();
      part.rows.replaceChildren(...data.components.map((component) => rowOf(component).root));
      part.rows.dataset.order = wanted;
    }
    const reach = Math.max(...data.components.map(({ score, effect }) => Math.max(Math.abs(score), Math.abs(effect))), 1e-6);
    const lay = (bar, value) => {
      const width = (50 * Math.abs(value)) / reach;
      bar.style.left = `${value < 0 ? 50 - width : 50}%`;
      bar.style.width = `${width}%`;
      mark(bar, "data-side", value < 0 ? "against" : "target");
    };
    for (const component of data.components) {
      const row = rows.get(component.index);
      if (!row.thumbs.childElementCount) {
        row.thumbs.replaceChildren(...component.exemplars.top.slice(0, 3).map((src) => el("img", { src, alt: "" })));
      }
      say(row.name, component.name);
      say(row.sub, `#${component.index} \u00b7 code ${component.activation.toFixed(2)}`);
      lay(row.guess, component.score);
      lay(row.truth, component.effect);
      say(row.effect, signed(component.effect));
      say(row.score, signed(component.score));
      mark(row.push, "aria-label", `attribution ${signed(component.score)}, effect ${signed(component.effect)} logits, towards ${component.score < 0 ? data.against : data.target}`);
      const named = `${component.name} #${component.index}`;
      const waiting = outbox.pending(component.index);
      const strength = waiting ?? component.strength;
      if (!row.held && row !== turned) {
        if (Number(row.slide.value) !== clamp(strength, 0, MOST)) row.slide.value = strength;
        show(row, strength);
      }
      row.off.hidden = !data.tools.includes("suppress");
      row.more.hidden = !data.tools.includes("amplify");
      row.slide.disabled = row.off.hidden || row.more.hidden;
      mark(row.off, "aria-pressed", strength === 0);
      mark(row.more, "aria-pressed", strength === 2);
      row.back.disabled = strength === 1;
      mark(row.hand, "data-waiting", waiting !== null);
      mark(row.hand, "aria-label", `Steer ${named}`);
      mark(row.root, "data-edited", strength !== 1);
      mark(row.root, "data-chosen", component.index === view.now.chosen);
      mark(row.pick, "aria-pressed", component.index === view.now.chosen);
      mark(row.slide, "aria-label", `Strength of ${named}`);
      mark(row.off, "aria-label", `Suppress ${named}`);
      mark(row.more, "aria-label", `Amplify ${named}`);
      mark(row.back, "aria-label", `Reset ${named}`);
    }
    const { reading, agreement, axis } = part;
    const { outside } = data;
    say(part.outside, `Not listed: ${outside.components} weaker components ${signed(outside.score)}, what the dictionary misses ${signed(outside.error)} logits.`);
    part.outside.title = "Attribution of all other active components together, and of the dictionary's reconstruction error, which every edit keeps.";
    if (axis.dataset.pair !== `${data.target}/${data.against}`) {
      axis.dataset.pair = `${data.target}/${data.against}`;
      reading.replaceChildren("Bold: ", el("span", { class: "kept" }, term("attribution"), ","), ` how much it holds up the lead of ${quoted(data.target)} over ${quoted(data.against)}. Thin: `,
        el("span", { class: "kept" }, term("effect"), ","), " what that lead loses when it is removed.");
      agreement.replaceChildren(data.explains
        ? term("agreement", `rank agreement ${number(data.agreement)}`)
        : term("explained", `these components explain only ${percent(data.explained)}`));
      mark(agreement, "data-warn", !data.explains);
      axis.replaceChildren(
        el("span", {}, "Component and its ", term("code")),
        el("span", { class: "ends" }, el("b", { "data-side": "against" }, `\u2190 ${data.against}`), el("b", { "data-side": "target" }, `${data.target} \u2192`)),
        el("span", { class: "numbers" }, term("logits")),
        el("span", {}, "Steer"),
      );
    }
  };
};
