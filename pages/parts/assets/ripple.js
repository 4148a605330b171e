// The same plan on pictures the participant does not see; measured after the prediction is painted, never before it.
// Every picture is counted once: what the model calls it now is right again, wrong anew, wrong otherwise, or the same.
const COUNTS = [
  ["fixed", () => w("elsewhere.fixed")],
  ["broken", () => w("elsewhere.broken")],
  ["other", () => w("elsewhere.other")],
  ["same", () => w("elsewhere.same")],
];
const SETS = { similar: ["like", () => w("elsewhere.like")], reference: ["others", () => w("elsewhere.others")] };
const ENDS = [["hurt", () => w("elsewhere.hurt")], ["helped", () => w("elsewhere.helped")]];

const points = (share) => signed(100 * share, 0);

// A line of JSON for each time that there is more to say; `each` gets them as they come.
const readLines = async (answer, each) => {
  const [reader, decoder] = [answer.body.getReader(), new TextDecoder()];
  let rest = "";
  for (let over = false; !over; ) {
    const { done, value } = await reader.read();
    over = done;
    const lines = (rest + (value ? decoder.decode(value, { stream: true }) : "")).split("\n");
    rest = over ? "" : lines.pop();
    for (const line of lines) if (line) each(JSON.parse(line));
  }
};

// One count of one set: how many of how many, what share that is, and its interval as a line.
const countCell = (kind) => {
  const cell = { count: el("strong"), of: el("span", { class: "of" }), share: el("span", { class: "share" }),
    low: el("i", { class: "low" }), dot: el("i", { class: "dot" }), range: el("span", { class: "range" }) };
  cell.root = el("div", { class: "cell", "data-kind": kind }, el("span", { class: "tally" }, el("span", {}, cell.count, cell.of), cell.share),
    el("span", { class: "bounds" }, el("span", { class: "whisker", "aria-hidden": "true" }, cell.low, cell.dot), cell.range));
  cell.fill = ({ hits, trials, value, low, high }, untouched) => {
    const known = trials > 0 && !untouched;
    say(cell.count, trials ? String(hits) : "\u2013");
    say(cell.of, w("elsewhere.of", { trials }));
    say(cell.share, known ? percent(value) : "");
    say(cell.range, known ? w("elsewhere.range", { low: percent(low), high: percent(high) }) : "");
    cell.low.style.left = `${100 * low}%`;
    cell.low.style.width = `${known ? 100 * (high - low) : 0}%`;
    cell.dot.style.left = `${100 * (value ?? 0)}%`;
    cell.dot.hidden = !known;
  };
  return cell;
};

// One number from -100 to +100 on a line, its interval, and where the sham edits came to lie.
const netPart = (root) => {
  const [value, range, sum] = [el("strong"), el("span", { class: "range" }), el("p", { class: "sum" })];
  const [low, dot, shams] = [el("i", { class: "low" }), el("i", { class: "dot" }), el("span", { class: "shams" })];
  root.replaceChildren(el("p", { class: "is" }, term("net", w("elsewhere.net")), value, range),
    el("span", { class: "whisker", "aria-hidden": "true" }, el("i", { class: "nought" }), shams, low, dot), sum);
  const at = (share) => `${50 + 50 * share}%`;
  return ({ net, sets, shams: found, edits }) => {
    const known = net && edits;
    say(value, known ? w("elsewhere.net_is", { points: points(net.value) }) : "\u2013");
    say(range, known ? w("elsewhere.net_range", { low: points(net.low), high: points(net.high) }) : "");
    mark(root, "data-sign", known ? Math.sign(Math.round(100 * net.value)) : 0);
    const [first, last] = [sets[0], sets.at(-1)];
    say(sum, known ? w(first === last ? "elsewhere.sum_own" : "elsewhere.sum", { fixed: percent(first.fixed.value), broken: percent(last.broken.value) }) : edits ? "" : w("elsewhere.untouched"));
    low.hidden = dot.hidden = !known;
    if (!known) return shams.replaceChildren();
    low.style.left = at(net.low);
    low.style.width = `${50 * (net.high - net.low)}%`;
    dot.style.left = at(net.value);
    shams.replaceChildren(...found.filter((one) => one.net).map((one) => el("i", { style: `left: ${at(one.net.value)}` })));
  };
};

// The pictures whose right class lost or won most, to be opened with the same edits.
const extremesPart = (root, act, view) => {
  const kept = new Map();
  const strips = Object.fromEntries(ENDS.map(([end, word]) => {
    const strip = el("span", { class: "filmstrip" });
    root.append(el("div", { class: "extreme" }, term("change", word()), strip));
    return [end, strip];
  }));
  const buttonOf = (one) => {
    const button = kept.get(one.name) ?? el("button", { type: "button" }, el("img", { src: one.url, alt: "", loading: "lazy" }));
    kept.set(one.name, button);
    button.onclick = () => view.busy() || act({ kind: "open", picture: one.name });
    button.title = w("elsewhere.thumb", { ...one, change: signed(one.change) });
    mark(button, "aria-label", button.title);
    mark(button, "data-kind", one.kind);
    button.disabled = view.still;
    return button;
  };
  return (pictures) => {
    for (const [end] of ENDS) {
      const wanted = pictures[end].map(buttonOf);
      const same = wanted.length === strips[end].children.length && wanted.every((node, at) => node === strips[end].children[at]);
      if (same) continue;
      strips[end].replaceChildren(...(wanted.length ? wanted : [el("small", {}, w("elsewhere.thumb_none"))]));
      strips[end].scrollLeft = 0;
    }
  };
};

