// What is asked of the participant: a strip of its own above the picture, which covers nothing and takes no focus.
const HELD_BACK_MS = 150;

// The fields of some questions, each with what was answered; a scale has no mark until one is set.
const fieldsOf = (questions, words, changed) => {
  const mark_ = (question) => {
    const line = el("input", { type: "range", min: question.min, max: question.max, step: 1, "aria-label": question.label, "aria-valuetext": words.unset });
    const value = el("output", {}, words.unset);
    let set = null;
    const show = (number) => {
      set = number;
      line.value = number;
      line.dataset.set = "true";
      say(value, String(number));
      mark(line, "aria-valuetext", number);
    };
    line.dataset.set = "false";
    const take = () => {
      show(Number(line.value));
      changed();
    };
    // A click on the middle changes nothing in the browser's eyes, and yet it is an answer.
    line.oninput = line.onpointerup = take;
    line.onkeydown = (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      take();
    };
    if (question.start !== null && question.start !== undefined) show(question.start);
    const root = el("div", { class: "field mark" }, el("span", { class: "asked" }, question.label), line,
      el("span", { class: "ends" }, el("span", {}, question.low), value, el("span", {}, question.high)));
    return { root, first: line, answer: () => ({ number: set }), fill: (kept) => kept.number !== null && show(kept.number) };
  };
  const choice = (question) => {
    const list = el("select", { onchange: changed }, el("option", { value: "" }, words.choose),
      ...question.options.map(({ id, label }) => el("option", { value: id }, label)));
    const root = el("label", { class: "field choice" }, el("span", { class: "asked" }, question.label), list);
    return { root, first: list, answer: () => ({ text: list.value }), fill: (kept) => (list.value = kept.text) };
  };
  const words_ = (question) => {
    const area = el("textarea", { rows: 2, maxlength: 10000, oninput: changed, placeholder: question.required ? null : words.optional });
    const root = el("label", { class: "field words" }, el("span", { class: "asked" }, question.label), area);
    return { root, first: area, answer: () => ({ text: area.value.trim() }), fill: (kept) => (area.value = kept.text) };
  };
  return questions.map((question) => ({ question, ...{ slider: mark_, choice, free_text: words_ }[question.type](question) }));
};
const isOpen = ({ question, answer }) => question.required && !answer().text && (answer().number ?? null) === null;

const promptPart = (part, bench, act, hand) => {
  let shown = null;
  let latest = null;
  let came_from = null;
  let timer = null;
  const shelf = (id) => `tiller-prompt:${id}`;

  // Where the hand was before it came here: it goes back there once the question is gone.
  part.talk.addEventListener("focusin", ({ relatedTarget }) => {
    if (relatedTarget && !part.talk.contains(relatedTarget)) came_from = relatedTarget;
  });
  const leave = () => {
    const inside = part.talk.contains(part.talk.getRootNode().activeElement);
    if (inside && came_from?.isConnected) came_from.focus();
    came_from = null;
  };

  const build = ({ id, text, ask, blocking }, words) => {
    const keep = () => {
      done.disabled = fields.some(isOpen);
      const half = fields.map(({ question, answer }) => [question.id, answer()]);
      try {
        sessionStorage.setItem(shelf(id), JSON.stringify(half));
      } catch {
        // Without storage a reload loses a half-written answer, and nothing else.
      }
    };
    const done = el("button", { type: "submit", class: "primary" }, ask.length ? words.done : words.said);
    const fields = fieldsOf(ask, words, keep);
    const later = blocking ? [] : [el("button", { type: "button", class: "later", onclick: () => act({ kind: "prompt_dismiss", shown: id }) }, words.later)];
    const form = el("form", { class: ask.length ? "asks" : "asks bare" }, ...fields.map(({ root }) => root),
      el("span", { class: "ways" }, done, ...later));
    form.onsubmit = (event) => {
      event.preventDefault();
      if (fields.some(isOpen)) return;
      const answers = fields.map(({ question, answer }) => ({ item: question.id, ...answer() }));
      act({ kind: "prompt_answer", shown: id, answers: answers.filter(({ text, number }) => text || (number ?? null) !== null) });
    };
    try {
      const half = new Map(JSON.parse(sessionStorage.getItem(shelf(id)) ?? "[]"));
      for (const field of fields) if (half.has(field.question.id)) field.fill(half.get(field.question.id));
    } catch {
      // What cannot be read is written anew.
    }
    done.disabled = fields.some(isOpen);
    say(part.kind, ask.length ? words.question : words.prompt);
    say(part.asks, text);
    say(part.hold, blocking ? words.hold : "");
    part.form.replaceChildren(form);
  };

  const draw = () => {
    const { prompt, words } = latest.talk;
    if (hand.dragging()) return; // what moves now must not move away under the hand; its release draws
    if (shown === (prompt?.id ?? null)) return;
    if (shown !== null) {
      leave();
      try {
        sessionStorage.removeItem(shelf(shown));
      } catch {
        // nothing was kept
      }
    }
    shown = prompt?.id ?? null;
    if (prompt) build(prompt, words);
    else {
      say(part.kind, "");
      say(part.asks, "");
      say(part.hold, "");
      part.form.replaceChildren();
    }
    mark(part.talk, "data-up", Boolean(prompt));
    mark(bench, "data-asked", Boolean(prompt));
  };

  // A tick goes out only after the frame that shows the last answer has been painted, and while no control is held.
  const due = () => {
    if (hand.dragging() || hand.busy()) timer = setTimeout(due, HELD_BACK_MS);
    else act({ kind: "tick" });
  };
  const painted = (then) => requestAnimationFrame(() => setTimeout(then));

  return {
    draw: (data) => {
      latest = data;
      draw();
    },
    settle: (data, still) => {
      clearTimeout(timer);
      if (still || data.tick_ms === null || data.tick_ms === undefined) return;
      painted(() => {
        clearTimeout(timer);
        timer = setTimeout(due, Math.min(data.tick_ms, 2 ** 31 - 1));
      });
    },
    again: () => latest && draw(),
    close: () => clearTimeout(timer),
  };
};
