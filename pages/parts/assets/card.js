// The chosen component in full: what it is called, how common and how strong it is, and pictures from all its range.
const BANDS = [["top", "strongest"], ["middle", "middling"], ["low", "weakest"]];

const cardPart = (part) => {
  const name = el("h3");
  const facts = el("dl", { class: "facts" });
  const bands = el("div", { class: "bands" });
  part.card.replaceChildren(name, facts, bands);
  let shown = null;

  return (chosen) => {
    if (!chosen || shown === chosen.index) return;
    shown = chosen.index;
    name.replaceChildren(chosen.name, el("small", {}, `#${chosen.index}`));
    name.title = chosen.name;
    const fact = (term, value, title) => el("div", { title }, el("dt", {}, term), el("dd", {}, value));
    facts.replaceChildren(
      fact("code here", chosen.activation.toFixed(2), "Its greatest code in this picture"),
      fact("p99", number(chosen.p99), "A strong code: 99 of 100 of its non-zero codes lie below it"),
      fact("density", percent(chosen.density), "Share of pictures in which it is active at all"),
      fact("name fits", number(chosen.fit), "How well its code tells pictures that show what it is named after from others: area under the ROC curve, 1 is perfect, 0.5 is chance"),
    );
    bands.replaceChildren(...BANDS.map(([band, word]) => el("figure", {},
      el("figcaption", {}, word),
      el("span", { class: "strip-of" }, ...chosen.exemplars[band].map((src, at) =>
        el("img", { src, alt: `${word} example ${at + 1} of ${chosen.name}`, loading: "lazy" }))))));
  };
};
