// The question that the components answer: why this class rather than that one. Both can be chosen where the task
// offers it; the arrow leads back to the prediction's own pair.
const woven = (key, nodes) => w(key).split(/\{(\w+)\}/).map((piece, at) => (at % 2 ? nodes[piece] : piece));

const pairPart = (part, view) => {
  const chooser = (word) => el("select", { "aria-label": word });
  const [target, against] = [chooser(w("pair.target")), chooser(w("pair.against"))];
  const [named, other] = [el("b", { "data-side": "target" }), el("b", { "data-side": "against" })];
  const own = el("button", { type: "button", class: "own", onclick: () => view.explain(null) }, "\u21ba");
  const keys = el("span", { class: "keys-of" },
    el("span", { class: "kept" }, el("i", { class: "thick" }), term("attribution", w("steer.attribution"))),
    el("span", { class: "kept" }, el("i", { class: "thin" }), term("effect", w("steer.effect"))));
  const question = el("span", { class: "question" });
  part.reading.replaceChildren(question, own, keys);
  let free = null;

  const ask = (changed, left, was) => () => {
    // One that is set against itself takes the other's place: the question is turned round.
    if (changed.value === left.value) left.value = was();
    view.explain({ target: target.value, against: against.value });
  };
  let shown = {};
  target.onchange = ask(target, against, () => shown.target);
  against.onchange = ask(against, target, () => shown.against);

  const fill = (select, labels, value) => {
    const wanted = labels.join("\n");
    if (select.dataset.labels !== wanted) {
      select.dataset.labels = wanted;
      select.replaceChildren(...labels.map((label) => el("option", { value: label }, label)));
    }
    if (select.value !== value) select.value = value;
  };

  return (data, latest, waiting) => {
    const offered = data.tools.includes("contrast") && !view.still;
    if (free !== offered) {
      free = offered;
      question.replaceChildren(...woven("pair.why", offered ? { target, against } : { target: named, against: other }));
    }
    shown = waiting ?? data;
    if (offered) {
      fill(target, data.labels, shown.target);
      fill(against, data.labels, shown.against);
      target.disabled = against.disabled = Boolean(latest.visit);
      target.title = against.title = latest.visit ? w("pair.elsewhere") : "";
    }
    say(named, quoted(shown.target));
    say(other, quoted(shown.against));
    const away = latest.target !== latest.own.target || latest.against !== latest.own.against;
    own.hidden = !offered;
    mark(own, "data-away", away);
    own.disabled = !away || Boolean(latest.visit);
    own.title = w("pair.own", { target: quoted(latest.own.target), against: quoted(latest.own.against) });
    mark(own, "aria-label", own.title);
  };
};
