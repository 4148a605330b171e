// The words on the screen that need a sentence: each has it once, for the pointer, the keyboard and the ear alike.
const TERMS = ["effect", "attribution", "constant", "bias", "zero", "rest", "error", "gap", "agreement", "explained", "code", "logits", "p99", "density", "masked", "fit", "clarity", "mono", "greatest", "neighbours", "partners", "size", "token",
  "fixed", "broken", "other", "same", "loss", "interval", "sham", "net", "like", "others", "change", "far", "joint", "side", "scope"];
const meaning = (name) => w(`terms.${name}`);

const term = (name, words) =>
  el("button", { type: "button", class: "term", "data-term": name, "aria-describedby": `term-${name}` }, words);

const termsPart = (bench, part) => {
  part.terms.replaceChildren(...TERMS.map((name) => el("span", { id: `term-${name}` }, meaning(name))));
  const hide = () => (part.tip.hidden = true);
  const leave = ({ target }) => target.closest?.(".term") && hide();
  const show = (event) => {
    const asked = event.target.closest?.(".term");
    if (!asked) return;
    say(part.tip, meaning(asked.dataset.term));
    part.tip.hidden = false;
    const [all, word, tip] = [bench, asked, part.tip].map((node) => node.getBoundingClientRect());
    const below = word.bottom + 6 + tip.height < all.bottom;
    part.tip.style.left = `${clamp(word.left - all.left, 0, all.width - tip.width)}px`;
    part.tip.style.top = `${(below ? word.bottom + 6 : word.top - 6 - tip.height) - all.top}px`;
  };
  for (const sign of ["pointerover", "focusin", "click"]) bench.addEventListener(sign, show);
  for (const sign of ["pointerout", "focusout"]) bench.addEventListener(sign, leave);
  bench.addEventListener("keydown", (event) => event.key === "Escape" && hide());
};
