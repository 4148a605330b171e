// Every act gets an id here and is kept, in order, until the server says that this id stands in the log.
// The copy in sessionStorage lets a reload, or a server that was away, send it again; the id keeps it single.
const PATIENCE_MS = 2500;
const MEASURING_MS = 20_000; // a claim is measured before it is written, and on a large model that takes a while
const DESPAIR = 4;

class Outbox {
  constructor(session, changed) {
    this.shelf = `tiller-outbox:${session}`;
    this.changed = changed;
    this.send = () => {};
    this.tries = 0;
    this.timer = null;
    this.refusal = "";
    try {
      this.acts = JSON.parse(sessionStorage.getItem(this.shelf) ?? "[]");
    } catch {
      this.acts = [];
    }
  }

  keep() {
    try {
      sessionStorage.setItem(this.shelf, JSON.stringify(this.acts));
    } catch {
      // A browser without storage still sends; it only cannot send again after a reload.
    }
  }

  put(act) {
    this.refusal = "";
    this.acts.push({
      id: crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}-${Math.random()}`,
      epoch_ms: Date.now(),
      perf_ms: performance.now(),
      origin_ms: performance.timeOrigin,
      ...act,
    });
    this.keep();
    this.flush();
  }

  flush() {
    this.send([...this.acts]);
    this.wait();
    this.tell();
  }

  // The page below says what waits; its own word that the server is away would be a second one.
  tell() {
    document.body.toggleAttribute("data-away", this.mood === "unsaved");
    this.changed();
  }

  close() {
    clearTimeout(this.timer);
    document.body.removeAttribute("data-away");
  }

  wait() {
    clearTimeout(this.timer);
    const patience = this.acts.some(({ kind }) => kind === "claim") ? MEASURING_MS : PATIENCE_MS;
    this.timer = this.acts.length ? setTimeout(() => this.again(), patience) : null;
  }

  again() {
    this.tries += 1;
    this.tell();
    if (this.tries % DESPAIR) {
      this.flush();
      return;
    }
    // The server answers but this page's own line to it is stale: a fresh page sends the kept acts again.
    fetch(new URL("api/health", document.baseURI), { cache: "no-store" })
      .then((answer) => (answer.ok ? location.reload() : this.wait()))
      .catch(() => this.wait());
  }

  // `answers` has one sentence per id that the server has dealt with: empty where the act stands in the log.
  settle(answers) {
    const before = this.acts.length;
    for (const { id } of this.acts) if (answers[id]) this.refusal = answers[id];
    this.acts = this.acts.filter(({ id }) => !(id in answers));
    if (this.acts.length === before) return;
    this.tries = 0;
    this.keep();
    this.wait();
    document.body.removeAttribute("data-away");
  }

  pending(component) {
    const edits = this.acts.filter((act) => act.kind === "edit" && act.component === component);
    return edits.length ? edits[edits.length - 1] : null;
  }

  get mood() {
    if (this.refusal) return "refused";
    // Ticks and values passed through on the way are no steps: nothing that was done is lost with them.
    if (this.acts.every(({ kind }) => kind === "tick" || kind === "preview")) return "saved";
    return this.tries ? "unsaved" : "saving";
  }
}
