// What stands for each unit: what the log says, with the acts on their way put on top so that a key shows at once.
class Standing {
  constructor(outbox) {
    this.outbox = outbox;
    this.entries = new Map();
    this.todo = null;
  }

  take(latest) {
    this.latest = latest;
    this.entries = new Map(latest.book.layers.flatMap(({ codes }) => codes.map((code) => [code.id, code])));
    this.todo = latest.todo === null ? null : new Set(latest.todo);
  }

  get consensus() {
    return this.latest.mode === "consensus";
  }

  entry(id) {
    return this.entries.get(id) ?? { id, name: id, colour: "#8a949c" };
  }

  // The acts on their way, by their units; whoever asks about many units asks for them once.
  underway() {
    const by = new Map();
    for (const one of this.outbox.acts) {
      if (one.session !== this.latest.session || !one.unit || (one.kind === "agree") !== this.consensus) continue;
      if (!by.has(one.unit)) by.set(one.unit, []);
      by.get(one.unit).push(one);
    }
    return by;
  }

  codesOf(unit, waiting = this.underway()) {
    let codes = (this.latest.mine[unit] ?? []).map((id) => ({ ...this.entry(id), pending: false }));
    for (const one of waiting.get(unit) ?? []) {
      if (one.kind === "agree") codes = one.codes.map((id) => ({ ...this.entry(id), pending: true }));
      if (one.kind === "assign" || one.kind === "remove") codes = codes.filter(({ id }) => id !== one.code);
      if (one.kind === "assign") codes.push({ ...this.entry(one.code), pending: true });
    }
    return codes;
  }

  memoOf(unit, waiting = this.underway()) {
    const written = (waiting.get(unit) ?? []).filter(({ kind }) => kind === "memo");
    return written.length ? written[written.length - 1].text : this.latest.memos[unit] ?? "";
  }

  // What the others gave a unit, and the rules where they are wanted; in a consensus also that somebody gave nothing.
  othersOf(unit, rules) {
    const { others } = this.latest;
    const names = Object.keys(others).filter((name) => !this.consensus || unit in others[name]);
    const found = names.map((name) => ({ name, ids: others[name][unit] ?? [] })).filter(({ ids }) => this.consensus || ids.length);
    if (rules?.[unit]) found.push({ name: "rules", ids: rules[unit] });
    return found.map(({ name, ids }) => ({ name, ids: ids.filter((id) => this.entries.has(id)), codes: ids.map((id) => this.entry(id)) }));
  }

  isDecided(unit, waiting = this.underway()) {
    return this.latest.settled.includes(unit) || (waiting.get(unit) ?? []).some(({ kind }) => kind === "agree");
  }

  get isFinished() {
    const { locked, session } = this.latest;
    return locked || this.outbox.acts.some((one) => one.kind === "lock" && one.session === session);
  }

  isMine(unit) {
    return this.todo === null || this.todo.has(unit);
  }

  isOpen(unit) {
    return Boolean(unit) && !this.isFinished && this.isMine(unit);
  }

  isDone(unit, waiting = this.underway()) {
    return this.consensus ? this.isDecided(unit, waiting) : this.codesOf(unit, waiting).length > 0;
  }
}
