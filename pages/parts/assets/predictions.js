// Probabilities before and after, in one fixed order, so that a change is seen as a change and nothing moves about.
const sideOf = ({ target, against }, label) => (label === target ? "target" : label === against ? "against" : "other");

const predictionsPart = (part) => {
  const rows = new Map();
  const now = el("strong");
  const share = el("span", { class: "share" });
  const was = el("span", { class: "was" });
  part.verdict.replaceChildren(el("p", { class: "now" }, now, share), was);

  const fit = wholeRows(part.bars, part.bars_below);

  const rowOf = (label) => {
    const row = {
      name: el("span", { class: "name" }, label),
      was: el("i", { class: "was" }),
      now: el("i", { class: "now" }),
      share: el("span", { class: "share" }),
      delta: el("span", { class: "delta" }),
    };
    row.root = el("div", { class: "bar", role: "img" }, row.name,
      el("span", { class: "track" }, row.was, row.now), row.share, row.delta);
    rows.set(label, row);
    return row;
  };

  return (data) => {
    // Where other classes are put in, the bars are of those; the edits, and which answer is the right one, stay.
    const said = data.changed ?? data;
    const wanted = said.classes.map(({ label }) => label).join("\n");
    if (part.bars.dataset.labels !== wanted) {
      rows.clear();
      part.bars.replaceChildren(...said.classes.map(({ label }) => rowOf(label).root));
      part.bars.dataset.labels = wanted;
      fit();
    }
    for (const { label, before, after } of said.classes) {
      const row = rows.get(label);
      row.was.style.left = `${before * 100}%`;
      row.now.style.width = `${after * 100}%`;
      row.was.hidden = Math.round(before * 100) === Math.round(after * 100);
      say(row.share, percent(after));
      const points = Math.round(after * 100) - Math.round(before * 100);
      say(row.delta, points ? signed(points, 0) : "");
      mark(row.root, "data-side", sideOf(data, label));
      mark(row.root, "data-top", label === said.now.label);
      mark(row.root, "aria-label", w("says.row", { label, before: percent(before), after: percent(after) }));
    }
    say(now, said.now.label);
    say(share, percent(said.now.share));
    say(was, data.edits.length
      ? said.now.label === said.was.label
        ? w("says.still", { share: percent(said.was.share) })
        : w("says.was", { label: said.was.label, share: percent(said.was.share) })
      : data.shows === null ? w("says.as_is_open") : w("says.as_is", { shows: data.shows }));
    mark(part.verdict, "data-side", sideOf(data, said.now.label));
    mark(part.bars, "data-state", data.state);
  };
};
