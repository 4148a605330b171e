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
    const untouched = !seen.edits;
    mark(part.counts, "data-untouched", untouched);
    say(part.define, untouched ? "Nothing is edited yet." : "Each count with its share and 95% interval.");
    for (const [kind] of COUNTS) {
      const { hits, trials, value, low, high } = seen[kind];
      const known = trials > 0 && !untouched;
      const cell = cells[kind];
      say(cell.count, String(hits));
      say(cell.of, `of ${trials}${kind === "fixed" ? " wrong" : kind === "broken" ? " right" : ""}`);
      say(cell.share, known ? percent(value) : "");
      say(cell.range, known ? `${percent(low)} to ${percent(high)}` : "");
      cell.range.title = "Wilson 95% interval";
      cell.low.style.left = `${100 * low}%`;
      cell.low.style.width = `${known ? 100 * (high - low) : 0}%`;
      cell.dot.style.left = `${100 * (value ?? 0)}%`;
      cell.dot.hidden = !known;
    }
    const worst = seen.worst.map(({ label, lost, images }) => `${label} ${MINUS}${lost} of ${images}`).join(", ");
    const otherwise = seen.rerouted ? ` ${seen.rerouted} still wrong, under another name.` : "";
    say(part.sham, untouched ? "" : `A random edit of the same size: ${seen.sham.fixed} fixed, ${seen.sham.broken} broken.`);
    say(part.worst, untouched ? "" : `${worst ? `Hit hardest: ${worst}.` : seen.broken.hits ? "" : "No class loses a picture."}${otherwise}`);
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
