// The same plan on pictures the participant does not see; measured after the prediction is painted, never before it.
// Every picture is counted once: what the model calls it now is right again, wrong anew, wrong otherwise, or the same.
const COUNTS = [
  ["fixed", "fixed", "wrong"],
  ["broken", "broken", "right"],
  ["other", "other name", "wrong"],
  ["same", "same name", ""],
];

const ripplePart = (part) => {
  const cells = Object.fromEntries(COUNTS.map(([kind, word]) => {
    const cell = { count: el("strong"), of: el("span", { class: "of" }), range: el("span", { class: "range" }),
      share: el("span", { class: "share" }), low: el("i", { class: "low" }), dot: el("i", { class: "dot" }) };
    cell.root = el("div", { class: "count", "data-kind": kind }, el("span", { class: "word" }, term(kind, word)), cell.count, cell.of, cell.share,
      el("span", { class: "whisker", "aria-hidden": "true" }, cell.low, cell.dot), cell.range);
    return [kind, cell];
  }));
  part.counts.replaceChildren(...COUNTS.map(([kind]) => cells[kind].root));
  let asked = null;
  let waiting = null;
  const [plain, random, lost] = [el("span"), el("span"), el("span")];
  const loss = term("loss", "Net loss");
  part.define.replaceChildren(plain, term("interval", "95% interval"));
  part.worst.replaceChildren(loss, lost);
  part.sham.replaceChildren("A ", term("sham", "random edit"), random);

  const fill = (seen) => {
    mark(part.counts, "data-stale", false);
    mark(part.counts, "data-state", seen.state);
    say(part.measuring, `${seen.images} pictures`);
    const untouched = !seen.edits;
    mark(part.counts, "data-untouched", untouched);
    say(plain, untouched ? "Nothing is edited yet." : "Each count with its share and ");
    part.define.lastChild.hidden = untouched;
    for (const [kind, , start] of COUNTS) {
      const { hits, trials, value, low, high } = seen[kind];
      const known = trials > 0 && !untouched;
      const cell = cells[kind];
      say(cell.count, String(hits));
      say(cell.of, `of ${trials} ${start}`);
      say(cell.share, known ? percent(value) : "");
      say(cell.range, known ? `${percent(low)} to ${percent(high)}` : "");
      cell.low.style.left = `${100 * low}%`;
      cell.low.style.width = `${known ? 100 * (high - low) : 0}%`;
      cell.dot.style.left = `${100 * (value ?? 0)}%`;
      cell.dot.hidden = !known;
    }
    const worst = seen.worst.map(({ label, lost, images }) => `${label}\u00a0${MINUS}${lost}\u00a0of\u00a0${images}`).join(", ");
    part.sham.hidden = untouched;
    say(random, ` of the same size: ${seen.sham.fixed} fixed, ${seen.sham.broken} broken. If yours does no better, it may be chance.`);
    const most = seen.worst.length === 3 ? ", worst three" : "";
    loss.hidden = !worst;
    say(lost, untouched ? "" : worst ? ` of right pictures${most}: ${worst}.` : seen.broken.hits ? "" : "No class loses a picture.");
  };

  const ask = (data) => {
    asked = data.state;
    waiting?.abort();
    waiting = new AbortController();
    mark(part.counts, "data-stale", true);
    say(part.measuring, "measuring\u2026");
    const where = new URL(data.replayed ?? "api/ripple", document.baseURI);
    if (!data.replayed) where.search = new URLSearchParams({ s: new URLSearchParams(location.search).get("s") ?? "", state: data.state });
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
