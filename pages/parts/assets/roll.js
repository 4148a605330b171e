// Every row of the session in a list, in full words: only those in sight are elements, so ten thousand scroll as ten do.
const LINE_PX = 17;
const AROUND_PX = 7;
const MOST_LINES = 4;
const SPARE = 8;

// How many lines a text takes: words as the browser breaks them, measured once each.
const linesPart = ({ fontWeight, fontSize, fontFamily }) => {
  const pen = document.createElement("canvas").getContext("2d");
  const widths = new Map();
  pen.font = `${fontWeight} ${fontSize} ${fontFamily}`;
  const wide = (word) => {
    if (!widths.has(word)) widths.set(word, pen.measureText(word).width);
    return widths.get(word);
  };
  return (text, room) => {
    let [lines, used] = [1, 0];
    for (const word of text.split(" ")) {
      const more = used ? wide(" ") + wide(word) : wide(word);
      if (used && used + more > room) [lines, used] = [lines + 1, wide(word)];
      else used += more;
      if (used > room) lines += Math.ceil(used / room) - 1;
      if (lines >= MOST_LINES) return MOST_LINES;
    }
    return lines;
  };
};

const rollPart = (part, tape, families, go) => {
  const counts = Object.fromEntries(FAMILIES.map(([family]) => [family, families.filter((each) => each === family).length]));
  const wanted = new Set(FAMILIES.map(([family]) => family));
  let shown = tape.rows.map((_, index) => index);
  let tops = [0];
  let room = 0;
  let linesOf = null;
  const fine = tape.rows[tape.rows.length - 1][1] < 60_000 ? 1 : 0;
  let at = 0;
  part.roll.style.setProperty("--digits", String(tape.rows[tape.rows.length - 1][0]).length);

  // Where each row begins, and below the last one where all end.
  const lay = () => {
    tops = [0];
    for (const index of shown) {
      const lines = linesOf ? linesOf(tape.rows[index][3], room - 1) : 1;
      tops.push(tops[tops.length - 1] + lines * LINE_PX + AROUND_PX);
    }
  };
  const placeOf = (px) => {
    let [low, high] = [0, shown.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tops[middle + 1] <= px) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  const draw = () => {
    const first = Math.max(0, placeOf(part.rolls.scrollTop) - SPARE);
    const last = Math.min(shown.length, placeOf(part.rolls.scrollTop + part.rolls.clientHeight) + 1 + SPARE);
    part.roll.style.height = `${tops[shown.length]}px`;
    part.roll.replaceChildren(...shown.slice(first, last).map((index, offset) => {
      const [seq, ms, , words] = tape.rows[index];
      const place = first + offset;
      return el("li", { style: `top:${tops[place]}px;height:${tops[place + 1] - tops[place]}px`, "data-family": families[index], "aria-current": index === at ? "true" : null,
        title: `${tape.kinds[tape.rows[index][2]]}: ${words}`, onclick: () => go(index) },
        el("span", { class: "when" }, clockOf(ms, fine)), el("i"), el("span", { class: "what" }, words), el("span", { class: "seq" }, `#${seq}`));
    }));
  };
  const sift = () => {
    shown = tape.rows.map((_, index) => index).filter((index) => wanted.has(families[index]));
    lay();
    reveal();
    draw();
  };
  const reveal = () => {
    const place = shown.findIndex((index) => index >= at);
    const [high, tall] = [tops[place], part.rolls.clientHeight];
    if (place >= 0 && (high < part.rolls.scrollTop + LINE_PX || tops[place + 1] > part.rolls.scrollTop + tall - LINE_PX)) {
      part.rolls.scrollTop = high - tall / 2;
    }
  };
  // The words' column is as wide as it was drawn; a list that is hidden has no width and keeps its rows.
  const measure = () => {
    const words = part.roll.querySelector(".what");
    if (!words?.clientWidth || words.clientWidth === room) return;
    room = words.clientWidth;
    linesOf ??= linesPart(getComputedStyle(words));
    lay();
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
    measure();
    reveal();
    draw();
  }).observe(part.rolls);
  lay();
  draw();
  return (index) => {
    at = index;
    reveal();
    draw();
  };
};
