// The replay: one tape, a moment on it, and everything that follows the moment; the address bar follows too.
const players = new WeakMap();
const SPEEDS = [1, 4, 16];
const LONGEST_MS = 2000;
const SOONEST_MS = 40;
const KEPT = 120;

const playerOf = (root, { session, seq, study }) => {
  const part = Object.fromEntries([...root.querySelectorAll("[data-tape]")].map((node) => [node.dataset.tape, node]));
  const whole = root.querySelector(".replay");
  const base = `api/replay/${encodeURIComponent(session)}`;
  const moments = new Map();
  const asked = (what) => fetch(new URL(what, document.baseURI), { cache: "no-store" }).then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`${answer.status}`))));
  let at = 0;
  let tape = null;
  let speed = 1;
  let playing = null;
  let draw = () => {};

  const momentOf = (index) => {
    const row = tape.rows[index][0];
    if (!moments.has(row)) {
      moments.set(row, asked(`${base}/${row}/screen`));
      moments.get(row).catch(() => moments.delete(row));
      if (moments.size > KEPT) moments.delete(moments.keys().next().value);
    }
    return moments.get(row);
  };

  // A browser slows pages down that rewrite their address many times a second.
  let address = null;
  const follow = () => {
    address ??= setTimeout(() => {
      address = null;
      history.replaceState(history.state, "", here());
    }, 200);
  };
  const here = () => {
    const place = new URL(location.href);
    place.search = new URLSearchParams({ ...(study ? { study } : {}), session, seq: tape.rows[at][0] });
    return place;
  };

  // One line under the buttons, for as long as it is about what is shown.
  const tell = (words) => {
    say(part.told, words);
    part.told.hidden = !words;
  };

  const go = async (index) => {
    tell("");
    at = clamp(index, 0, tape.rows.length - 1);
    const mine = at;
    draw.place(mine);
    follow();
    try {
      const moment = await momentOf(mine);
      if (mine !== at) return;
      draw.moment(moment);
      mark(whole, "data-at", moment.row.seq);
      if (mine + 1 < tape.rows.length) momentOf(mine + 1);
      if (mine > 0) momentOf(mine - 1);
    } catch {
      if (mine === at) tell("This moment could not be fetched; go to it again, or reload the page.");
    }
  };
  const leap = (way) => {
    for (let index = at + way; index >= 0 && index < tape.rows.length; index += way) {
      if (draw.families[index] === "intervention") return go(index);
    }
    return undefined;
  };

  const stop = () => {
    clearTimeout(playing);
    playing = null;
    draw.ear?.pause();
    say(part.play, "Play");
    say(part.hint, HINT);
  };
  const beat = () => {
    if (at + 1 >= tape.rows.length) return stop();
    const gap = tape.rows[at + 1][1] - tape.rows[at][1];
    const whole = draw.ear.heard(tape.rows[at][1], speed);
    const wait = Math.max(SOONEST_MS, whole ? gap : Math.min(gap, LONGEST_MS) / speed);
    if (whole) draw.ear.play();
    else draw.ear.pause();
    say(part.hint, gap > LONGEST_MS && !whole ? `Shortened: ${lasted(gap)} without an event.` : HINT);
    playing = setTimeout(async () => {
      await go(at + 1);
      if (playing !== null) beat();
    }, wait);
    return undefined;
  };
  const play = () => {
    if (playing !== null) return stop();
    say(part.play, "Pause");
    if (at + 1 >= tape.rows.length) at = 0;
    return beat();
  };
  const HINT = "\u2190 \u2192 one event, Shift one step of the participant, Space plays. Waits over 2 s are shortened to 2 s, but where there is sound.";

  const KEYS = { ArrowLeft: (big) => (big ? leap(-1) : go(at - 1)), ArrowRight: (big) => (big ? leap(1) : go(at + 1)), " ": play, Home: () => go(0), End: () => go(tape.rows.length - 1) };
  const keys = (event) => {
    const on = event.composedPath()[0];
    if (!tape || !(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (on.matches?.("input, select, textarea") || (event.key === " " && on.matches?.("button, summary, a"))) return;
    event.preventDefault();
    if (event.key !== " " && playing !== null) stop();
    KEYS[event.key](event.shiftKey);
  };

  const begin = (found) => {
    tape = found;
    const line = timelinePart(part, tape, (index) => {
      stop();
      go(index);
    });
    const roll = rollPart(part, tape, line.families, (index) => {
      stop();
      go(index);
    });
    const [screen, about, suppose] = [momentPart(part, base), aboutPart(part, tape, base), supposePart(part, base)];
    const end = tape.rows[tape.rows.length - 1][1];
    draw = {
      families: line.families,
      ear: earPart(part, tape, base),
      place: (index) => {
        line.move(index);
        draw.ear.seek(tape.rows[index][1]);
        roll(index);
        say(part.clock, clockOf(tape.rows[index][1], 1));
        say(part.of, `of ${clockOf(end, 1)}, row ${tape.rows[index][0]} of ${tape.rows.length}`);
      },
      moment: (moment) => {
        screen(moment);
        about(moment);
        suppose(moment);
      },
    };
    say(part.whose, tape.participant);
    say(part.facts, [tape.mode, `study ${tape.study}`, `began ${tape.began}`, `${lasted(end)}`, `${tape.rows.length} rows`, tape.erased ? `erased: ${tape.erased} rows keep only when and what kind` : ""].filter(Boolean).join(" \u00b7 "));
    say(part.hint, HINT);
    part.speeds.replaceChildren(...SPEEDS.map((each) => el("button", { type: "button", role: "radio", "aria-checked": String(each === speed), onclick: () => {
      speed = each;
      [...part.speeds.children].forEach((button, index) => mark(button, "aria-checked", SPEEDS[index] === speed));
    } }, `${each}\u00d7`)));
    for (const [name, does] of Object.entries({ first: () => go(0), back: () => go(at - 1), on: () => go(at + 1), last: () => go(tape.rows.length - 1), earlier: () => leap(-1), later: () => leap(1) })) {
      part[name].onclick = () => {
        stop();
        does();
      };
    }
    part.play.onclick = play;
    // Pressed by a pointer they let go of the keyboard, so that Space goes on to play.
    root.querySelector(".transport").onclick = (event) => event.detail && event.target.blur();
    part.copy.onclick = () => {
      const link = here().href;
      (navigator.clipboard?.writeText(link) ?? Promise.reject(new Error("no clipboard"))).then(() => say(part.copy, "Copied"), () => say(part.copy, "Copy it from the address bar"));
      setTimeout(() => say(part.copy, "Copy link"), 1500);
    };
    const turn = (which) => {
      mark(whole, "data-tab", which);
      part.list.hidden = which !== "list";
      part.if.hidden = which !== "if";
      mark(part.listtab, "aria-selected", which === "list");
      mark(part.iftab, "aria-selected", which === "if");
    };
    part.listtab.onclick = () => turn("list");
    part.iftab.onclick = () => turn("if");
    document.addEventListener("keydown", keys);
    mark(whole, "data-loading", false);
    // A row that is not there is answered with the nearest that is, and said so.
    const last = tape.rows[tape.rows.length - 1][0];
    const wanted = /^\d{1,9}$/.test(seq) ? Number(seq) : 1;
    const nearest = clamp(wanted, tape.rows[0][0], last);
    go(tape.rows.findIndex((row) => row[0] === nearest));
    if (seq && String(nearest) !== seq) tell(`The address asks for row ${quoted(seq.slice(0, 20))}; this session has the rows ${tape.rows[0][0]} to ${last}, and this is row ${nearest}.`);
  };

  asked(base).then(begin).catch(() => {
    mark(whole, "data-loading", false);
    part.gone.hidden = false;
    say(part.gone, "The session could not be fetched; reload the page to try again.");
  });
  return () => {
    stop();
    document.removeEventListener("keydown", keys);
  };
};

export default function ({ data, parentElement }) {
  const known = players.get(parentElement);
  if (known?.session === data.session) return known.close;
  known?.close();
  const close = playerOf(parentElement, data);
  players.set(parentElement, { session: data.session, close });
  return close;
}