const ripplePart = (part, act, view) => {
  const [lost, shamed] = [el("span"), el("span")];
  const loss = term("loss", w("elsewhere.loss"));
  part.worst.replaceChildren(loss, lost);
  part.sham.replaceChildren(term("sham", w("elsewhere.sham")), shamed);
  const [net, extremes, aftermath] = [netPart(part.net), extremesPart(part.extremes, act, view), aftermathPart(part)];
  let [asked, waiting, cells] = [null, null, {}];

  const lay = (sets) => {
    const wanted = sets.map(({ kind }) => kind).join(" ");
    if (part.counts.dataset.sets === wanted) return;
    part.counts.dataset.sets = wanted;
    cells = Object.fromEntries(sets.map(({ kind }) => [kind, Object.fromEntries(COUNTS.map(([count]) => [count, countCell(count)]))]));
    part.counts.replaceChildren(el("span", { class: "set" }, term("interval", w("elsewhere.interval"))), ...sets.map(({ kind }) => el("span", { class: "set" }, term(SETS[kind][0], SETS[kind][1]()))),
      ...COUNTS.flatMap(([count, word]) => [el("span", { class: "word", "data-kind": count }, term(count, word())), ...sets.map(({ kind }) => cells[kind][count].root)]));
    part.counts.style.setProperty("--sets", sets.length);
  };

  const fill = (seen) => {
    const untouched = !seen.edits;
    const [images, of] = ["images", "of"].map((name) => seen.sets.reduce((sum, one) => sum + one[name], 0));
    const all = images === of;
    lay(seen.sets);
    mark(part.ripple, "data-stale", false);
    mark(part.ripple, "aria-busy", !seen.done);
    mark(part.counts, "data-state", all ? seen.state : "");
    mark(part.ripple, "data-untouched", untouched);
    say(part.measuring, !of ? w("elsewhere.not_measured") : all ? w("elsewhere.pictures", { images }) : w("elsewhere.so_far", { images, of }));
    for (const one of seen.sets) for (const [count] of COUNTS) cells[one.kind][count].fill(one[count], untouched);
    net(seen);
    aftermath.fill(seen.own);
    // The lists below are long, and would jump about while they fill: they come once everything is counted.
    if (!all) return;
    const worst = seen.worst.map(({ label, lost, images }) => w("elsewhere.lost_one", { label, lost, images }).replaceAll(" ", "\u00a0")).join(", ");
    loss.hidden = !worst;
    say(lost, untouched ? "" : worst ? w(seen.worst.length === 3 ? "elsewhere.lost_worst" : "elsewhere.lost", { classes: worst }) : !of || seen.sets.at(-1).broken.hits ? "" : w("elsewhere.lost_none"));
    const nets = seen.shams.filter(({ kind, net: one }) => kind === "random" && one).map(({ net: one }) => one.value);
    const flipped = seen.shams.find(({ kind }) => kind === "flipped")?.net;
    part.sham.style.visibility = untouched || !seen.net ? "hidden" : "";
    say(shamed, nets.length && flipped && seen.done
      ? w("elsewhere.shams", { low: points(Math.min(...nets)), high: points(Math.max(...nets)), flipped: points(flipped.value) })
      : w("elsewhere.shams_wait"));
    part.sham.title = shamed.textContent;
    part.worst.title = worst;
    extremes(seen.pictures);
  };

  const ask = (data) => {
    asked = data.state;
    aftermath.wait(data);
    waiting?.abort();
    waiting = new AbortController();
    mark(part.ripple, "data-stale", true);
    mark(part.ripple, "aria-busy", true);
    say(part.measuring, w("elsewhere.measuring"));
    const where = new URL(data.replayed ?? "api/ripple", document.baseURI);
    if (!data.replayed) where.search = new URLSearchParams({ s: new URLSearchParams(location.search).get("s") ?? "", state: data.state });
    let whole = false;
    fetch(where, { signal: waiting.signal, cache: "no-store" })
      .then((answer) => (answer.ok && answer.body ? answer : Promise.reject(answer.status)))
      .then((answer) => readLines(answer, (seen) => {
        if (seen.state !== asked || seen.state !== data.state) return;
        whole = seen.done;
        fill(seen);
      }))
      .then(() => whole || data.state !== asked || Promise.reject(0))
      .catch((error) => {
        if (error?.name === "AbortError") return;
        say(part.measuring, w("elsewhere.not_measured"));
        mark(part.ripple, "aria-busy", false);
        asked = null;
      });
  };

  return (data) => {
    part.ripple.hidden = !data.tools.includes("ripple");
    part.extremes.hidden = !data.tools.includes("open");
    if (!part.ripple.hidden && asked !== data.state) ask(data);
  };
};
