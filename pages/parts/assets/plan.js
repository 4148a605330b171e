// What is being steered now, and the way back from it.
const planPart = (part, act, view, outbox) => {
  part.undo.onclick = () => act({ kind: "undo" });
  part.redo.onclick = () => act({ kind: "redo" });
  part.reset.onclick = () => act({ kind: "reset" });
  const share = el("span");
  part.size.replaceChildren(term("size", "Edit size"), share);

  return (data) => {
    const wanted = JSON.stringify(data.edits);
    if (part.edits.dataset.shown !== wanted) {
      part.edits.dataset.shown = wanted;
      part.edits.replaceChildren(...(data.edits.length
        ? data.edits.map(({ index, name, strength }) => el("li", {},
          el("button", { type: "button", class: "name", onclick: () => view.choose(index) }, name, el("small", {}, ` #${index}`)),
          el("span", { class: "verb" }, strength === 0 ? "suppressed" : strength > 1 ? "amplified" : "weakened"),
          el("span", { class: "times" }, times(strength)),
          el("button", { type: "button", class: "out", "aria-label": `Take out the edit of ${name} #${index}`, title: "Take out this edit",
            onclick: () => act({ kind: "edit", component: index, strength: 1 }) }, "\u00d7")))
        : [el("li", { class: "none" }, "None yet. Suppress or amplify a component to see what it does.")]));
    }
    part.undo.disabled = !data.can_undo;
    part.redo.disabled = !data.can_redo;
    part.reset.disabled = !data.edits.length;
    part.size.hidden = !data.edits.length;
    say(share, ` ${(100 * data.size).toFixed(1)}% of the activation${data.size > 0.5 ? ": large, the model may act oddly." : ""}`);
  };
};
