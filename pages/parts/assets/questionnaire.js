// All items of a questionnaire in one matrix. A row is a set of radio buttons: arrows move within it, Tab between rows,
// a digit chooses. Nothing is chosen beforehand. Answers are kept in this window until the server has them.
const REST_MS = 400;
const ANCHORS_AGAIN = 7;
const SVG = "http://www.w3.org/2000/svg";

const tick = () => {
  const drawn = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  drawn.setAttribute("class", "tick");
  drawn.setAttribute("viewBox", "0 0 16 16");
  drawn.setAttribute("aria-hidden", "true");
  path.setAttribute("d", "M2.5 8.5l3.6 3.6L13.5 4.2");
  drawn.append(path);
  return drawn;
};

const columnsOf = ({ drawn, places, noResponse }) => {
  const many = places.length;
  if (drawn === "line") return [`6.6em repeat(${many}, minmax(0, 1fr)) 6.6em 24px`, ""];
  if (drawn === "terms") return [`2.4em minmax(0, 1fr) repeat(${many}, 50px) minmax(0, 1fr) 24px`, ""];
  const cell = many > 5 ? 58 : 78;
  const choices = `repeat(${many}, ${cell}px)${noResponse ? " 84px" : ""} 24px`;
  const narrow = `repeat(${many + (noResponse ? 1 : 0)}, minmax(0, 1fr)) 24px`;
  return [`minmax(0, 1fr) ${choices}`, narrow];
};

const anchorsOf = ({ places, anchors, noResponse }) =>
  el("div", { class: "anchors", "aria-hidden": "true" }, el("span", { class: "corner" }),
    ...places.map((place) => el("span", {}, anchors[place] ?? "")),
    ...(noResponse ? [el("span", {}, noResponse)] : []), el("span"));

const rowOf = (item, data, choose) => {
  const { drawn, places, anchors, words } = data;
  const low = item.low || anchors[places[0]] || "";
  const high = item.high || anchors[places[places.length - 1]] || "";
  const choice = (place, at) => {
    const named = place === null ? data.noResponse : anchors[place];
    const spoken = place === null ? named
      : at === 0 && low ? `${place}, ${low}`
      : at === places.length - 1 && high ? `${place}, ${high}`
      : named ? `${place}, ${named}` : `${place}`;
    const input = el("input", { type: "radio", name: `${data.name}-${item.id}`, value: String(place), "aria-label": spoken });
    input.onchange = () => choose(item.id, place);
    const where = [at === 0 && "first", at === places.length - 1 && "last", at !== null && at % 10 === 0 && "tall", place === null && "apart"];
    return el("label", { class: where.filter(Boolean).join(" "), title: drawn === "points" ? named : null }, input);
  };
  const still = el("span", { class: "still" }, words.open);
  const number = el("span", { class: "number" }, `${item.number}. `);
  const said = drawn === "terms"
    ? [number, el("span", { class: "whole" }, `${low}, ${high} `), still]
    : [number, el("span", {}, ...(item.heading ? [el("b", {}, item.heading), " "] : []), `${item.text} `, still)];
  const ends = drawn === "points" ? [[], []] : [[el("span", { class: "low", "aria-hidden": "true" }, low)], [el("span", { class: "high", "aria-hidden": "true" }, high)]];
  const row = el("fieldset", { "data-item": item.id }, el("legend", {}, ...said), ...ends[0], ...places.map(choice),
    ...(data.noResponse ? [choice(null, null)] : []), ...ends[1], tick());
  row.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const digit = drawn !== "line" && /^\d$/.test(event.key) ? places.indexOf(Number(event.key)) : -1;
    const at = event.key === "Home" ? 0 : event.key === "End" ? places.length - 1 : digit;
    if (at < 0) return;
    event.preventDefault();
    const input = row.querySelectorAll("input")[at];
    input.checked = true;
    input.focus();
    choose(item.id, places[at]);
  };
  return row;
};

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".questionnaire");
  const shelf = `tiller-questionnaire-${data.name}`;
  const fresh = parentElement.held === undefined;
  if (fresh) parentElement.held = { ...data.answers, ...JSON.parse(sessionStorage.getItem(shelf) ?? "{}") };
  const held = parentElement.held;
  // What was chosen here last is newer than what has reached the server; the server answers for the rest.
  for (const [id, value] of Object.entries(data.answers)) if (!(id in held)) held[id] = value;
  const same = (other) => data.items.every(({ id }) => id in held === id in other && held[id] === other[id]);
  if (same(data.answers)) sessionStorage.removeItem(shelf);

  const paint = () => {
    for (const row of root.querySelectorAll("fieldset")) {
      const id = row.dataset.item;
      const answered = id in held;
      mark(row, "data-answered", answered);
      mark(row, "data-open", !answered && data.open.includes(id));
      for (const input of row.querySelectorAll("input")) {
        const chosen = answered && input.value === String(held[id]);
        if (input.checked !== chosen) input.checked = chosen;
      }
    }
    const done = data.items.filter(({ id }) => id in held).length;
    say(root.querySelector(".count"), data.words.count.replace("{n}", done).replace("{of}", data.items.length));
  };
  const send = () => {
    clearTimeout(parentElement.rest);
    const now = JSON.stringify(held);
    if (parentElement.sent === now) return;
    parentElement.sent = now;
    setStateValue("value", { ...held });
  };
  const choose = (id, value) => {
    held[id] = value;
    sessionStorage.setItem(shelf, JSON.stringify(held));
    parentElement.paint();
    clearTimeout(parentElement.rest);
    // each arrow key is a choice to the browser; a run of them is one to the log
    parentElement.rest = setTimeout(() => parentElement.send(), REST_MS);
  };
  parentElement.paint = paint;
  parentElement.send = send;

  const rows = root.querySelector(".rows");
  const wanted = JSON.stringify([data.drawn, data.places, data.anchors, data.noResponse, data.items]);
  if (parentElement.wanted !== wanted) {
    parentElement.wanted = wanted;
    mark(root, "data-drawn", data.drawn);
    const [columns, narrow] = columnsOf(data);
    root.style.setProperty("--columns", columns);
    root.style.setProperty("--narrow", narrow);
    rows.replaceChildren(...data.items.flatMap((item, at) => [
      ...(data.drawn === "points" && at % ANCHORS_AGAIN === 0 && data.items.length - at > 2 ? [anchorsOf(data)] : []),
      rowOf(item, data, choose),
    ]));
    rows.addEventListener("focusout", () => parentElement.send());
  }
  paint();
  if (data.asked !== parentElement.asked && data.open.length > 0) {
    rows.querySelector(`fieldset[data-open="true"] input`)?.focus();
  }
  parentElement.asked = data.asked;
  if (fresh) {
    parentElement.sent = JSON.stringify(data.answers);
    if (!same(data.answers)) send();
  }
}
