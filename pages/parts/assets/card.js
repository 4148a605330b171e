// The chosen component in full: what it is called, how common and how strong it is, and pictures from all its range.
const BANDS = [["top", () => w("card.strongest")], ["middle", () => w("card.middling")], ["low", () => w("card.weakest")]];

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
    const fact = (word, value) => el("div", {}, el("dt", {}, word), el("dd", {}, value));
    facts.replaceChildren(
      fact(term("code", w("card.code")), fixed(chosen.activation)),
      fact(term("p99", w("card.p99")), number(chosen.p99)),
      fact(term("density", w("card.density")), percent(chosen.density)),
      fact(term("fit", w("card.fit")), number(chosen.fit)),
    );
    bands.replaceChildren(...BANDS.map(([band, word]) => el("figure", {},
      el("figcaption", {}, word()),
      el("span", { class: "strip-of" }, ...chosen.exemplars[band].map((src, at) =>
        el("img", { src, alt: w("card.example", { band: word(), number: at + 1, name: chosen.name }), loading: "lazy" }))))));
  };
};
