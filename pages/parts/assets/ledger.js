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

  const outbox = new Outbox(data.shelf, () => draw());
  const act = (what) => outbox.put({ session: latest.session, version: latest.book.version, ...what });
  const now = new Standing(outbox);
  now.take(data);

  const passes = (unit, waiting) => {
    const words = part.search.value.trim().toLowerCase();
    if (words && ![unit.words, unit.said, unit.before, unit.after, now.memoOf(unit.id, waiting)].join(" ").toLowerCase().includes(words)) return false;
    if (filter === "todo") return unit.id === current || (now.isMine(unit.id) && !now.isDone(unit.id, waiting));
    return filter === "all" || unit.kind === filter;
  };

  const rules = () => (part.rules.checked ? latest.rules : null) ?? {};

  const writeMemo = () => {
    clearTimeout(pausing);
    pausing = null;
    const unit = part.memo.dataset.unit;
    if (!unit || now.consensus || !now.isOpen(unit) || part.memo.value === now.memoOf(unit)) return;
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
    if (!now.isOpen(current)) return;
    const given = now.codesOf(current);
    const stands = given.some(({ id }) => id === code.id);
    if (now.consensus) act({ kind: "agree", unit: current, codes: stands ? given.map(({ id }) => id).filter((id) => id !== code.id) : [...given.map(({ id }) => id), code.id] });
    else act({ kind: stands ? "remove" : "assign", unit: current, code: code.id });
  };
  const take = (ids) => act({ kind: "agree", unit: current, codes: ids });

  const units = unitsPart(part, choose);
  const palette = palettePart(part, toggle);
  const unitBox = unitPart(part, take);

  const move = (by) => {
    const waiting = now.underway();
    const shown = latest.units.filter((unit) => passes(unit, waiting));
    const at = shown.findIndex(({ id }) => id === current);
    const next = shown[at < 0 ? 0 : clamp(at + by, 0, shown.length - 1)];
    if (next) choose(next.id);
  };
  const next = () => {
    const waiting = now.underway();
    const at = latest.units.findIndex(({ id }) => id === current);
    const after = [...latest.units.slice(at + 1), ...latest.units.slice(0, at + 1)];
    const open = after.find(({ id }) => now.isMine(id) && !now.isDone(id, waiting));
    if (open) choose(open.id);
  };

  const drawFinish = (total, left) => {
    part.finish.hidden = now.consensus || !total;
    // the second half of a double click would answer a question that nobody has read
    part.finish.disabled = now.isFinished || (sure && performance.now() - sure < READ_MS);
    say(part.finish, now.isFinished ? "Finished" : sure ? "Finish for good" : "Finish session");
    const asks = `${left ? `${left} of your units ${left === 1 ? "has" : "have"} no code: that will mean that none fits. ` : ""}Your codes of this session will stand as they are.`;
    const blind = latest.blind.length ? `You code this session blind, beside ${latest.blind.join(" and ")}: codes of others and of the rules are hidden until both have finished.` : "";
    const limited = now.todo === null ? "" : ` ${total} of ${latest.units.length} units ${total === 1 ? "is" : "are"} yours; the pale ones are context.`;
    const words = outbox.mood === "refused" ? outbox.refusal : outbox.mood === "unsaved" ? AWAY : sure ? asks : latest.locked && !now.consensus ? "You have finished this session; your codes stand." : blind + limited;
    say(part.notice, words);
    part.notice.hidden = !words;
    mark(part.notice, "data-mood", outbox.mood === "refused" || outbox.mood === "unsaved" || sure ? "warn" : "calm");
  };

  const draw = () => {
    const waiting = now.underway();
    const ruled = rules();
    const mine = latest.units.filter(({ id }) => now.isMine(id));
    const done = mine.filter(({ id }) => now.isDone(id, waiting)).length;
    units(latest, current, (unit) => ({
      codes: now.codesOf(unit.id, waiting),
      rules: (ruled[unit.id] ?? []).map((id) => now.entry(id)),
      memo: now.memoOf(unit.id, waiting),
      mine: now.isMine(unit.id),
      decided: now.consensus && now.isDecided(unit.id, waiting),
      given: now.consensus ? now.othersOf(unit.id) : null,
      shown: passes(unit, waiting),
    }));
    const unit = latest.units.find(({ id }) => id === current);
    unitBox(latest, unit, unit ? now.othersOf(unit.id, ruled) : []);
    palette.draw(latest, unit ? now.codesOf(unit.id, waiting) : [], now.isOpen(current));
    part.memobox.hidden = now.consensus;
    if (part.memo.dataset.unit !== (current ?? "")) {
      part.memo.dataset.unit = current ?? "";
      part.memo.value = current ? now.memoOf(current, waiting) : "";
    } else if (root.activeElement !== part.memo && !pausing && current) {
      part.memo.value = now.memoOf(current, waiting);
    }
    part.memo.disabled = !now.isOpen(current);
    say(part.title, now.consensus ? `${latest.title}: differences` : latest.title);
    say(part.about, now.consensus ? `Decide each unit under the name consensus; what each coder gave stays.` : `Codebook version ${latest.book.version}`);
    say(part.given, now.consensus ? "Agreed" : "Your codes");
    say(part.middle, now.consensus ? "What each gave" : "The model's answer");
    mark(ledger, "data-mode", latest.mode);
    say(part.done, `${done} of ${mine.length} ${now.consensus ? "decided" : "coded"}`);
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
    say(part.empty, latest.units.length ? "No unit is left by this filter." : now.consensus ? "They gave every unit the same codes." : "Nothing was done or said in this session.");
    const mood = outbox.mood === "saved" && pausing ? "writing" : outbox.mood;
    say(part.saved, SAVED[mood]);
    mark(part.saved, "data-mood", mood);
    drawFinish(mine.length, mine.length - done);
    mark(ledger, "data-loading", false);
  };

  part.filters.replaceChildren(...Object.keys(FILTERS).map((name) => el("button", { type: "button", role: "radio", "data-filter": name, onclick: () => { filter = name; draw(); } })));
  part.keys.replaceChildren(...KEYS.flatMap(([key, words]) => [el("kbd", {}, key), words]));
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

  const silence = keyboard(root, {
    leave: () => part.rows.focus({ preventScroll: true }),
    move,
    next,
    memo: () => (part.memo.disabled || now.consensus ? false : part.memo.focus()),
    search: () => part.search.focus(),
    code: (key) => {
      const code = latest.book.layers.flatMap(({ codes }) => codes).find((one) => one.key === key);
      return code ? toggle(code) : false;
    },
  });
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
    now.take(fresh);
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
    current = [kept, fresh.start].find(there) ?? fresh.units.find(({ id }) => now.isMine(id))?.id ?? null;
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
      silence();
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
