// Every row of the session in a list: only those in sight are elements, so ten thousand scroll as ten do.
const ROLL_PX = 24;
const SPARE = 8;

const rollPart = (part, tape, families, go) => {
  const counts = Object.fromEntries(FAMILIES.map(([family]) => [family, families.filter((each) => each === family).length]));
  const wanted = new Set(FAMILIES.map(([family]) => family));
  let shown = tape.rows.map((_, index) => index);
  const fine = tape.rows[tape.rows.length - 1][1] < 60_000 ? 1 : 0;
  let at = 0;

  const draw = () => {
    const first = clamp(Math.floor(part.rolls.scrollTop / ROLL_PX) - SPARE, 0, shown.length);
    const last = Math.min(shown.length, Math.ceil((part.rolls.scrollTop + part.rolls.clientHeight) / ROLL_PX) + SPARE);
    part.roll.style.height = `${shown.length * ROLL_PX}px`;
    part.roll.replaceChildren(...shown.slice(first, last).map((index, offset) => {
      const [seq, ms, , words] = tape.rows[index];
      return el("li", { style: `top:${(first + offset) * ROLL_PX}px`, "data-family": families[index], "aria-current": index === at ? "true" : null,
        title: `${tape.kinds[tape.rows[index][2]]}: ${words}`, onclick: () => go(index) },
        el("span", { class: "when" }, clockOf(ms, fine)), el("i"), el("span", { class: "what" }, words), el("span", { class: "seq" }, `#${seq}`));
    }));
  };
  const sift = () => {
    shown = tape.rows.map((_, index) => index).filter((index) => wanted.has(families[index]));
    reveal();
    draw();
  };
  const reveal = () => {
    const place = shown.findIndex((index) => index >= at);
    const [high, tall] = [place * ROLL_PX, part.rolls.clientHeight];
    if (place >= 0 && (high < part.rolls.scrollTop + ROLL_PX || high > part.rolls.scrollTop + tall - 2 * ROLL_PX)) {
      part.rolls.scrollTop = high - tall / 2;
    }
  };
  part.filters.replaceChildren(...FAMILIES.filter(([family]) => counts[family]).map(([family, name]) =>
    el("button", { type: "button", "data-family": family, "aria-pressed": "true", onclick: (event) => {
      const turn = event.currentTarget;
      wanted.has(family) ? wanted.delete(family) : wanted.add(family);
      mark(turn, "aria-pressed", wanted.has(family));
      sift();
    } }, el("i"), name, el("small", {}, String(counts[family])))));
  part.rolls.onscroll = draw;
  new ResizeObserver(() => {
    reveal();
    draw();
  }).observe(part.rolls);
  draw();
  return (index) => {
    at = index;
    reveal();
    draw();
  };
};
