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
    say(name, chosen.name);
    const fact = (term, value, title) => el("div", { title }, el("dt", {}, term), el("dd", {}, value));
    facts.replaceChildren(
      fact("number", `#${chosen.index}`, "Its place in the dictionary"),
      fact("density", percent(chosen.density), "Share of pictures in which it is active at all"),
      fact("p99", chosen.p99.toFixed(2), "A strong activity: 99 of 100 active patches lie below it"),
      fact("here", chosen.activation.toFixed(2), "Its greatest activity in this picture"),
    );
    bands.replaceChildren(...BANDS.map(([band, word]) => el("figure", {},
      el("figcaption", {}, word),
      el("span", { class: "strip-of" }, ...chosen.exemplars[band].slice(0, 4).map((src, at) =>
        el("img", { src, alt: `${word} example ${at + 1} of ${chosen.name}`, loading: "lazy" }))))));
  };
};
