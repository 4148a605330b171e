// What the console shows, drawn anew only where it differs.
const hourglass = (seconds) => {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};
const since = (ms) => hourglass(ms / 1000);
const ago = (seconds) => (seconds < 1.5 ? "just now" : seconds < 90 ? `${Math.round(seconds)} s ago` : `${Math.round(seconds / 60)} min ago`);
const STEP = { welcome: "at the welcome", consent: "reading the consent", device: "at the device check", mic: "at the microphone check", text: "reading", questions: "at questions", instrument: "at a questionnaire", tutorial: "in the tutorial", briefing: "reading the task", workspace: "in the workspace", answer: "answering", done: "done" };
const AWAY_S = 30;
const OLD_S = 3;

const fill = (node, rows) => {
  const print = JSON.stringify(rows.map((row) => row.print));
  if (node.dataset.print === print) return;
  node.dataset.print = print;
  node.replaceChildren(...rows.map((row) => row.draw()));
};
const row = (print, draw) => ({ print, draw });

const viewOf = (part, ticked) => {
  const bars = (says) =>
    fill(part.bars, says.map((one) => row(one, () => el(
      "div",
      { "data-side": one.side, title: `${one.label}: ${percent(one.before)} before, ${percent(one.now)} now` },
      el("span", { class: "name" }, one.label),
      el("span", { class: "track" }, el("i", { class: "now", style: `width:${100 * one.now}%` }), el("i", { class: "was", style: `left:calc(${100 * one.before}% - 1px)` })),
      el("span", { class: "share" }, percent(one.now)),
    ))));
  const timed = (list, rows) => fill(list, rows.map((one) => row(one, () => el("li", { "data-seq": one[0], "data-actor": one[2] }, el("time", {}, since(one[1])), el("span", { class: one[3] ? null : "unsaid" }, one[3] || "no words yet")))));

  const shown = (now) => {
    say(part.who, now.participant);
    const where = [now.mode === "preview" ? "rehearsal" : "", now.task ? `picture ${now.task} of ${now.tasks}` : now.title, STEP[now.step] ?? now.step, now.condition].filter(Boolean);
    say(part.where, where.join(" \u00b7 "));
    part.figure.parentNode.hidden = !now.image;
    if (now.image) {
      mark(part.image, "src", now.image);
      mark(part.image, "alt", now.beside ? "Another picture, which the participant has open" : "The picture of this task");
      say(part.truth, `${now.beside ? "Another picture, under the same edits. " : ""}It shows \u201c${now.truth}\u201d`);
      say(part.top, `\u201c${now.top}\u201d`);
    }
    bars(now.says);
    say(part.goal, now.goal || "No task at the moment.");
    fill(part.plan, (now.plan.length ? now.plan : [now.image ? "No edit stands." : "\u2013"]).map((one) => row(one, () => el("li", {}, one))));
    part.expectedbox.hidden = !now.expected;
    say(part.expected, now.expected);
    part.promptbox.hidden = !now.prompt;
    if (now.prompt) {
      say(part.promptstate, now.prompt.state === "sent" ? "Prompt, sent" : "Prompt on the participant\u2019s screen");
      say(part.prompt, now.prompt.text);
    }
    fill(part.scopes, now.scopes.map((one) => row(one, () => el("li", {}, el("b", {}, one.answer), el("span", {}, one.label)))));
    timed(part.events, now.events.toReversed());
    timed(part.notes, now.notes);
    fill(part.guide, now.guide.map((one, index) => row([one, now.writes, one.at === now.stop], () => {
      const id = `guide-${one.id}`;
      const box = el("input", { type: "checkbox", id, checked: one.asked, disabled: !now.writes, onchange: () => ticked(one.id, box.checked) });
      box.checked = one.asked;
      return el("li", { "data-asked": String(one.asked), "data-now": String(one.at === now.stop) }, box, el("label", { for: id }, one.text), index < 9 ? el("kbd", {}, `${index + 1}`) : "");
    })));
    part.guidebox.hidden = !now.guide.length;
    const others = now.present.filter((one) => one.who !== now.me).map((one) => `${one.who} ${one.role === "moderator" ? "writes" : "watches"}`);
    say(part.staff, [now.writes ? `You write as ${now.me}` : `You watch as ${now.me}`, ...others].join(" \u00b7 "));
  };

  const clocks = (now, drift) => {
    const running = !now.paused && !now.outcome;
    part.clock.hidden = now.left_s === null;
    if (now.left_s !== null) {
      const left = now.left_s - (running ? drift : 0);
      say(part.left, hourglass(left));
      say(part.leftwords, "left");
      mark(part.clock, "data-short", left < 60);
    }
    const away = now.window_s !== null && now.window_s + drift > AWAY_S;
    const mood = now.outcome ? "over" : now.paused ? "paused" : away ? "away" : "running";
    mark(part.state, "data-mood", mood);
    say(part.state, { over: `Ended: ${now.outcome.replaceAll("_", " ")}`, paused: "Paused", away: "Window not heard of", running: "Running" }[mood]);
    const heard = now.window_s === null ? "" : `, window heard ${ago(now.window_s + drift)}`;
    const saved = `Saved to row ${now.seq}, ${ago(now.quiet_s + drift)}${heard}`;
    say(part.saved, drift > OLD_S ? "The server does not answer; what you see is old." : saved);
  };
  return { shown, clocks };
};
