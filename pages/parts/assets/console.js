// The console at work: it asks what is new, draws it, and sends each act until the server has answered it.
const consoles = new WeakMap();
const EVERY_MS = 200;
const KEYS = { n: "note", s: "prompt", e: "extend", x: "skip" };

const openConsole = (root, { session }) => {
  const whole = root.querySelector(".console");
  const part = Object.fromEntries([...root.querySelectorAll("[data-console]")].map((node) => [node.dataset.console, node]));
  const forms = Object.fromEntries([...root.querySelectorAll("[data-form]")].map((node) => [node.dataset.form, node]));
  const address = new URL(`api/live/${encodeURIComponent(session)}`, document.baseURI);
  let now = null;
  let at = 0;
  let timer = null;
  let over = false;
  let stamp = null;
  let joining = false;

  const post = async (act) => {
    const body = JSON.stringify({ id: crypto.randomUUID(), ...act });
    for (let wait = 300; ; wait *= 2) {
      try {
        const answer = await fetch(address, { method: "POST", body });
        if (answer.ok || answer.status === 422) return await answer.json();
        if (answer.status === 404) return { refused: "You are signed out, or the session is gone; reload the page." };
      } catch {
        say(part.refused, "The server does not answer; this is sent again.");
        part.refused.hidden = false;
      }
      await new Promise((later) => setTimeout(later, Math.min(wait, 5000)));
    }
  };
  const act = async (what) => {
    const told = await post(what);
    part.refused.hidden = !told.refused;
    say(part.refused, told.refused ?? "");
    ask(true);
    return told;
  };

  const ready = () => {
    const own = now.writes && !now.outcome;
    for (const node of root.querySelectorAll("[data-control]")) {
      node.hidden = !now.controls.includes(node.dataset.control);
      for (const each of node.matches("form") ? node.elements : [node]) each.disabled = !own;
    }
    const take = root.querySelector("[data-do='take_over']");
    take.hidden = !now.may_write || now.writes || Boolean(now.outcome);
    const pause = root.querySelector("[data-do='pause']");
    pause.firstChild.textContent = now.paused ? "Go on " : "Pause ";
    const select = forms.prompt.elements.prompt;
    fill(select, [row("", () => el("option", { value: "" }, "Own words")), ...now.prompts.map((one) => row(one, () => el("option", { value: one.id }, one.text)))]);
    select.hidden = !now.prompts.length;
    const marks = part.flash.dataset.marks;
    if (marks !== undefined && Number(marks) < now.marks) flash();
    part.flash.dataset.marks = now.marks;
    if (!now.here && !now.outcome && !joining) {
      joining = true;
      act({ kind: "join" }).then((told) => (joining = Boolean(told.refused)));
    }
  };

  const ask = async (soon = false) => {
    clearTimeout(timer);
    if (over) return;
    timer = setTimeout(ask, EVERY_MS);
    if (document.visibilityState === "hidden" && !soon) return;
    try {
      const here = new URL(address);
      here.searchParams.set("after", now ? now.seq : 0);
      const answer = await fetch(here, { cache: "no-store" });
      if (!answer.ok) throw new Error(`${answer.status}`);
      const found = await answer.json();
      if (found.refused) {
        mark(whole, "data-loading", false);
        part.refused.hidden = false;
        return say(part.refused, found.refused);
      }
      if (over || (now && found.seq < now.seq)) return;
      if (now === null) part.refused.hidden = true; // it said why there was nothing to see yet
      at = performance.now();
      now = { ...now, ...found };
      if ("events" in found) {
        view.shown(now);
        ready();
        mark(whole, "data-seq", now.seq);
      }
      view.clocks(now, 0);
      mark(whole, "data-loading", false);
      mark(whole, "data-lost", false);
    } catch {
      mark(whole, "data-lost", true);
      if (now === null) {
        mark(whole, "data-loading", false);
        part.refused.hidden = false;
        say(part.refused, "The session could not be fetched; it is asked for again.");
      }
    }
  };

  const flash = () => {
    part.flash.hidden = false;
    setTimeout(() => (part.flash.hidden = true), 200);
    const sound = new AudioContext();
    const tone = new OscillatorNode(sound, { frequency: 1000 });
    tone.connect(sound.destination);
    tone.start();
    tone.stop(sound.currentTime + 0.2);
    tone.onended = () => sound.close();
  };

  // The moment is kept when the note is begun, whatever becomes of its words.
  const begin = () => {
    if (stamp || !now?.writes) return;
    stamp = act({ kind: "stamp" }).then((told) => {
      if (told.row) say(part.stamp, "the moment is kept");
      return told.row ?? null;
    });
  };
  const keep = async () => {
    const field = forms.note.elements.text;
    const text = field.value.trim();
    if (!text) return;
    begin();
    const moment = await stamp;
    const told = await act({ kind: "note", text, stamp: moment });
    if (told.refused) return;
    stamp = null;
    field.value = "";
    say(part.stamp, "");
  };
  const sent = {
    note: keep,
    prompt: async () => {
      const { prompt, text } = forms.prompt.elements;
      const told = await act(prompt.value ? { kind: "prompt", prompt: prompt.value } : { kind: "prompt", text: text.value });
      if (!told.refused) text.value = "";
    },
    extend: () => act({ kind: "extend", minutes: Number(forms.extend.elements.minutes.value) }),
    skip: async () => {
      const field = forms.skip.elements.reason;
      if (!(await act({ kind: "skip", reason: field.value })).refused) field.value = "";
    },
  };
  for (const [name, form] of Object.entries(forms)) {
    form.onsubmit = (event) => {
      event.preventDefault();
      sent[name]();
    };
  }
  forms.note.elements.text.oninput = () => begin();
  forms.prompt.elements.prompt.onchange = () => (forms.prompt.elements.text.disabled = Boolean(forms.prompt.elements.prompt.value));
  const pressed = {
    pause: () => act({ kind: now.paused ? "go_on" : "pause" }),
    mark_clock: () => act({ kind: "mark_clock" }),
    take_over: () => act({ kind: "take_over" }),
  };
  for (const button of root.querySelectorAll("[data-do]")) button.onclick = () => pressed[button.dataset.do]();
  const ticked = (guide, asked) => act({ kind: "tick", guide, asked });

  const keys = (event) => {
    const inside = event.composedPath()[0];
    if (event.key === "Escape" && inside?.matches?.("input, select")) inside.blur();
    if (event.ctrlKey || event.metaKey || event.altKey || !now || inside?.matches?.("input:not([type=checkbox]), select, textarea")) return;
    const form = forms[KEYS[event.key]];
    if (form && now.writes && !form.hidden) {
      if (event.key === "n") begin();
      (form.elements.text ?? form.elements[0]).focus();
    } else if (event.key === "p" && now.writes && now.controls.includes("pause")) pressed.pause();
    else if (event.key === "c" && now.writes && now.controls.includes("mark_clock")) pressed.mark_clock();
    else if (event.key === "t" && now.may_write && !now.writes) pressed.take_over();
    else if (/^[1-9]$/.test(event.key) && now.writes && now.guide[event.key - 1]) {
      const one = now.guide[event.key - 1];
      ticked(one.id, !one.asked);
    } else return;
    event.preventDefault();
  };
  const left = () => navigator.sendBeacon(address, JSON.stringify({ id: crypto.randomUUID(), kind: "leave" }));
  const view = viewOf(part, ticked);
  const ticking = setInterval(() => now && view.clocks(now, (performance.now() - at) / 1000), 500);
  document.addEventListener("keydown", keys);
  window.addEventListener("pagehide", left);
  ask();
  return () => {
    over = true;
    clearTimeout(timer);
    clearInterval(ticking);
    document.removeEventListener("keydown", keys);
    window.removeEventListener("pagehide", left);
    if (now?.here) left();
  };
};

export default function ({ data, parentElement }) {
  const known = consoles.get(parentElement);
  if (known?.session === data.session) return known.close;
  known?.close();
  const close = openConsole(parentElement, data);
  consoles.set(parentElement, { session: data.session, close });
  return close;
}
