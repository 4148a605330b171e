// The bench: it draws what the log says and hands every act to the outbox. In a replay it is the same bench with no
// outbox behind it: nothing can be pressed, and what was chosen is what the log says was chosen.
const SAVED = { saved: () => w("saved"), saving: () => w("saving"), unsaved: () => w("unsaved"), refused: () => w("refused") };

const STEERS = ["suppress", "amplify", "set", "add"];

const STILL = { acts: [], mood: "saved", refusal: "", pending: () => null, settle: () => {}, flush: () => {} };

const without = ({ was, classes }) => ({ now: was, classes: classes.map((one) => ({ ...one, after: one.before })) });

// What the workspace shows while the edits are held away: the model's answer as it was before them.
const unedited = (data) => ({
  ...data,
  edits: [],
  state: `${data.state}/original`,
  ...without(data),
  changed: data.changed && { ...data.changed, ...without(data.changed) },
});

// What the workspace is about now: the task's picture, or another one that was opened with the same edits.
const facing = (data) => (data.visit ? { ...data, ...data.visit } : data);

const open = (root, data) => {
  speak(data.words);
  const still = Boolean(data.replayed);
  const bench = root.querySelector(".bench");
  const part = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
  const now = { chosen: data.view.chosen, overlay: data.view.overlay, layout: data.view.layout };
  let latest = data;
  let compared = false;
  let touched = data.view.touched;
  const guests = new Map();
  // A phone's window shows everything and steers nothing: dials and lists of this grain are not for a thumb.
  const phone = window.matchMedia("(max-width: 480px)");
  const narrow = () => !still && phone.matches;
  const marks = new Set(); // patches of the task's picture: what is searched in, and what an edit may be kept to

  const outbox = still ? STILL : new Outbox(data.session, () => drawHand());
  // What was pressed while the server was away stands here as it was pressed, although the log does not have it yet.
  for (const { kind, task, component, overlay, layout } of outbox.acts) {
    if (task !== data.task) continue;
    if (kind === "inspect") now.chosen = component;
    if (kind === "overlay") now.overlay = overlay;
    if (kind === "explain") now.layout = layout ?? now.layout;
    touched ||= kind === "inspect";
  }
  const put = (what) => outbox.put({ task: latest.task, ...what });
  const expecting = expectPart(part, bench, put, outbox);
  const act = (what) => {
    // What the hand is on is what the picture, the card and the finer controls are about.
    if (what.kind === "edit" && !still) [now.chosen, touched] = [what.component, true];
    return still || expecting.keeps(latest, what, () => drawHand()) || put(what);
  };
  // A slider that is being dragged stays where it is: whatever comes up waits for its release.
  let dragging = false;
  const hand = { dragging: () => dragging, busy: () => expecting.open() };
  bench.addEventListener("pointerdown", ({ target }) => (dragging = target.matches(".slide")));
  const released = () => {
    dragging = false;
    prompts.again();
  };
  window.addEventListener("pointerup", released);
  window.addEventListener("pointercancel", released);
  const view = {
    now,
    still,
    compared: () => compared,
    compare: (on) => {
      compared = on;
      draw();
    },
    busy: () => latest.talk.held || expecting.open(),
    held: () => view.busy() || Boolean(latest.visit) || narrow(),
    hold: () => (latest.visit ? w("visit.hold") : narrow() ? w("narrow.hold") : latest.talk.words.hold),
    marked: () => [...marks].sort((one, other) => one - other),
    mark: (patches) => {
      marks.clear();
      for (const patch of patches) marks.add(patch);
    },
    marks,
    painting: () => hold.painting(),
    painted: () => hold.painted(),
    remark: () => hold.remark(),
    pending: (index) => expecting.waiting(index) ?? outbox.pending(index),
    redraw: () => draw(),
    foresee: (index) => card.foresee(facing(latest), index),
    // A component that is not listed is known once its card has come.
    opened: (component) => {
      guests.set(component.index, component);
      if (component.index === now.chosen) draw();
    },
    choose: (index) => {
      if (still || now.chosen === index) return;
      now.chosen = index;
      touched = true;
      draw();
      act({ kind: "inspect", component: index });
    },
    overlay: (overlay) => {
      if (still || now.overlay === overlay) return;
      now.overlay = overlay;
      draw();
      act({ kind: "overlay", overlay, component: overlay === "masked" ? null : now.chosen }); // that map is no component's
    },
  };
  const picture = picturePart(part, act, view);
  const predictions = predictionsPart(part);
  const classes = classesPart(part, act, view);
  const hold = handPart(part, act, view);
  const components = componentsPart(part, act, view, hold);
  const card = cardPart(part, view);
  const explain = explainPart(part, bench, act, view, outbox);
  const plan = planPart(part, act, view, outbox);
  const search = searchPart(part, bench, act, view);
  const ripple = ripplePart(part, act, view);
  const claim = claimPart(part, act, outbox);
  const scenarios = scenariosPart(part, bench, act, view);
  const prompts = promptPart(part, bench, act, hand);
  termsPart(bench, part);

  const guide = still ? () => {} : guidePart(part, bench);

  const listed = () => facing(latest).components.find(({ index }) => index === now.chosen);
  const chosen = () => listed() ?? guests.get(now.chosen) ?? facing(latest).components[0];
  const guest = (rows) => (rows.some(({ index }) => index === now.chosen) ? null : guests.get(now.chosen) ?? listed() ?? null);

  const fill = () => {
    for (const node of root.querySelectorAll("[data-words]")) say(node, w(node.dataset.words));
    for (const node of root.querySelectorAll("[data-label]")) mark(node, "aria-label", w(node.dataset.label));
    for (const node of root.querySelectorAll("[data-title]")) mark(node, "title", w(node.dataset.title));
  };

  const hint = () => {
    const { edits, shows, now: said, was, talk } = latest;
    const elsewhere = latest.tools.includes("ripple");
    const moved = elsewhere ? "hint.moved_open" : "hint.moved_open_alone";
    if (latest.visit) return w("visit.text", { shows: quoted(latest.visit.shows) });
    if (talk.held && !talk.prompt) return talk.words.soon;
    if (narrow()) return w("narrow.text");
    if (edits.length && shows === null) return w(said.label === was.label ? "hint.still_open" : moved, { now: quoted(said.label) });
    const right = quoted(shows);
    if (edits.length && said.label === shows) return w(elsewhere ? "hint.right" : "hint.right_alone", { right });
    if (edits.length && said.label !== was.label) return w("hint.moved", { now: quoted(said.label), right });
    if (edits.length) return w("hint.still", { now: quoted(said.label) });
    if (!touched) return w("hint.look", { component: `${chosen().name} (#${now.chosen})` });
    return latest.tools.includes("suppress") ? w("hint.try", { target: quoted(was.label) }) : w("hint.compare");
  };

  const drawHand = () => {
    if (outbox.mood === "refused") {
      search.refused();
      classes.refused(outbox.refusal);
    }
    const facts = facing(latest);
    const found = search.found(facts);
    const falls = explain.falls(facts, search.open());
    const rows = falls ? [] : found ?? facts.components;
    hold.draw(facts, chosen());
    components(facts, rows, guest(rows));
    explain.draw(facts, latest, falls, search.open());
    plan(latest);
    claim(latest);
    scenarios(latest);
    mark(bench, "data-held", view.held());
    const { mood } = outbox;
    say(part.saved, SAVED[mood]());
    mark(part.saved, "data-mood", mood);
    mark(part.bar, "data-mood", mood);
    const [lesson, reading] = [latest.guide, latest.visit || narrow()];
    say(part.word, { refused: w("refused"), unsaved: w("waiting") }[mood] ?? (reading ? w("visit.word") : lesson?.word ?? w("next")));
    say(part.next, { refused: outbox.refusal, unsaved: w("away") }[mood] ?? (reading ? hint() : lesson?.text ?? hint()));
    mark(bench, "data-visit", Boolean(latest.visit));
    if (!still) for (const hand of [part.classes, part.certify]) hand.inert = narrow();
    part.back.hidden = !latest.visit || still;
  };

  const draw = () => {
    predictions(compared ? unedited(facing(latest)) : facing(latest));
    mark(bench, "data-compared", compared);
    classes.draw(facing(latest));
    drawHand();
    prompts.draw(latest);
    say(part.expected, latest.talk.came?.expected ?? "");
    say(part.came, latest.talk.came?.came ?? "");
    say(part.so_far, latest.talk.came?.so_far ?? "");
    mark(part.so_far, "title", latest.talk.came?.so_far ? latest.talk.words.so_far_title : "");
    mark(part.talk, "aria-label", latest.talk.words.region);
    mark(part.expect, "aria-label", latest.talk.words.before);
    search.draw(latest);
    picture(facing(latest), chosen());
    card.draw(facing(latest), listed() ?? guests.get(now.chosen), now.chosen);
    const place = latest.progress ? `${latest.place} \u00b7 ${latest.progress}` : latest.place;
    say(part.place, latest.visit ? w("visit.place", { place }) : place);
    say(part.goal, latest.visit ? w("visit.goal", { shows: quoted(latest.visit.shows) }) : latest.goal);
    say(part.aloud, latest.aloud);
    part.aloud.parentElement.hidden = !latest.aloud;
    mark(bench, "data-steers", latest.tools.some((tool) => STEERS.includes(tool)));
    say(part.answer, latest.guide ? latest.guide.leave : w("answer"));
    part.answer.disabled = latest.guide ? !latest.guide.may_leave : latest.still_to_try > 0;
    mark(part.answer, "title", latest.still_to_try > 0 ? w("try_first", { count: latest.still_to_try }) : "");
    say(part.stop, w("stop"));
    guide(latest);
    for (const tool of ["undo", "redo", "reset", "compare"]) part[tool].hidden = !latest.tools.includes(tool);
    ripple(latest);
    mark(bench, "data-loading", false);
  };

  const take = (fresh) => {
    if (facing(fresh).cards !== facing(latest).cards) guests.clear();
    latest = fresh;
    if (!touched) now.chosen = fresh.view.chosen;
    speak(fresh.words);
    draw();
    prompts.settle(latest, still);
  };
  fill();
  if (still) {
    for (const gone of [part.stop, part.clock]) gone.hidden = true;
    for (const hand of [part.overlays, part.control, part.search, part.searching, part.answer, part.classes, part.edits, part.undo.parentElement, part.certify, part.shelf, part.form]) hand.inert = true;
    return {
      draw: (fresh) => {
        [now.chosen, now.overlay, now.layout, touched] = [fresh.view.chosen, fresh.view.overlay, fresh.view.layout, fresh.view.touched];
        take(fresh);
        const [list, row] = [part.rows, part.rows.querySelector("[data-chosen='true']")];
        const top = row ? row.offsetTop - list.offsetTop : 0;
        if (row) list.scrollTop = clamp(list.scrollTop, top + row.offsetHeight - list.clientHeight, top);
      },
    };
  }

  part.answer.onclick = () => act({ kind: "answer" });
  part.back.onclick = () => act({ kind: "close" });
  part.stop.onclick = () => document.dispatchEvent(new CustomEvent("tiller-stop"));
  const time = ({ detail }) => {
    part.clock.hidden = !detail.known;
    say(part.clock, detail.text);
    mark(part.clock, "data-warn", detail.warn);
  };
  document.addEventListener("tiller-time", time);
  const keys = (event) => {
    if (event.key === "Escape" && latest.visit) act({ kind: "close" });
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    if (event.composedPath()[0].matches?.("input[type=text], textarea")) return;
    event.preventDefault();
    if (!view.held()) act({ kind: event.shiftKey ? "redo" : "undo" });
  };
  document.addEventListener("keydown", keys);
  phone.addEventListener("change", draw);
  // Another tab of the same session may have steered meanwhile; an empty sending fetches what the log says now.
  const back = () => document.visibilityState === "visible" && outbox.flush();
  document.addEventListener("visibilitychange", back);
  window.addEventListener("focus", back);

  // While the server is away Streamlit makes the whole page inert; an act is kept here all the same.
  const whole = document.getElementById("root");
  const barred = new MutationObserver(() => (whole.inert = false));
  barred.observe(whole, { attributeFilter: ["inert"] });

  return {
    draw: (fresh, send) => {
      outbox.send = send;
      outbox.settle(fresh.answers);
      take(fresh);
    },
    outbox,
    close: () => {
      document.removeEventListener("keydown", keys);
      phone.removeEventListener("change", draw);
      document.removeEventListener("tiller-time", time);
      document.removeEventListener("visibilitychange", back);
      window.removeEventListener("focus", back);
      window.removeEventListener("pointerup", released);
      window.removeEventListener("pointercancel", released);
      prompts.close();
      search.close();
      barred.disconnect();
      outbox.close();
    },
  };
};
