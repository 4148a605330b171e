// The ranked components: who they are, how much each pushed (estimated and measured), and the hand on each.
const PREVIEW_MS = 400;

const componentsPart = (part, act, view, hand) => {
  const rows = new Map();
  const fit = wholeRows(part.rows, part.rows_below);
  // Each arrow key is a change of its own to the browser; to the log, a run of them on one slider is one edit.
  let turned = null;
  let rest = null;

  let preview = null;
  const commit = (row) => {
    clearTimeout(rest);
    clearTimeout(preview);
    turned = null;
    hand.commit(row.component, strengthIn(row), "slider", row.hold);
  };
  const strengthIn = (row) => row.hold.dial.strength(Number(row.slide.value));
  const finish = () => turned && commit(turned);
  const turn = (row) => {
    clearTimeout(rest);
    turned = row;
    rest = setTimeout(finish, KEYS_REST_MS);
  };

  const rowOf = (component) => {
    const { index } = component;
    const set = (strength) => hand.scale(row.component, strength);
    const row = { index, component };
    row.thumbs = el("span", { class: "thumbs", "aria-hidden": "true" });
    row.name = el("span", { class: "name" });
    row.sub = el("span", { class: "sub" });
    row.pick = el("button", { type: "button", class: "pick", onclick: () => view.choose(index), onpointerenter: () => view.foresee(index), onfocus: () => view.foresee(index) },
      row.thumbs, el("span", { class: "who" }, row.name, row.sub));
    row.guess = el("i", { class: "guess" });
    row.truth = el("i", { class: "truth" });
    row.score = el("span", { class: "score" });
    row.effect = el("span", { class: "effect" });
    row.push = el("span", { class: "lane", role: "img" }, row.guess, row.truth);
    row.numbers = el("span", { class: "numbers" }, row.score, row.effect);
    row.off = el("button", { type: "button", class: "off", onclick: () => set(0) }, w("steer.suppress"));
    row.more = el("button", { type: "button", class: "more", onclick: () => set(2) }, w("steer.amplify"));
    row.back = el("button", { type: "button", class: "back", onclick: () => set(1) }, w("steer.reset"));
    row.slide = el("input", { type: "range", min: 0, max: MOST, step: FACTOR_STEP, class: "slide" });
    row.slide.oninput = () => {
      show(row, strengthIn(row));
      hand.follow(row.component, strengthIn(row));
      clearTimeout(preview);
      // Where the hand rests on its way is worth a row; nothing is computed and nothing on the screen waits for it.
      if (row.held) preview = setTimeout(() => row.held && act({ kind: "preview", ...hand.message(row.component, row.hold, strengthIn(row)) }), PREVIEW_MS);
    };
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
    const { op, unit, dial } = row.hold;
    const said = amountOf({ op, strength, unit });
    say(row.read, said);
    lightDial(row.slide, dial, strength);
    mark(row.slide, "aria-valuetext", op !== "scale" ? w(op === "set" ? "hand.set_is" : "hand.add_is", { amount: said }) : strength === 0 ? w("steer.suppressed") : w("steer.strength_is", { strength: figure(strength) }));
  };

  const steps = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const pick = event.target.closest?.(".pick");
    if (!step || !pick) return;
    event.preventDefault();
    const all = [...part.rows.querySelectorAll(".pick"), ...part.guest.querySelectorAll(".pick")];
    all[clamp(all.indexOf(pick) + step, 0, all.length - 1)].focus();
  };
  part.rows.onkeydown = part.guest.onkeydown = steps;

  return (data, listed, guest) => {
    const wanted = listed.map(({ index }) => index).join(" ");
    let another = false;
    if (part.rows.dataset.order !== wanted) {
      rows.clear();
      part.guest.dataset.component = "";
      part.guest.replaceChildren();
      part.rows.replaceChildren(...listed.map((component) => rowOf(component).root));
      part.rows.dataset.order = wanted;
      part.rows.scrollTop = 0; // another list is read from its first row
      another = true;
    }
    // One that was opened from elsewhere stands below the list, so that it can be steered as those in it.
    if (part.guest.dataset.component !== String(guest?.index ?? "")) {
      part.guest.dataset.component = guest?.index ?? "";
      part.guest.replaceChildren(...(guest ? [(rows.get(guest.index) ?? rowOf(guest)).root] : []));
    }
    const all = guest ? [...listed, guest] : listed;
    const reach = Math.max(...[...data.components, ...all].map(({ score, effect }) => Math.max(Math.abs(score), Math.abs(effect))), 1e-6);
    const lay = (bar, value) => {
      const width = (50 * Math.abs(value)) / reach;
      bar.style.left = `${value < 0 ? 50 - width : 50}%`;
      bar.style.width = `${width}%`;
      mark(bar, "data-side", value < 0 ? "against" : "target");
    };
    for (const component of all) {
      const row = rows.get(component.index);
      if (!row.thumbs.childElementCount) {
        row.thumbs.replaceChildren(...component.exemplars.top.slice(0, 3).map((src) => el("img", { src, alt: "" })));
      }
      say(row.name, component.name);
      say(row.sub, `#${component.index} \u00b7 ${w("steer.code", { code: fixed(component.activation) })}`);
      lay(row.guess, component.score);
      lay(row.truth, component.effect);
      say(row.effect, signed(component.effect));
      say(row.score, signed(component.score));
      mark(row.push, "aria-label", w("steer.lane", { attribution: signed(component.score), effect: signed(component.effect), label: component.score < 0 ? data.against : data.target }));
      const named = `${component.name} #${component.index}`;
      row.component = component;
      const waiting = view.pending(component.index);
      const held = view.held();
      const at = hand.of(component);
      if (!row.held && row !== turned) {
        row.hold = at;
        layDial(row.slide, at.dial, at.strength);
        show(row, at.strength);
        // The dial may be set to another operation; what the row says is what is in force.
        if (at.stands && at.stands.op !== at.op) say(row.read, amountOf(at.stands));
        if (!at.stands && data.muted.some((edit) => edit.index === component.index)) say(row.read, w("plan.muted"));
      }
      const factor = at.stands === null ? 1 : at.stands.op === "scale" ? at.stands.strength : null;
      const silent = held ? "" : hand.silent(component);
      row.off.hidden = !data.tools.includes("suppress");
      row.more.hidden = !data.tools.includes("amplify");
      const why = held ? view.hold() : at.why;
      row.slide.disabled = Boolean(why);
      row.slide.title = why;
      row.off.disabled = row.more.disabled = held || Boolean(silent);
      row.off.title = row.more.title = silent;
      row.hand.title = held ? why : "";
      for (const one of [row.slide, row.off, row.more]) mark(one, "aria-description", one === row.slide ? why : silent);
      mark(row.off, "aria-pressed", factor === 0);
      mark(row.more, "aria-pressed", factor === 2);
      row.back.disabled = at.stands === null || held;
      mark(row.hand, "data-op", at.op);
      mark(row.hand, "data-waiting", waiting !== null);
      mark(row.hand, "aria-label", w("steer.one", { name: named }));
      mark(row.root, "data-edited", at.stands !== null);
      mark(row.root, "data-chosen", component.index === view.now.chosen);
      mark(row.pick, "aria-pressed", component.index === view.now.chosen);
      mark(row.slide, "aria-label", w("steer.strength", { name: named }));
      mark(row.off, "aria-label", w("steer.suppress_one", { name: named }));
      mark(row.more, "aria-label", w("steer.amplify_one", { name: named }));
      mark(row.back, "aria-label", w("steer.reset_one", { name: named }));
    }
    const { agreement, axis } = part;
    const { outside } = data;
    // Act x gradient is no share of the prediction, so that its figure is not printed as one.
    const [share, error] = [percent(data.explained ?? 0), signed(outside.error)];
    const why = data.explanation !== "exact" ? w("steer.misses", { error })
      : data.explained < 0.7 ? w("steer.carries", { share })
      : w("steer.outweighs", { error, share });
    const trust = term("agreement", w("steer.agreement", { value: number(data.agreement) }));
    if (agreement.textContent !== trust.textContent) agreement.replaceChildren(trust);
    const told = data.explains
      ? [w("steer.outside", { components: outside.components, score: signed(outside.score), error: signed(outside.error), rest: signed(outside.rest) })]
      : [term("explained", w("steer.unexplained")), ` ${why}`];
    if (part.outside.textContent !== el("p", {}, ...told).textContent) part.outside.replaceChildren(...told);
    mark(part.outside, "data-warn", !data.explains);
    part.outside.title = data.explains ? w("steer.outside_title") : "";
    if (axis.dataset.pair !== `${data.target}/${data.against}`) {
      axis.dataset.pair = `${data.target}/${data.against}`;
      axis.replaceChildren(
        el("span", {}, w("steer.component_and"), term("code", w("steer.code_word"))),
        el("span", { class: "ends" }, el("b", { "data-side": "against" }, `\u2190 ${data.against}`), el("b", { "data-side": "target" }, `${data.target} \u2192`)),
        el("span", { class: "numbers" }, term("logits", w("steer.logits"))),
        el("span", {}, w("steer.heading")),
      );
    }
    if (another) fit();
  };
};
