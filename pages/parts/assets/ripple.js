// The same plan on pictures the participant does not see; measured after the prediction is painted, never before it.
// Every picture is counted once: what the model calls it now is right again, wrong anew, wrong otherwise, or the same.
const COUNTS = [
  ["fixed", () => w("elsewhere.fixed"), (trials) => w("elsewhere.of_wrong", { trials })],
  ["broken", () => w("elsewhere.broken"), (trials) => w("elsewhere.of_right", { trials })],
  ["other", () => w("elsewhere.other"), (trials) => w("elsewhere.of_wrong", { trials })],
  ["same", () => w("elsewhere.same"), (trials) => w("elsewhere.of_all", { trials })],
];

const ripplePart = (part) => {
  const cells = Object.fromEntries(COUNTS.map(([kind, word]) => {
    const cell = { count: el("strong"), of: el("span", { class: "of" }), range: el("span", { class: "range" }),
      share: el("span", { class: "share" }), low: el("i", { class: "low" }), dot: el("i", { class: "dot" }) };
    cell.root = el("div", { class: "count", "data-kind": kind }, el("span", { class: "word" }, term(kind, word())), cell.count, cell.of, cell.share,
      el("span", { class: "whisker", "aria-hidden": "true" }, cell.low, cell.dot), cell.range);
    return [kind, cell];
  }));
  part.counts.replaceChildren(...COUNTS.map(([kind]) => cells[kind].root));
  let asked = null;
  let waiting = null;
  const [plain, random, lost] = [el("span"), el("span"), el("span")];
  const loss = term("loss", w("elsewhere.loss"));
  part.define.replaceChildren(plain, term("interval", w("elsewhere.interval")));
  part.worst.replaceChildren(loss, lost);
  part.sham.replaceChildren(w("elsewhere.a"), term("sham", w("elsewhere.random")), random);

  const fill = (seen) => {
    mark(part.counts, "data-stale", false);
    mark(part.counts, "data-state", seen.state);
    say(part.measuring, w("elsewhere.pictures", { images: seen.images }));
    const untouched = !seen.edits;
    mark(part.counts, "data-untouched", untouched);
    say(plain, untouched ? w("elsewhere.untouched") : w("elsewhere.each"));
    part.define.lastChild.hidden = untouched;
    for (const [kind, , start] of COUNTS) {
      const { hits, trials, value, low, high } = seen[kind];
      const known = trials > 0 && !untouched;
      const cell = cells[kind];
      say(cell.count, String(hits));
      say(cell.of, start(trials));
      say(cell.share, known ? percent(value) : "");
      say(cell.range, known ? w("elsewhere.range", { low: percent(low), high: percent(high) }) : "");
      cell.low.style.left = `${100 * low}%`;
      cell.low.style.width = `${known ? 100 * (high - low) : 0}%`;
      cell.dot.style.left = `${100 * (value ?? 0)}%`;
      cell.dot.hidden = !known;
    }
    const worst = seen.worst.map(({ label, lost, images }) => w("elsewhere.lost_one", { label, lost, images }).replaceAll(" ", "\u00a0")).join(", ");
    part.sham.hidden = untouched;
    say(random, w("elsewhere.random_is", { fixed: seen.sham.fixed, broken: seen.sham.broken }));
    loss.hidden = !worst;
    say(lost, untouched ? "" : worst ? w(seen.worst.length === 3 ? "elsewhere.lost_worst" : "elsewhere.lost", { classes: worst }) : seen.broken.hits ? "" : w("elsewhere.lost_none"));
  };

  const ask = (data) => {
    asked = data.state;
    waiting?.abort();
    waiting = new AbortController();
    mark(part.counts, "data-stale", true);
    say(part.measuring, w("elsewhere.measuring"));
    const where = new URL(data.replayed ?? "api/ripple", document.baseURI);
    if (!data.replayed) where.search = new URLSearchParams({ s: new URLSearchParams(location.search).get("s") ?? "", state: data.state });
    fetch(where, { signal: waiting.signal, cache: "no-store" })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
      .then((seen) => seen.state === asked && fill(seen))
      .catch((error) => {
        if (error?.name === "AbortError") return;
        say(part.measuring, w("elsewhere.not_measured"));
        asked = null;
      });
  };

  return (data) => {
    if (asked !== data.state) ask(data);
  };
};
