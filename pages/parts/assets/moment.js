// One moment: the participant's screen as it was, and beside it what the row says.
const STEPS = { welcome: "Welcome", consent: "Consent", briefing: "Task", workspace: "Workspace", answer: "Answer", done: "Thanks",
  device: "Window", mic: "Microphone", text: "Text", questions: "Questions", instrument: "Questionnaire", tutorial: "Practice" };

const barsOf = (says) =>
  el("div", { class: "saysbars" }, ...says.map(({ label, before, now }, at) => {
    const was = el("i", { class: "was" });
    const is = el("i", { class: "now" });
    was.style.left = `${100 * before}%`;
    is.style.width = `${100 * now}%`;
    was.hidden = Math.round(100 * before) === Math.round(100 * now);
    return el("div", { "data-side": ["target", "against"][at] ?? "other" }, el("span", {}, label), el("span", { class: "track" }, was, is), el("span", { class: "share" }, percent(now)));
  }));

// The little Markdown that scripts and consent texts are written in: paragraphs, headings, bold.
const proseOf = (text) => text.split(/\n\s*\n/).map((block) => {
  const heading = /^#+\s+/.exec(block);
  const pieces = block.replace(/^#+\s+/, "").replace(/\s*\n\s*/g, " ").trim().split("**");
  return el(heading ? "h3" : "p", {}, ...pieces.map((piece, at) => (at % 2 ? el("b", {}, piece) : piece)));
});

const sheetOf = (sheet) => {
  const words = [...(sheet.title ? [el("h2", {}, sheet.title)] : []), ...(sheet.words ?? []).flatMap(proseOf)];
  for (const { label, answer } of sheet.scopes ?? []) words.push(el("p", { class: "asked" }, label, el("b", { class: "standing" }, answer)));
  for (const each of sheet.questions ?? []) {
    const number = each.number ?? null;
    const given = each.text || (number === null ? "\u2013" : String(number));
    const range = each.max === undefined ? "" : ` (${each.min} to ${each.max})`;
    words.push(el("div", { class: "asked" }, el("p", {}, `${each.label}${range}`), el("p", { class: "given" }, given), el("b", { class: "standing" }, each.state)));
  }
  words.push(...proseOf(sheet.text ?? ""));
  const picture = sheet.image ? [el("figure", {}, el("img", { src: sheet.image, alt: "The picture of this task" }), barsOf(sheet.says))] : [];
  return [...picture, el("div", { class: "prose" }, ...words)];
};

const momentPart = (part, base) => {
  let bench = null;
  let wide = false;
  const fit = () => {
    // As large as the column is wide and the window is high, laid out as on a screen of this window's own size.
    const page = document.documentElement;
    const room = part.screen.clientWidth - 2;
    const left = window.innerHeight - (part.stage.getBoundingClientRect().top + page.scrollTop) - 8;
    const high = wide ? 1 : Math.max(0.55, left / (Math.max(736, window.innerHeight - 24) + 20));
    const zoom = Math.min(1, room / Math.max(1000, page.clientWidth - 56), high);
    part.scene.style.setProperty("--deep", `${Math.max(440, window.innerHeight - (part.scene.getBoundingClientRect().top + page.scrollTop) - 10)}px`);
    part.stage.style.setProperty("--own", `${room / zoom}px`);
    part.stage.style.setProperty("--zoom", zoom);
  };
  new ResizeObserver(fit).observe(part.screen);
  part.wide.onclick = () => {
    wide = !wide;
    mark(part.scene, "data-wide", wide);
    mark(part.wide, "aria-pressed", wide);
    say(part.wide, wide ? "Smaller" : "Larger");
    fit();
  };

  return (moment) => {
    const { board, sheet, gone, step, picture, pictures } = moment;
    const of = picture ? `, picture ${picture} of ${pictures}` : "";
    say(part.step, step ? `What the participant saw: ${STEPS[step] ?? step}${of}` : "");
    part.stage.hidden = !board;
    part.sheet.hidden = !sheet;
    part.gone.hidden = !gone;
    if (gone) say(part.gone, gone);
    if (sheet) part.sheet.replaceChildren(...sheetOf(sheet));
    if (board) {
      const data = { ...board, replayed: `${base}/${moment.row.seq}/ripple` };
      bench ??= open(part.stage, data);
      bench.draw(data);
      fit();
    }
  };
};

const VERDICTS = {
  BIT_EXACT: "The model says the same again, bit for bit.",
  WITHIN_TOLERANCE: "The model says the same within 0.0001 of a logit, in another environment.",
  MISMATCH: "The model says something else now.",
  UNRUNNABLE: "It cannot be run again here.",
};

const aboutPart = (part, tape, base) => (moment) => {
  const { row } = moment;
  const index = row.seq - tape.rows[0][0];
  const near = (tape.speech ?? []).filter(({ begin, end }) => end >= tape.rows[index][1] - 8000 && begin <= tape.rows[index][1] + 8000);
  const codes = tape.codes.filter(({ first, last }) => first <= row.seq && row.seq <= last);
  const fact = (name, ...value) => [el("dt", {}, name), el("dd", {}, ...value)];
  const verdict = el("p", { class: "verdictline", role: "status" });
  const again = el("button", { type: "button", title: "Ask the model anew, from the files that the log names" }, "Run again");
  again.onclick = () => {
    again.disabled = true;
    say(verdict, "Running\u2026");
    fetch(new URL(`${base}/${moment.predicted}/again`, document.baseURI), { cache: "no-store" })
      .then((answer) => answer.json())
      .then((found) => {
        mark(verdict, "data-verdict", found.verdict ?? "UNRUNNABLE");
        const differing = Object.entries(found.differing ?? {}).map(([name, [then, now]]) => `${name} was ${then || "not logged"}, is ${now}`);
        verdict.replaceChildren(el("b", {}, (found.verdict ?? "Not run").replace("_", " ")), ` ${VERDICTS[found.verdict] ?? ""} ${found.reason ?? found.refused ?? ""}`,
          ...(differing.length ? [el("small", {}, differing.join("; "))] : []));
      })
      .catch(() => say(verdict, "That could not be run; try again."))
      .finally(() => (again.disabled = false));
  };
  part.about.replaceChildren(
    el("h3", {}, row.words),
    el("p", { class: "chips" }, ...codes.map(({ name, layer }) => el("span", { class: "chip", "data-layer": layer, "data-name": name, title: tape.definitions[name] ?? "" }, name))),
    ...(moment.predicted ? [el("div", { class: "rerun" }, again, el("span", {}, `the prediction on the screen, row ${moment.predicted}`)), verdict] : []),
    el("dl", {}, ...fact("When", `${clockOf(tape.rows[index][1], 3)} in the session`, el("small", {}, row.at)), ...fact("Row", `${row.seq} of ${tape.rows.length}`, el("small", {}, `${row.name}, by ${row.actor}`)),
      ...fact("Digest", el("code", { title: row.digest }, `${row.digest.slice(0, 16)}\u2026`)), ...(row.state ? fact("State", el("code", { title: row.state }, `${row.state.slice(0, 16)}\u2026`)) : [])),
    ...(near.length ? [el("div", { class: "speech" }, ...near.map(({ speaker, text, begin }) => el("p", {}, el("b", {}, `${clockOf(begin)} ${speaker}`), ` ${text}`)))] : []),
    ...(row.fields.length ? [el("details", {}, el("summary", {}, `Everything on record (${row.fields.length})`),
      el("dl", { class: "fields" }, ...row.fields.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])))] : []),
  );
};
