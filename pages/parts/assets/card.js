// The chosen component in full: its pictures first; behind tabs its codes, its classes, its kin, and this study's pictures.
const BANDS = [["top", () => w("card.strongest")], ["middle", () => w("card.middling")], ["low", () => w("card.weakest")]];
const FIRST_DOUBLING = -12; // the histograms begin at 2^-12, two bins to a doubling
const TABS = {
  examples: () => w("card.examples"),
  codes: () => w("card.codes"),
  classes: () => w("card.classes"),
  kin: () => w("card.kin"),
  study: () => w("card.study"),
};
const RESTED_MS = 50;
const LISTED = Object.keys(TABS);

const edge = (bin) => 2 ** (Math.floor(bin / 2) + FIRST_DOUBLING) * (1 + (bin % 2) / 2);
const binAt = (code) => {
  const doubling = Math.floor(Math.log2(code));
  return 2 * (doubling - FIRST_DOUBLING) + 2 * (code / 2 ** doubling - 1);
};
const rough = (code) => figure(String(Number(code.toPrecision(2))));

// One row of bars; an upright where this picture's strongest code lies, if it has one there.
const histogram = (word, counts, here) => {
  const used = counts.map((count, bin) => (count ? bin : -1)).filter((bin) => bin >= 0);
  const at = here > 0 ? clamp(binAt(here), 0, 2 * 24) : null;
  const first = Math.floor(Math.min(...used, at ?? Infinity));
  const last = Math.ceil(Math.max(...used, at ?? 0)) + 1;
  const most = Math.max(...counts);
  const bars = Array.from({ length: last - first }, (_, place) => {
    const bar = el("i");
    const count = counts[first + place] ?? 0;
    bar.style.height = count ? `${Math.max(4, (100 * count) / most)}%` : "0";
    return bar;
  });
  const plot = el("div", { class: "codes-plot", role: "img", "aria-label": w("card.histogram", { where: word, low: rough(edge(first)), high: rough(edge(last)), here: at === null ? w("card.silent_here") : fixed(here) }) }, ...bars);
  if (at !== null) {
    const mark_ = el("b", { class: "at" });
    mark_.style.left = `${(100 * (at - first)) / (last - first)}%`;
    plot.append(mark_);
  }
  return el("figure", { class: "histogram" },
    el("figcaption", {}, el("span", { class: "where" }, word),
      at === null ? el("span", {}, w("card.silent_here")) : el("span", {}, el("span", { class: "roomy" }, `${w("card.here")} `), fixed(here))),
    plot,
    el("div", { class: "ends", "aria-hidden": "true" }, el("span", {}, rough(edge(first))), el("span", {}, rough(edge(last)))));
};

