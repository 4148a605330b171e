// The words on the screen that need a sentence: each has it here once, for the pointer, the keyboard and the ear alike.
const TERMS = {
  effect: "What the named class loses of its lead, in logits, when the component is removed from the picture as it is: measured, not estimated. Where it differs from the attribution, trust this.",
  attribution: "What the component contributes to the named class's lead, in logits: an estimate from its code and how steeply the answer changes with it. The list is ordered by it.",
  agreement: "How far attribution and effect put this picture's components in the same order: near 1 the estimate can be trusted, near 0 only the effects can.",
  explained: "The share of the answer that goes through the dictionary's components; the rest lies in what the dictionary misses, so trust only the effects.",
  code: "How strongly the component is active in this picture, at the place where it is strongest; 0 means not at all.",
  logits: "The model's raw scores: where one class leads another by 1 logit more, it becomes 2.7 times as probable beside it.",
  p99: "What counts as a strong code for this component: 99 of 100 of its non-zero codes lie below it.",
  density: "The share of all pictures in which the component is active at all.",
  fit: "How well its code tells pictures that show what it is named after from the others: 1 is perfect, 0.5 is chance.",
  size: "How much your edits change what the model holds of this picture: the length of the change over the length of what was there.",
  token: "The one token that the answer is read from: it gathers from all patches and has no place in the picture.",
  fixed: "Wrong before your edits, right with them.",
  broken: "Right before your edits, wrong with them.",
  other: "Wrong before your edits and wrong with them, but now called something else.",
  same: "Called the same as before your edits, be it right or wrong.",
  loss: "How many fewer pictures of a class are called right with your edits, of those called right before; pictures won are taken off.",
  interval: "The range in which the share would plausibly lie if there were many more pictures like these (Wilson, 95%).",
  sham: "In each picture another component that is active there is taken out, scaled to the size of your edits; if yours does no better, the counts say nothing for your choice.",
};

const term = (name, words = name) =>
  el("button", { type: "button", class: "term", "data-term": name, "aria-describedby": `term-${name}` }, words);

const termsPart = (bench, part) => {
  part.terms.replaceChildren(...Object.entries(TERMS).map(([name, words]) => el("span", { id: `term-${name}` }, words)));
  const hide = () => (part.tip.hidden = true);
  const show = (event) => {
    const asked = event.target.closest?.(".term");
    if (!asked) return;
    say(part.tip, TERMS[asked.dataset.term]);
    part.tip.hidden = false;
    const [all, word, tip] = [bench, asked, part.tip].map((node) => node.getBoundingClientRect());
    const below = word.bottom + 6 + tip.height < all.bottom;
    part.tip.style.left = `${clamp(word.left - all.left, 0, all.width - tip.width)}px`;
    part.tip.style.top = `${(below ? word.bottom + 6 : word.top - 6 - tip.height) - all.top}px`;
  };
  for (const sign of ["pointerover", "focusin", "click"]) bench.addEventListener(sign, show);
  for (const sign of ["pointerout", "focusout"]) bench.addEventListener(sign, hide);
  bench.addEventListener("keydown", (event) => event.key === "Escape" && hide());
};
