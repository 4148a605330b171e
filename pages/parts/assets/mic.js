// Hear yourself before you are heard: a sentence is recorded and played back here, and nothing of it leaves the browser.
const LONGEST_MS = 15_000;
const SHORTEST_MS = 700;
const SILENT_DB = -70;
const QUIET_DB = -40;
const CLIPPED_DB = -1;
const MUTED_MS = 4000;
const AGAIN_MS = 2500;

class Check {
  constructor(parent) {
    const find = (what) => parent.querySelector(what);
    for (const name of ["open", "bench", "record", "say", "verdict", "confirm", "without", "meter"]) this[name] = find(`.${name}`);
    [this.device, this.now, this.peak] = [find("select"), find(".now"), find(".peak")];
    this.hearing = new Hearing(find(".player"));
    [this.deviceName, this.levelName] = [find(".device span"), find(".loud .name")];
    this.open.onclick = () => this.begin();
    this.record.onclick = () => (this.recorder?.state === "recording" ? this.recorder.stop() : this.tape());
    this.device.onchange = () => {
      localStorage.setItem(MICROPHONE, this.device.value);
      this.begin();
    };
    this.confirm.onclick = () => this.tell("passed", { level_dbfs: this.level, length_ms: this.length });
    this.without.onclick = () => this.tell("without", true);
    this.plugged = () => this.stream && this.devices();
    navigator.mediaDevices?.addEventListener("devicechange", this.plugged);
  }

  draw(data, send) {
    [this.words, this.send] = [data.words, send];
    say(this.open, data.words.open);
    say(this.deviceName, data.words.device);
    say(this.levelName, data.words.level);
    mark(this.meter, "aria-label", data.words.level);
    this.hearing.speak(data.words);
    say(this.say, data.words.say);
    say(this.confirm, data.words.confirm);
    say(this.without, data.words.without);
    if (!this.record.textContent) say(this.record, data.words.record);
    this.without.hidden = !data.optional;
  }

  judge(word, wrong) {
    say(this.verdict, word ? this.words[word] : "");
    mark(this.verdict, "data-mood", wrong ? "wrong" : "right");
    this.word = word;
  }

  async begin() {
    this.still();
    try {
      this.stream = await openMicrophone();
    } catch (error) {
      this.judge(trouble(error), true);
      this.open.hidden = false;
      this.bench.hidden = true;
      return;
    }
    this.judge("");
    this.open.hidden = true;
    this.bench.hidden = false;
    this.ear = new Ear(this.stream);
    this.hush = new Hush(performance.now());
    this.looking = setInterval(() => this.listen(), LOOK_MS);
    await this.devices();
    this.record.focus();
  }

  async devices() {
    const used = this.stream.getAudioTracks()[0].getSettings().deviceId;
    const found = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "audioinput");
    this.device.replaceChildren(
      ...found.map(({ deviceId, label }, at) =>
        el("option", { value: deviceId, selected: deviceId === used }, label || `${this.words.device} ${at + 1}`),
      ),
    );
  }

  listen() {
    const level = this.ear.look();
    if (!level) return;
    const share = (db) => `${clamp((100 * (db + 60)) / 60, 0, 100)}%`;
    this.now.style.width = share(level.rms);
    this.peak.style.left = share(level.peak);
    mark(this.meter, "aria-valuenow", Math.round(clamp(level.rms, -60, 0)));
    const now = performance.now();
    this.hush.heard(level.rms, now);
    const deaf = this.stream.getAudioTracks()[0].muted || now - this.hush.sounded > MUTED_MS;
    if (deaf && !this.length) this.judge("muted", true);
    else if (!deaf && this.word === "muted") this.judge("");
    if (this.recorder?.state === "recording") this.level = Math.max(this.level, level.peak);
  }

  tape() {
    const parts = [];
    const begun = performance.now();
    [this.level, this.length] = [NOTHING_DB, 0];
    this.recorder = recorderFor(this.stream);
    this.recorder.ondataavailable = ({ data }) => parts.push(data);
    this.recorder.onstop = () => this.taped(new Blob(parts, { type: this.recorder.mimeType }), performance.now() - begun);
    this.recorder.start();
    this.hearing.hush(true);
    this.confirm.hidden = true;
    this.judge("");
    this.show(true);
    this.limit = setTimeout(() => this.recorder.state === "recording" && this.recorder.stop(), LONGEST_MS);
  }

  show(on) {
    mark(this.record, "data-on", on);
    mark(this.record, "data-done", !on && !this.confirm.hidden);
    say(this.record, this.words[on ? "stop" : this.length ? "again" : "record"]);
  }

  taped(sound, length) {
    clearTimeout(this.limit);
    this.length = length;
    const heard = length >= SHORTEST_MS && this.level >= SILENT_DB;
    if (heard) this.hearing.load(sound, length / 1000);
    this.hearing.hush(!heard);
    this.confirm.hidden = !heard;
    this.show(false);
    const word = this.level < SILENT_DB ? "muted" : this.level < QUIET_DB ? "quiet" : this.level > CLIPPED_DB ? "loud" : "good";
    this.judge(heard || word === "muted" ? word : "", word !== "good");
  }

  // A press that gets lost on its way is said again until the page that it leads to is here.
  tell(name, value) {
    this.send(name, value);
    this.confirm.disabled = this.without.disabled = true;
    this.judge("saving");
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tell(name, value), AGAIN_MS);
  }

  still() {
    clearInterval(this.looking);
    clearTimeout(this.limit);
    if (this.recorder?.state === "recording") this.recorder.stop();
    letGo(this.stream);
    this.ear?.close();
    this.stream = this.ear = this.recorder = null;
  }

  close() {
    clearTimeout(this.telling);
    this.hearing.close();
    navigator.mediaDevices?.removeEventListener("devicechange", this.plugged);
    this.still();
  }
}

const checks = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let check = checks.get(parentElement);
  if (!check) checks.set(parentElement, (check = new Check(parentElement)));
  check.draw(data, setTriggerValue);
  return () => {
    checks.delete(parentElement);
    check.close();
  };
}
