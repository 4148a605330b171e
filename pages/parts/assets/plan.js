// What is being steered now, and the way back from it. A muted edit stays in the list and does not act.
const EYE = "M1 6c2.2-3.3 4.7-5 7-5s4.8 1.7 7 5c-2.2 3.3-4.7 5-7 5S3.2 9.3 1 6Z";

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

  // A row stays the node that it is for as long as its edit does, so that the keyboard stays where it was.
  const rows = new Map();
  const rowOf = (index) => {
    const eye = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    eye.setAttribute("viewBox", "0 0 16 12");
    eye.innerHTML = `<path d="${EYE}"/><circle cx="8" cy="6" r="2.2"/><path class="slash" d="M2.5 11.5 13.5.5"/>`;
    const row = { name: el("span"), number: el("small"), verb: el("span", { class: "verb" }), times: el("span", { class: "times" }) };
    row.eye = el("button", { type: "button", class: "eye", onclick: () => act({ kind: row.muted ? "unmute" : "mute", component: index }) }, eye);
    row.pick = el("button", { type: "button", class: "name", onclick: () => view.choose(index) }, row.name, row.number);
    row.out = el("button", { type: "button", class: "out", title: w("plan.take_out"), onclick: () => act({ kind: "edit", component: index, strength: 1 }) }, "\u00d7");
    row.root = el("li", {}, row.eye, row.pick, row.verb, row.times, row.out);
    rows.set(index, row);
    return row;
  };
  const fill = ({ index, name, muted, ...edit }) => {
    const row = rows.get(index) ?? rowOf(index);
    const named = `${name} #${index}`;
    row.muted = muted;
    mark(row.root, "data-muted", muted);
    say(row.name, name);
    mark(row.pick, "title", [name, reachOf(edit)].filter(Boolean).join(", "));
    // All tokens is what set and add reach by themselves; the room is the name's.
    say(row.number, [`#${index}`, edit.scope === "all" ? "" : reachOf(edit)].filter(Boolean).join(" \u00b7 "));
    say(row.verb, muted ? w("plan.muted") : verbOf(edit));
    say(row.times, editOf(edit));
    mark(row.eye, "aria-pressed", muted);
    mark(row.eye, "aria-label", w("plan.mute_one", { name: named }));
    mark(row.eye, "title", muted ? w("plan.unmute") : w("plan.mute"));
    mark(row.out, "aria-label", w("plan.take_out_one", { name: named }));
    return row.root;
  };

  return (data) => {
    const [muted, acting] = [data.muted.map((one) => ({ ...one, muted: true })), data.edits.map((one) => ({ ...one, muted: false }))];
    const all = [...acting, ...muted].sort((one, two) => data.newest_first.indexOf(one.index) - data.newest_first.indexOf(two.index));
    const wanted = all.map(({ index }) => index).join(" ");
    say(part.heading, !all.length ? w("plan.heading") : w(muted.length ? "plan.heading_muted" : "plan.heading_count", { count: all.length, acting: acting.length }));
    const lines = all.map(fill);
    if (part.edits.dataset.shown !== wanted) {
      part.edits.dataset.shown = wanted;
      for (const index of rows.keys()) if (!all.some((one) => one.index === index)) rows.delete(index);
      const at = part.edits.getRootNode().activeElement;
      part.edits.replaceChildren(...(lines.length ? lines : [el("li", { class: "none" }, data.tools.includes("suppress") ? w("plan.none") : w("plan.none_here"))]));
      if (part.edits.contains(at)) at.focus({ preventScroll: true }); // a node that is put in anew has lost it
      part.edits.scrollTop = 0; // the newest is in sight
      goesOn();
    }
    const held = view.held();
    for (const row of rows.values()) {
      row.eye.hidden = !data.tools.includes("mute");
      row.eye.disabled = row.out.disabled = held;
    }
    say(part.compare, data.talk.words.compare);
    part.compare.title = data.talk.words.compare_title;
    part.compare.disabled = !data.edits.length;
    mark(part.compare, "aria-pressed", view.compared());
    part.undo.disabled = !data.can_undo || held;
    part.redo.disabled = !data.can_redo || held;
    part.reset.disabled = !all.length || held;
    part.size.hidden = !data.edits.length;
    part.apart.hidden = !data.visit || !data.edits.length;
    say(part.apart, w("plan.apart"));
    say(share, w("plan.size_is", { share: hundredths(fixed(100 * data.size, 1)) }));
  };
};
