// The bench: it draws what the log says and hands every act to the outbox. In a replay it is the same bench with no
// outbox behind it: nothing can be pressed, and what was chosen is what the log says was chosen.
const SAVED = {
  saved: "All steps saved",
  saving: "Saving\u2026",
  unsaved: "Not saved yet",
  refused: "Not done",
};
const AWAY = "The server does not answer. Your last step is kept here and sent again until it is written; nothing is shown before that.";

const STILL = { acts: [], mood: "saved", refusal: "", pending: () => null, settle: () => {}, flush: () => {} };

const open = (root, data) => {
  const still = Boolean(data.replayed);
  const bench = root.querySelector(".bench");
  const part = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
  const now = { chosen: data.view.chosen, overlay: data.view.overlay };
  let latest = data;
  let touched = data.view.touched;

  const outbox = still ? STILL : new Outbox(data.session, () => drawHand());
  const act = (what) => still || outbox.put({ task: latest.task, ...what });
  const view = {
    now,
    still,
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
      act({ kind: "overlay", overlay, component: now.chosen });
    },
  };
  const picture = picturePart(part, act, view);
  const predictions = predictionsPart(part);
  const components = componentsPart(part, act, view, outbox);
  const card = cardPart(part);
  const plan = planPart(part, act, view, outbox);
  const ripple = ripplePart(part);
  termsPart(bench, part);

  const chosen = () => latest.components.find(({ index }) => index === now.chosen) ?? latest.components[0];

  const hint = () => {
    const { edits, shows, target, now: said, was } = latest;
    const right = quoted(shows);
    if (edits.length && said.label === shows) {
      return `The model now says ${right}. See what the same edits fix and break elsewhere; when you can name the cause, give your answer.`;
    }
    if (edits.length && said.label !== was.label) return `The answer moved to ${quoted(said.label)}, not to ${right}. Try another component, or undo.`;
    if (edits.length) return `Still ${quoted(said.label)}. Suppress another component that pushed it there, or undo.`;
    if (!touched) return `See where ${chosen().name} (#${now.chosen}) fires in this picture and what else sets it off, then choose others to compare.`;
    return `Which component should not matter here? Suppress it and watch ${quoted(target)} fall.`;
  };

  const drawHand = () => {
    components(latest);
    const { mood } = outbox;
    say(part.saved, SAVED[mood]);
    mark(part.saved, "data-mood", mood);
    mark(part.bar, "data-mood", mood);
    say(part.word, { refused: "Not done", unsaved: "Waiting" }[mood] ?? "Next");
    say(part.next, { refused: outbox.refusal, unsaved: AWAY }[mood] ?? hint());
  };

  const draw = () => {
    predictions(latest);
    drawHand();
    plan(latest);
    picture(latest, chosen());
    card(chosen());
    say(part.place, latest.place);
    say(part.goal, latest.goal);
    say(part.aloud, latest.aloud);
    say(part.answer, "Give my answer");
    for (const tool of ["undo", "redo", "reset"]) part[tool].hidden = !latest.tools.includes(tool);
    ripple(latest);
    mark(bench, "data-loading", false);
  };

  const take = (fresh) => {
    latest = fresh;
    draw();
  };
  if (still) {
    for (const hand of [part.overlays, part.answer, part.edits, part.undo.parentElement]) hand.inert = true;
    return {
      draw: (fresh) => {
        [now.chosen, now.overlay, touched] = [fresh.view.chosen, fresh.view.overlay, fresh.view.touched];
        take(fresh);
        const [list, row] = [part.rows, part.rows.querySelector("[data-chosen='true']")];
        const top = row ? row.offsetTop - list.offsetTop : 0;
        if (row) list.scrollTop = clamp(list.scrollTop, top + row.offsetHeight - list.clientHeight, top);
      },
    };
  }

  part.answer.onclick = () => act({ kind: "answer" });
  const keys = (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    if (event.composedPath()[0].matches?.("input[type=text], textarea")) return;
    event.preventDefault();
    act({ kind: event.shiftKey ? "redo" : "undo" });
  };
  document.addEventListener("keydown", keys);
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
      document.removeEventListener("visibilitychange", back);
      window.removeEventListener("focus", back);
      barred.disconnect();
      outbox.close();
    },
  };
};
