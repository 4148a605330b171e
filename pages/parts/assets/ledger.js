// One ledger per mounted element: keys and clicks become acts in the outbox; what stands is what the log says.
const ledgers = new WeakMap();
const stills = {}; // the units and codebook that no act changes: the server sends them once, then only their digest
const SAVED = { saved: "All saved", saving: "Saving\u2026", unsaved: "Not saved yet", refused: "Not done", writing: "Writing\u2026" };
const READ_MS = 1500;
const AWAY = "The server does not answer. Your codes are kept here and sent again until they are written.";
const FILTERS = { all: "All", todo: "To do", intervention: "Steps", utterance: "Speech", answer: "Answers" };
const PAUSE_MS = 900;

const openLedger = (root, data) => {
  const ledger = root.querySelector(".ledger");
  const part = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
  let latest = data;
  let current = null;
  let filter = "all";
  let sure = 0; // when it was asked whether the session is finished
  let pausing = null;
  let place = "";
  let entries = new Map();

  const outbox = new Outbox(data.shelf, () => draw());
  const act = (what) => outbox.put({ session: latest.session, version: latest.book.version, ...what });
  const consensus = () => latest.mode === "consensus";

  const entry = (id) => entries.get(id) ?? { id, name: id, colour: "#8a949c" };
  const index = () => {
    entries = new Map(latest.book.layers.flatMap(({ codes }) => codes.map((code) => [code.id, code])));
  };

  // What the log says with the acts on their way put on top, so that a key shows at once.
  const underway = () => {
    const by = new Map();
    for (const one of outbox.acts) {
      if (one.session !== latest.session || !one.unit || (one.kind === "agree") !== consensus()) continue;
      if (!by.has(one.unit)) by.set(one.unit, []);
      by.get(one.unit).push(one);
    }
    return by;
  };
  const codesOf = (unit, waiting = underway()) => {
    let codes = (latest.mine[unit] ?? []).map((id) => ({ ...entry(id), pending: false }));
    for (const one of waiting.get(unit) ?? []) {
      if (one.kind === "agree") codes = one.codes.map((id) => ({ ...entry(id), pending: true }));
      if (one.kind === "assign" || one.kind === "remove") codes = codes.filter(({ id }) => id !== one.code);
      if (one.kind === "assign") codes.push({ ...entry(one.code), pending: true });
    }
    return codes;
  };
  const memoOf = (unit, waiting = underway()) => {
    const written = (waiting.get(unit) ?? []).filter(({ kind }) => kind === "memo");
    return written.length ? written[written.length - 1].text : latest.memos[unit] ?? "";
  };
  const decided = (unit, waiting = underway()) => latest.settled.includes(unit) || (waiting.get(unit) ?? []).some(({ kind }) => kind === "agree");
  const finishing = () => outbox.acts.some(({ kind, session }) => kind === "lock" && session === latest.session);

  let todo = null;
  const isMine = (unit) => todo === null || todo.has(unit);
  const isOpen = (unit) => Boolean(unit) && !latest.locked && !finishing() && isMine(unit);
  const isDone = (unit, waiting) => (consensus() ? decided(unit, waiting) : codesOf(unit, waiting).length > 0);

  const passes = (unit, waiting) => {
    const words = part.search.value.trim().toLowerCase();
    if (words && ![unit.words, unit.said, unit.before, unit.after, memoOf(unit.id, waiting)].join(" ").toLowerCase().includes(words)) return false;
    if (filter === "todo") return unit.id === current || (isMine(unit.id) && !isDone(unit.id, waiting));
    return filter === "all" || unit.kind === filter;
  };

  const othersOf = (unit) => {
    const names = Object.keys(latest.others).filter((name) => !consensus() || unit in latest.others[name]);
    const found = names.map((name) => ({ name, ids: latest.others[name][unit] ?? [] })).filter(({ ids }) => consensus() || ids.length);
    if (part.rules.checked && latest.rules?.[unit]) found.push({ name: "rules", ids: latest.rules[unit] });
    return found.map(({ name, ids }) => ({ name, ids: ids.filter((id) => entries.has(id)), codes: ids.map(entry) }));
  };

  const writeMemo = () => {
    clearTimeout(pausing);
    pausing = null;
    const unit = part.memo.dataset.unit;
    if (!unit || consensus() || !isOpen(unit) || part.memo.value === memoOf(unit)) return;
    act({ kind: "memo", unit, text: part.memo.value });
  };

  const choose = (unit) => {
    if (unit === current) return;
    writeMemo();
    current = unit;
    try {
      sessionStorage.setItem(place, unit ?? "");
    } catch {
      // Without storage a reload begins at the first unit.
    }
    draw();
    reveal("nearest");
  };
  const reveal = (block) => part.rows.querySelector(`[id="unit-${current}"]`)?.scrollIntoView({ block });

  const toggle = (code) => {
    palette.describe(code);
    if (!isOpen(current)) return;
    const given = codesOf(current);
    const stands = given.some(({ id }) => id === code.id);
    if (consensus()) act({ kind: "agree", unit: current, codes: stands ? given.map(({ id }) => id).filter((id) => id !== code.id) : [...given.map(({ id }) => id), code.id] });
    else act({ kind: stands ? "remove" : "assign", unit: current, code: code.id });
  };
  const take = (ids) => act({ kind: "agree", unit: current, codes: ids });

  const units = unitsPart(part, choose);
  const palette = palettePart(part, toggle);
  const unitBox = unitPart(part, take);

  const move = (by) => {
    const waiting = underway();
    const shown = latest.units.filter((unit) => passes(unit, waiting));
    const at = shown.findIndex(({ id }) => id === current);
    const next = shown[at < 0 ? 0 : clamp(at + by, 0, shown.length - 1)];
    if (next) choose(next.id);
  };
  const next = () => {
    const waiting = underway();
    const at = latest.units.findIndex(({ id }) => id === current);
    const after = [...latest.units.slice(at + 1), ...latest.units.slice(0, at + 1)];
    const open = after.find(({ id }) => isMine(id) && !isDone(id, waiting));
    if (open) choose(open.id);
  };

  const drawFinish = (total, left) => {
    part.finish.hidden = consensus() || !total;
    // the second half of a double click would answer a question that nobody has read
    part.finish.disabled = latest.locked || finishing() || (sure && performance.now() - sure < READ_MS);
    say(part.finish, latest.locked || finishing() ? "Finished" : sure ? "Finish for good" : "Finish session");
    const asks = `${left ? `${left} of your units ${left === 1 ? "has" : "have"} no code: that will mean that none fits. ` : ""}Your codes of this session will stand as they are.`;
    const blind = latest.blind.length ? `You code this session blind, beside ${latest.blind.join(" and ")}: codes of others and of the rules are hidden until both have finished.` : "";
    const limited = todo === null ? "" : ` ${total} of ${latest.units.length} units ${total === 1 ? "is" : "are"} yours; the pale ones are context.`;
    const words = outbox.mood === "refused" ? outbox.refusal : outbox.mood === "unsaved" ? AWAY : sure ? asks : latest.locked && !consensus() ? "You have finished this session; your codes stand." : blind + limited;
    say(part.notice, words);
    part.notice.hidden = !words;
    mark(part.notice, "data-mood", outbox.mood === "refused" || outbox.mood === "unsaved" || sure ? "warn" : "calm");
  };

  const draw = () => {
    const waiting = underway();
    const rules = part.rules.checked && latest.rules ? latest.rules : {};
    const mine = latest.units.filter(({ id }) => isMine(id));
    const done = mine.filter(({ id }) => isDone(id, waiting)).length;
    units(latest, current, (unit) => ({
      codes: codesOf(unit.id, waiting),
      rules: (rules[unit.id] ?? []).map(entry),
      memo: memoOf(unit.id, waiting),
      mine: isMine(unit.id),
      decided: consensus() && decided(unit.id, waiting),
      given: consensus() ? othersOf(unit.id).filter(({ name }) => name !== "rules") : null,
      shown: passes(unit, waiting),
    }));
    const unit = latest.units.find(({ id }) => id === current);
    unitBox(latest, unit, unit ? othersOf(unit.id) : []);
    palette.draw(latest, unit ? codesOf(unit.id, waiting) : [], isOpen(current));
    part.memobox.hidden = consensus();
    if (part.memo.dataset.unit !== (current ?? "")) {
      part.memo.dataset.unit = current ?? "";
      part.memo.value = current ? memoOf(current, waiting) : "";
    } else if (root.activeElement !== part.memo && !pausing && current) {
      part.memo.value = memoOf(current, waiting);
    }
    part.memo.disabled = !isOpen(current);
    say(part.title, consensus() ? `${latest.title}: differences` : latest.title);
    say(part.about, consensus() ? `Decide each unit under the name consensus; what each coder gave stays.` : `Codebook version ${latest.book.version}`);
    say(part.given, consensus() ? "Agreed" : "Your codes");
    say(part.middle, consensus() ? "What each gave" : "The model's answer");
    mark(ledger, "data-mode", latest.mode);
    say(part.done, `${done} of ${mine.length} ${consensus() ? "decided" : "coded"}`);
    part.bar.style.width = `${mine.length ? (100 * done) / mine.length : 0}%`;
    const counts = { all: latest.units.length, todo: mine.length - done };
    for (const kind of ["intervention", "utterance", "answer"]) counts[kind] = latest.units.filter((one) => one.kind === kind).length;
    for (const button of part.filters.children) {
      const name = button.dataset.filter;
      say(button, `${FILTERS[name]} ${counts[name]}`);
      mark(button, "aria-checked", name === filter);
      button.hidden = !counts[name] && !["all", "todo"].includes(name);
    }
    part.switch.hidden = latest.rules === null;
    const none = !latest.units.some((one) => passes(one, waiting));
    part.empty.hidden = !none;
    say(part.empty, latest.units.length ? "No unit is left by this filter." : consensus() ? "They gave every unit the same codes." : "Nothing was done or said in this session.");
    const mood = outbox.mood === "saved" && pausing ? "writing" : outbox.mood;
    say(part.saved, SAVED[mood]);
    mark(part.saved, "data-mood", mood);
    drawFinish(mine.length, mine.length - done);
    mark(ledger, "data-loading", false);
  };

  part.filters.replaceChildren(...Object.keys(FILTERS).map((name) => el("button", { type: "button", role: "radio", "data-filter": name, onclick: () => { filter = name; draw(); } })));
  part.keys.replaceChildren(...[["\u2191 \u2193", "move"], ["n", "next without a code"], ["m", "memo"], ["a code's key", "give it, or take it off"], ["/", "search"], ["Esc", "back to the list"]]
    .flatMap(([key, words]) => [el("kbd", {}, key), `${words}`]));
  part.search.oninput = () => draw();
  part.rules.onchange = () => draw();
  part.memo.oninput = () => {
    clearTimeout(pausing);
    pausing = setTimeout(writeMemo, PAUSE_MS);
    draw();
  };
  part.memo.onblur = writeMemo;
  part.finish.onclick = () => {
    if (!sure) {
      sure = performance.now();
      draw();
      setTimeout(draw, READ_MS + 20);
      setTimeout(() => { sure = 0; draw(); }, 8000);
      return;
    }
    sure = 0;
    writeMemo();
    act({ kind: "lock" });
  };

  const keys = (event) => {
    const at = event.composedPath()[0];
    const within = root.contains(at);
    if (event.key === "Escape" && within && at.matches?.("input, textarea")) {
      at.blur();
      part.rows.focus({ preventScroll: true });
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (at.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    // Elsewhere on the page a key belongs to what has the focus.
    if (!within && at !== document.body && at !== document.documentElement) return;
    const key = event.key;
    const code = key.length === 1 ? latest.book.layers.flatMap(({ codes }) => codes).find((one) => one.key === key.toLowerCase()) : null;
    if (key === "ArrowDown" || key === "j") move(1);
    else if (key === "ArrowUp" || key === "k") move(-1);
    else if (key === "PageDown") move(10);
    else if (key === "PageUp") move(-10);
    else if (key === "Home") move(-1e9);
    else if (key === "End") move(1e9);
    else if (key === "n") next();
    else if (key === "m" && !part.memo.disabled && !consensus()) part.memo.focus();
    else if (key === "/") part.search.focus();
    else if (code && !event.repeat) toggle(code);
    else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", keys);
  const leaving = () => writeMemo();
  window.addEventListener("pagehide", leaving);
  const back = () => document.visibilityState === "visible" && outbox.flush();
  document.addEventListener("visibilitychange", back);

  // While the server is away Streamlit makes the whole page inert; an act is kept here all the same.
  const whole = document.getElementById("root");
  const barred = new MutationObserver(() => (whole.inert = false));
  barred.observe(whole, { attributeFilter: ["inert"] });

  // A notice or a smaller window must not push the unit at hand out of sight.
  const resized = new ResizeObserver(() => reveal("nearest"));
  resized.observe(part.rows);

  const arrive = (fresh) => {
    latest = fresh;
    index();
    todo = fresh.todo === null ? null : new Set(fresh.todo);
    const here = `tiller-place:${fresh.shelf}:${fresh.mode}:${fresh.session}:${fresh.start ?? ""}`;
    if (here === place && fresh.units.some(({ id }) => id === current)) return;
    place = here;
    let kept = null;
    try {
      kept = sessionStorage.getItem(place);
    } catch {
      kept = null;
    }
    const there = (id) => fresh.units.some((unit) => unit.id === id);
    current = [kept, fresh.start].find(there) ?? fresh.units.find(({ id }) => isMine(id))?.id ?? null;
    requestAnimationFrame(() => reveal("center"));
  };

  return {
    draw: (fresh, send) => {
      if (fresh.session !== latest.session || fresh.mode !== latest.mode) writeMemo();
      arrive(fresh);
      outbox.send = send;
      outbox.settle(fresh.answers);
      draw();
    },
    outbox,
    close: () => {
      writeMemo();
      document.removeEventListener("keydown", keys);
      window.removeEventListener("pagehide", leaving);
      document.removeEventListener("visibilitychange", back);
      barred.disconnect();
      resized.disconnect();
      outbox.close();
      clearTimeout(pausing);
    },
  };
};

export default function ({ data, parentElement, setStateValue }) {
  let ledger = ledgers.get(parentElement);
  if (data.units) [stills.still, stills.kept] = [data.still, { units: data.units, book: data.book }];
  if (stills.still !== data.still) {
    setStateValue("sent", { holds: "", acts: ledger ? [...ledger.outbox.acts] : [] }); // another view's are here: ask
    return ledger?.close;
  }
  const whole = { ...stills.kept, ...data };
  const fresh = !ledger;
  if (fresh) ledgers.set(parentElement, (ledger = openLedger(parentElement, whole)));
  ledger.draw(whole, (acts) => setStateValue("sent", { holds: stills.still, acts }));
  if (fresh && ledger.outbox.acts.length) ledger.outbox.flush();
  return ledger.close;
}
