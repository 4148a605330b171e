// What is being steered now, and the way back from it.
const planPart = (part, act, view, outbox) => {
  part.undo.onclick = () => act({ kind: "undo" });
  part.redo.onclick = () => act({ kind: "redo" });
  part.reset.onclick = () => act({ kind: "reset" });

  // Held down, by hand or by the space bar, it shows the model without the edits; let go, they are there again.
  const compare = (on) => {
    if (view.compared() === on || (on && part.compare.disabled)) return;
    view.compare(on);
    if (on) act({ kind: "compare" });
  };
  part.compare.onpointerdown = (event) => {
    part.compare.setPointerCapture(event.pointerId);
    compare(true);
  };
  part.compare.onkeydown = (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) compare(true);
  };
  part.compare.onpointerup = part.compare.onpointercancel = part.compare.onkeyup = part.compare.onblur = () => compare(false);
  const share = el("span");
  part.size.replaceChildren(term("size", w("plan.size")), share);

  // The list fades out at its lower edge for as long as there is more of it further down.
  const goesOn = () => mark(part.edits, "data-more", part.edits.scrollHeight - part.edits.scrollTop - part.edits.clientHeight > 1);
  part.edits.onscroll = goesOn;
  new ResizeObserver(goesOn).observe(part.edits);

  return (data) => {
    const wanted = JSON.stringify(data.edits);
    if (part.edits.dataset.shown !== wanted) {
      part.edits.dataset.shown = wanted;
      say(part.heading, data.edits.length ? w("plan.heading_count", { count: data.edits.length }) : w("plan.heading"));
      part.edits.replaceChildren(...(data.edits.length
        ? data.edits.map(({ index, name, ...edit }) => el("li", {},
          el("button", { type: "button", class: "name", title: [name, reachOf(edit)].filter(Boolean).join(", "), onclick: () => view.choose(index) }, el("span", {}, name), el("small", {}, [`#${index}`, reachOf(edit)].filter(Boolean).join(" \u00b7 "))),
          el("span", { class: "verb" }, verbOf(edit)),
          el("span", { class: "times" }, amountOf(edit)),
          el("button", { type: "button", class: "out", "aria-label": w("plan.take_out_one", { name: `${name} #${index}` }), title: w("plan.take_out"),
            onclick: () => act({ kind: "edit", component: index, strength: 1 }) }, "\u00d7")))
        : [el("li", { class: "none" }, data.tools.includes("suppress") ? w("plan.none") : w("plan.none_here"))]));
      goesOn();
    }
    const held = view.held();
    say(part.compare, data.talk.words.compare);
    part.compare.title = data.talk.words.compare_title;
    part.compare.disabled = !data.edits.length;
    mark(part.compare, "aria-pressed", view.compared());
    part.undo.disabled = !data.can_undo || held;
    part.redo.disabled = !data.can_redo || held;
    part.reset.disabled = !data.edits.length || held;
    for (const out of part.edits.querySelectorAll(".out")) out.disabled = held;
    part.size.hidden = !data.edits.length;
    say(share, w("plan.size_is", { share: hundredths(fixed(100 * data.size, 1)) }));
  };
};