const cardPart = (part, view) => {
  const name = el("h3");
  const facts = el("dl", { class: "facts" });
  const tabs = LISTED.map((tab) => el("button", { type: "button", role: "tab", id: `card-${tab}`, "aria-controls": `card-${tab}-page`, onclick: () => turn(tab) }, TABS[tab]()));
  const list = el("div", { class: "tabs", role: "tablist", "aria-label": w("card.tabs") }, ...tabs);
  const pages = Object.fromEntries(LISTED.map((tab) => [tab, el("div", { class: `page ${tab}`, role: "tabpanel", id: `card-${tab}-page`, "aria-labelledby": `card-${tab}`, tabindex: "0" })]));
  const book = el("div", { class: "book" }, ...Object.values(pages));
  part.card.replaceChildren(name, facts, list, book);
  const known = new Map();
  let edition = null;
  let shown = null;
  let filled = null;
  let waiting = null;
  let asked = null;
  let at = LISTED[0];

  const turn = (tab, focus) => {
    at = tab;
    LISTED.forEach((each, place) => {
      mark(tabs[place], "aria-selected", each === at);
      tabs[place].tabIndex = each === at ? 0 : -1;
      mark(pages[each], "data-open", each === at);
      pages[each].inert = each !== at;
    });
    if (focus) tabs[LISTED.indexOf(at)].focus();
  };
  list.onkeydown = (event) => {
    const to = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!to) return;
    event.preventDefault();
    turn(LISTED[(LISTED.indexOf(at) + to + LISTED.length) % LISTED.length], true);
  };
  turn(at);

  const fact = (word, value) => el("div", {}, el("dt", {}, word), el("dd", {}, value));
  const none = (word) => el("p", { class: "none" }, word);
  const listed = (heading, others, unit) => el("section", {}, el("h4", {}, heading),
    others.length ? el("ul", {}, ...others.map(({ index, name: called, score }) => el("li", {},
      el("button", { type: "button", class: "other", title: called, disabled: view.still, onclick: () => view.choose(index), onpointerenter: () => view.foresee(index) }, el("span", {}, called), el("small", {}, `#${index}`)),
      el("span", { class: "score" }, unit(score))))) : none(w("card.unknown")));

  const head = (chosen, card) => {
    name.replaceChildren(el("span", {}, chosen.name), el("small", {}, `#${chosen.index}`));
    // How well a name fits is known of the index's own names alone.
    const last = card?.named_by ? fact(w("card.named_by"), card.named_by) : fact(term("fit", w("card.fit")), number(chosen.fit));
    last.title = card?.named_by ?? "";
    if (facts.lastElementChild) facts.lastElementChild.replaceWith(last);
    name.title = card?.named_by ? w("card.own_name", { name: card.own_name }) : chosen.name;
  };

  const show = (chosen) => {
    shown = chosen.index;
    facts.replaceChildren(
      fact(term("code", w("card.code")), fixed(chosen.activation)),
      fact(term("p99", w("card.p99")), number(chosen.p99)),
      fact(term("density", w("card.density")), percent(chosen.density)),
      fact(term("fit", w("card.fit")), number(chosen.fit)),
    );
    head(chosen, known.get(chosen.index));
    pages.examples.replaceChildren(...BANDS.map(([band, word]) => el("figure", {},
      el("figcaption", {}, word()),
      el("span", { class: "strip-of" }, ...chosen.exemplars[band].map((src, place) =>
        el("img", { src, alt: w("card.example", { band: word(), number: place + 1, name: chosen.name }), loading: "lazy" }))))));
  };

  const fill = (card) => {
    filled = card.component.index;
    const { component, histograms, classes, study } = card;
    head(component, card);
    const patches = Math.max(0, ...component.fires);
    const plots = [["patches", w("card.patches"), patches], ["class", w("card.token"), component.class_code]]
      .filter(([place]) => histograms[place].some(Boolean))
      .map(([place, word, here]) => histogram(word, histograms[place], here));
    const [clear, mono] = [number(card.clarity), number(card.monosemanticity)];
    pages.codes.replaceChildren(
      plots.length ? el("div", { class: "histograms" }, ...plots) : none(w("card.no_codes")),
      el("dl", { class: "facts" }, fact(term("clarity", w("card.clarity")), clear), fact(term("mono", w("card.mono")), mono), fact(term("greatest", w("card.greatest")), number(card.maximum))));
    pages.classes.replaceChildren(el("p", { class: "lead" }, w("card.classes_lead")), el("ul", {}, ...classes.map(({ label, fires, images }) => {
      const bar = el("i");
      bar.style.width = `${(100 * fires) / images}%`;
      return el("li", {}, el("span", { class: "label", title: label }, label), el("span", { class: "share-bar", "aria-hidden": "true" }, bar), el("span", { class: "of" }, w("card.of", { fires, images })));
    })));
    pages.kin.replaceChildren(
      el("p", { class: "lead" }, card.runner_ups.length ? w("card.runner_ups", { names: card.runner_ups.map(([word, score]) => `${word} (${fixed(score)})`).join(", ") }) : w("card.no_runner_ups")),
      el("div", { class: "pair" }, listed(term("neighbours", w("card.neighbours")), card.neighbours, fixed), listed(term("partners", w("card.partners")), card.partners, fixed)));
    const fires = study.filter(({ code }) => code > 0);
    pages.study.replaceChildren(
      el("p", { class: "lead" }, w(study.length === 1 ? (fires.length ? "card.study_here" : "card.study_not_here") : "card.study_lead", { fires: fires.length, pictures: study.length })),
      el("div", { class: "met" }, ...fires.map(({ url, code, here }) => el("figure", { "data-here": here }, el("img", { src: url, alt: "" }), el("figcaption", {}, here ? w("card.this", { code: fixed(code) }) : fixed(code))))));
    mark(part.card, "aria-busy", false);
  };

  const fetched = (data, index, signal) => {
    const where = new URL(data.replayed ? data.replayed.replace(/ripple$/, "card") : "api/card", document.baseURI);
    where.search = new URLSearchParams(data.replayed ? { c: index } : { s: new URLSearchParams(location.search).get("s") ?? "", c: index, edition: data.cards });
    return fetch(where, { signal }).then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)));
  };

  const ask = (data, index) => {
    waiting?.abort();
    waiting = new AbortController();
    mark(part.card, "aria-busy", true);
    fetched(data, index, waiting.signal)
      .then((card) => {
        known.set(index, card);
        view.opened(card.component);
      })
      .catch((error) => {
        if (error?.name === "AbortError") return;
        mark(part.card, "aria-busy", false);
        for (const tab of LISTED.slice(1)) pages[tab].replaceChildren(none(w("card.failed")));
        filled = index;
      });
  };

  // What the pointer rests on is likely to be opened next; its card is there when it is.
  let resting = null;
  const foresee = (data, index) => {
    clearTimeout(resting);
    if (view.still || known.has(index)) return;
    const under = edition;
    resting = setTimeout(() => fetched(data, index).then((card) => under === edition && known.set(index, card)).catch(() => {}), RESTED_MS);
  };

  const draw = (data, chosen, index) => {
    if (edition !== data.cards) {
      edition = data.cards;
      known.clear();
      shown = filled = null;
    }
    if (chosen && shown !== chosen.index) show(chosen);
    if (filled === index) return;
    const card = known.get(index);
    if (card) {
      waiting?.abort();
      fill(card);
      if (!chosen) view.opened(card.component);
    }
    else if (asked !== `${edition}/${index}`) ask(data, index);
    asked = `${edition}/${index}`;
  };
  return { draw, foresee };
};
