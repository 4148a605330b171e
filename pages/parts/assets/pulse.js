// The pulse: each second it tells the server that this window is there and hears what others did; it draws the bar of
// the pages to read, and on every page the pause, the notes, the mark of the clock and the question before stopping.
const EVERY_MS = 1000;
const HIDDEN_MS = 2000;
const MISSES = 3;
const AGAIN_MS = [4000, 8000, 16000];
const LOCK_MS = 2000;
const SHELF = "tiller-window";

// The window's own name. A reload keeps it; a copied tab brings a copy of it along, and so takes another: whoever has
// the name holds its lock. A browser that does not answer is not waited for: a new name is a window's own without it.
const hold = (name) =>
  new Promise((done) => {
    if (!navigator.locks) return done(true);
    setTimeout(done, LOCK_MS, false);
    navigator.locks.request(`tiller-${name}`, { ifAvailable: true }, (lock) => {
      done(Boolean(lock));
      return lock ? new Promise(() => {}) : undefined;
    });
  });
const naming = async () => {
  let kept = null;
  try {
    kept = sessionStorage.getItem(SHELF);
  } catch {
    // without storage the name lasts until the next reload
  }
  for (let attempt = 0; kept && attempt < 6; attempt++) {
    if (await hold(kept)) return kept;
    await new Promise((on) => setTimeout(on, 50));
  }
  const made = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`;
  await hold(made);
  try {
    sessionStorage.setItem(SHELF, made);
  } catch {
    // as above
  }
  return made;
};
const named = () => (window.tillerWindow ??= naming());

const tone = () => {
  try {
    const context = new AudioContext();
    const sound = context.createOscillator();
    const loud = context.createGain();
    sound.frequency.value = 1000;
    loud.gain.value = 0.2;
    sound.connect(loud).connect(context.destination);
    sound.start();
    sound.stop(context.currentTime + 0.4);
    sound.onended = () => context.close();
  } catch {
    // a browser without sound still flashes
  }
};

const start = (root) => {
  const part = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
  const shell = root.querySelector(".pulse");
  const token = new URLSearchParams(location.search).get("s") ?? "";
  let data = null;
  let pass = () => {};
  let told = null;
  let timer = null;
  let missed = 0;
  let mark = null;
  let woken = "";
  let warned = false;
  let closed = false;
  let name = null;

  const write = (node, text) => node.textContent !== text && (node.textContent = text);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
  const shelf = () => `tiller-heard-${token.slice(0, 8)}`;
  const where = (more = {}) => {
    const address = new URL("api/pulse", document.baseURI);
    address.search = new URLSearchParams({ s: token, w: name, ...more });
    return address;
  };

  const draw = () => {
    const { words } = data;
    shell.dataset.kind = data.kind;
    part.way.hidden = !data.of;
    write(part.place, data.place);
    part.done.style.width = data.of ? `${(100 * (data.at - 1)) / data.of}%` : "0";
    part.stop.hidden = !data.can_stop;
    write(part.stop, data.stop);
    for (const [node, key] of [["stillTitle", "paused"], ["stillText", "paused_text"], ["askTitle", "ask"], ["askText", "ask_text"],
      ["askLegend", "ask_data"], ["keep", "keep"], ["erase", "erase"], ["stay", "stay"], ["go", "go"], ["heard", "heard"], ["from", "note"]]) write(part[node], words[key]);
    still(data.paused);
    state();
  };

  const state = () => {
    const away = missed >= MISSES;
    write(part.state, data.resting ? "" : away ? data.words.away : data.words.saved);
    part.state.dataset.mood = away ? "away" : "well";
  };

  const still = (paused) => {
    if (paused && !part.still.open) {
      part.still.showModal();
      part.stillTitle.focus();
    }
    if (!paused && part.still.open) part.still.close();
  };
  part.still.oncancel = (event) => event.preventDefault();

  const time = ({ left_s, warn_s, paused }) => {
    const known = left_s !== null && left_s !== undefined;
    const warn = known && left_s <= warn_s;
    const minutes = known ? Math.ceil(left_s / 60) : 0;
    const seconds = known ? Math.floor(left_s) : 0;
    const text = !known ? "" : warn
      ? fill(data.words.seconds, { time: `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` })
      : fill(minutes === 1 ? data.words.minute : data.words.minutes, { minutes });
    part.clock.hidden = !known;
    part.clock.dataset.warn = String(warn);
    write(part.clock, text);
    const soon = Math.round(left_s / 60);
    if (warn && !warned) write(part.late, soon > 1 ? fill(data.words.soon, { minutes: soon }) : data.words.soon_minute);
    warned = warn;
    document.dispatchEvent(new CustomEvent("tiller-time", { detail: { text, warn, known, paused } }));
  };

  const flash = () => {
    part.flash.hidden = false;
    tone();
    setTimeout(() => (part.flash.hidden = true), matchMedia("(prefers-reduced-motion: reduce)").matches ? 1500 : 400);
  };

  const noted = ({ seq, text }) => {
    let heard = "0";
    try {
      heard = sessionStorage.getItem(shelf()) ?? "0";
    } catch {
      // shown again after a reload then
    }
    part.note.hidden = !text || seq <= Number(heard);
    write(part.text, text);
    part.heard.onclick = () => {
      try {
        sessionStorage.setItem(shelf(), String(seq));
      } catch {
        // as above
      }
      part.note.hidden = true;
    };
  };

  // What no drawing has answered is told again: a message that is lost must not leave its window waiting.
  const tell = (what, value, tries = 0) => {
    told = { what, value, tries, at: performance.now() };
    pass(what, value);
  };
  const retell = () => {
    if (told && performance.now() - told.at > (AGAIN_MS[told.tries] ?? Infinity)) tell(told.what, told.value, told.tries + 1);
  };

  const wake = (why) => {
    if (woken === why) return;
    woken = why;
    tell("wake", why);
  };

  const hear = (answer) => {
    still(answer.paused);
    time(answer);
    noted(answer.note);
    if (mark !== null && answer.mark > mark) flash();
    mark = answer.mark;
    if (answer.others > data.seq) wake(`row ${answer.others}`);
    else if (data.window && !answer.holder) {
      if (answer.free) wake(`free ${answer.seq}`);
      else if (data.away && answer.quiet) wake(`quiet ${answer.seq}`);
      else if (!data.away) wake(`lost ${answer.seq}`);
    }
  };

  const beat = async () => {
    clearTimeout(timer);
    if (closed) return;
    if (name && data && !data.resting && token) {
      try {
        const answer = await fetch(where(), { cache: "no-store", signal: AbortSignal.timeout(8000) });
        if (!answer.ok) throw new Error(String(answer.status));
        const said = await answer.json();
        missed = 0;
        if (!closed) hear(said);
      } catch {
        missed += 1;
      }
      if (!closed) state();
    }
    if (!closed && !missed) retell();
    timer = setTimeout(beat, document.hidden ? HIDDEN_MS : EVERY_MS);
  };

  const ask = () => data.can_stop && !part.ask.open && part.ask.showModal();
  part.stop.onclick = ask;
  part.stay.onclick = () => part.ask.close();
  part.go.onclick = () => {
    part.ask.close();
    tell("withdraw", { erase: root.querySelector("input[value=erase]").checked });
  };
  const seen = () => document.hidden || beat();
  const gone = () => name && data && !data.resting && navigator.sendBeacon(where({ leave: "1" }));
  document.addEventListener("tiller-stop", ask);
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("pagehide", gone);

  return {
    draw: (fresh, setStateValue) => {
      data = fresh;
      pass = setStateValue;
      told = null;
      draw();
      named().then((mine) => {
        if (closed) return;
        const first = name === null;
        name = mine;
        if (data.window !== mine) tell("window", mine);
        if (first) beat();
      });
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
      document.removeEventListener("tiller-stop", ask);
      document.removeEventListener("visibilitychange", seen);
      window.removeEventListener("pagehide", gone);
    },
  };
};

const pulses = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let pulse = pulses.get(parentElement);
  if (!pulse) pulses.set(parentElement, (pulse = start(parentElement)));
  pulse.draw(data, setStateValue);
  return pulse.close;
}
