// The same plan on pictures the participant does not see; measured after the prediction is painted, never before it.
const COUNTS = [
  ["fixed", "fixed", "wrong before, right now"],
  ["broken", "broken", "right before, wrong now"],
  ["unchanged", "unchanged", "right or wrong as before"],
];

const ripplePart = (part) => {
  const cells = Object.fromEntries(COUNTS.map(([kind, word, title]) => {
    const cell = { count: el("strong"), of: el("span", { class: "of" }), range: el("span", { class: "range" }),
      share: el("span", { class: "share" }), low: el("i", { class: "low" }), dot: el("i", { class: "dot" }) };
    cell.root = el("div", { class: "count", "data-kind": kind, title }, el("span", { class: "word" }, word), cell.count, cell.of, cell.share,
      el("span", { class: "whisker", "aria-hidden": "true" }, cell.low, cell.dot), cell.range);
    return [kind, cell];
  }));
  part.counts.replaceChildren(...COUNTS.map(([kind]) => cells[kind].root));
  let asked = null;
  let waiting = null;

  const fill = (seen) => {
    mark(part.counts, "data-stale", false);
    mark(part.counts, "data-state", seen.state);
    say(part.measuring, `${seen.images} pictures`);
    say(part.define, "Each count with its share and 95% interval.");
    for (const [kind] of COUNTS) {
      const { hits, trials, value, low, high } = seen[kind];
      const cell = cells[kind];
      say(cell.count, String(hits));
      say(cell.of, `of ${trials}${kind === "fixed" ? " wrong" : kind === "broken" ? " right" : ""}`);
      say(cell.share, trials ? percent(value) : "\u2013");
      say(cell.range, trials ? `${percent(low)} to ${percent(high)}` : "");
      cell.range.title = "Wilson 95% interval";
      cell.low.style.left = `${100 * low}%`;
      cell.low.style.width = `${trials ? 100 * (high - low) : 0}%`;
      cell.dot.style.left = `${100 * (value ?? 0)}%`;
      cell.dot.hidden = !trials;
    }
    say(part.worst, seen.worst.length
      ? `Hit hardest: ${seen.worst.map(({ label, lost, images }) => `${label} ${MINUS}${lost} of ${images}`).join(", ")}`
      : seen.broken.hits ? "" : "No class loses a picture.");
  };

  const ask = (data) => {
    asked = data.state;
    waiting?.abort();
    waiting = new AbortController();
    mark(part.counts, "data-stale", true);
    say(part.measuring, "measuring\u2026");
    const where = new URL("api/ripple", document.baseURI);
    where.search = new URLSearchParams({ s: new URLSearchParams(location.search).get("s") ?? "", state: data.state });
    fetch(where, { signal: waiting.signal, cache: "no-store" })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
      .then((seen) => seen.state === asked && fill(seen))
      .catch((error) => {
        if (error?.name === "AbortError") return;
        say(part.measuring, "not measured");
        asked = null;
      });
  };

  return (data) => {
    if (asked !== data.state) ask(data);
  };
};
