// The codes with their keys, and the unit that they are given to.
const palettePart = (part, toggle) => {
  let shown = "";
  let described = null;
  const keys = new Map();

  // The codes fade out at their lower edge for as long as there are more of them further down.
  const goesOn = () => mark(part.layers, "data-more", part.layers.scrollHeight - part.layers.scrollTop - part.layers.clientHeight > 2);
  part.layers.onscroll = goesOn;
  new ResizeObserver(goesOn).observe(part.layers);

  const describe = (code) => {
    described = code;
    const line = (word, text) => (text ? [el("p", {}, el("b", {}, word), ` ${text}`)] : []);
    part.define.replaceChildren(
      ...(code
        ? [el("p", {}, chip(code), code.definition ? ` ${code.definition}` : ""), ...line("Use when:", code.use), ...line("Not when:", code.not), ...line("For example:", code.example)]
        : [el("p", { class: "soft" }, "Point at a code, or give one, to read what it means.")]),
    );
    part.define.scrollTop = 0;
  };

  const draw = (data, given, open) => {
    const wanted = `${data.session}/${data.book.version}`;
    if (shown !== wanted) {
      shown = wanted;
      keys.clear();
      part.layers.replaceChildren(...data.book.layers.map(({ name, codes }) => el("fieldset", {}, el("legend", {}, name),
        ...codes.map((code) => {
          const button = el("button", { type: "button", "data-code": code.id, title: code.name, onclick: () => toggle(code) },
            el("kbd", {}, code.key || "\u00a0"), swatch(code.colour), el("span", {}, code.name));
          button.onpointerenter = button.onfocus = () => describe(code);
          keys.set(code.id, button);
          return button;
        }))));
      describe(null);
      goesOn();
    }
    for (const [id, button] of keys) {
      const one = given.find((code) => code.id === id);
      mark(button, "aria-pressed", Boolean(one));
      mark(button, "data-pending", Boolean(one?.pending));
      if (button.disabled === open) button.disabled = !open;
    }
  };
  return { draw, describe, described: () => described };
};

// What is coded: its words in full, the model's answer on either side, and what others gave it where that may be seen.
const unitPart = (part, take) => {
  let shown = "";
  return (data, unit, others) => {
    const wanted = JSON.stringify([unit?.id, others, data.mode]);
    if (shown === wanted) return;
    shown = wanted;
    part.unit.hidden = !unit;
    if (!unit) return;
    say(part.when, [unit.time, KINDS[unit.kind], unit.task ? `task ${unit.task}` : "", unit.seq ? `row ${unit.seq}` : ""].filter(Boolean).join(" \u00b7 "));
    say(part.words, unit.words ?? "");
    say(part.said, unit.said ?? "");
    part.said.hidden = !unit.said;
    say(part.turn, unit.before ? `The model said ${unit.before}, then ${unit.after}.` : "");
    part.turn.hidden = !unit.before;
    part.others.replaceChildren(...others.map(({ name, codes, ids }) => el("div", { class: "other" },
      el("span", { class: "by" }, name),
      el("span", { class: "codes" }, ...(codes.length ? codes.map((code) => chip(code)) : [el("span", { class: "chip none" }, "no code")])),
      ...(data.mode === "consensus" ? [el("button", { type: "button", "aria-label": `Agree on the codes of ${name}`, onclick: () => take(ids) }, "Agree on these")] : []))));
  };
};
