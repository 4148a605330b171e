// The voice of one participant, recorded without a break while pages come and go: the recorder lives on the window.
// Every piece is kept here until the server says that it has it.
const PIECE_MS = 1800;
const DEAF_MS = 10_000;
const LATE_MS = 4000;
const GRACE_MS = 10_000;
const SEND_MS = 10_000;
const WAITS_MS = [300, 600, 1200, 2400, 4000];
const hexadecimal = (bytes) => [...new Uint8Array(bytes)].map((one) => one.toString(16).padStart(2, "0")).join("");
const pause = (ms) => new Promise((on) => setTimeout(on, ms));

class Recorder {
  constructor({ owner, token }) {
    this.owner = owner;
    this.token = token;
    this.shelf = new Shelf(owner);
    this.queue = [];
    this.views = new Set();
    this.turn = -1;
    this.allowed = false;
    this.trouble = "";
    this.chain = Promise.resolve();
    this.compared = -Infinity;
    this.cut = {}; // by recording, where it ends because what follows may not be kept
    navigator.mediaDevices?.addEventListener("devicechange", () => this.trouble && this.again());
    document.addEventListener("visibilitychange", () => {
      // what a closed tab would take with it is made as short as can be
      if (document.hidden && this.recorder?.state === "recording") this.recorder.requestData();
    });
  }

  // ---- what it is told: by the page, and by the server with every piece; the later row of the record counts
  told({ voice, turn }) {
    if (turn < this.turn) return;
    [this.turn, this.allowed, this.voice] = [turn, voice === "on", voice];
    if (this.allowed) this.begin();
    else this.halt();
  }

  want({ voice, turn, silence_s: seconds }) {
    this.silence_ms = seconds ? 1000 * seconds : Infinity;
    if (turn > this.turn) this.told({ voice, turn });
    else if (this.allowed) this.begin();
  }

  attach(view) {
    clearTimeout(this.grace);
    this.views.add(view);
    this.show();
  }

  // A page that is left takes its element away before the next one brings its own.
  detach(view) {
    this.views.delete(view);
    if (!this.views.size) this.grace = setTimeout(() => this.halt(), GRACE_MS);
  }

  again() {
    this.trouble = "";
    if (this.allowed) this.begin();
  }

  // ---- recording
  async begin() {
    if (this.beginning || this.recorder) return;
    this.beginning = true;
    try {
      await this.alone();
      this.trouble = "asking";
      this.show();
      const stream = await openMicrophone();
      this.trouble = "";
      if (this.allowed) this.record(stream);
      else letGo(stream);
    } catch (error) {
      this.trouble = trouble(error);
    } finally {
      this.beginning = false;
      this.show();
    }
  }

  // One window of this browser records, and sends what another one has left behind.
  async alone() {
    if (this.release) return;
    this.elsewhere = true;
    this.show();
    this.release = await this.shelf.turn();
    this.elsewhere = false;
    await this.shelf.open();
    this.queue.push(...(await this.shelf.left()));
    this.pump();
  }

  record(stream) {
    const recorder = recorderFor(stream);
    const [track] = stream.getAudioTracks();
    const one = { media: hexadecimal(crypto.getRandomValues(new Uint8Array(16))), at: Date.now(), chunks: 0, length_ms: 0 };
    let origin = performance.now();
    const since = () => performance.now() - origin;
    recorder.onstart = () => {
      origin = performance.now();
      one.began_ms = Date.now();
      this.hush = new Hush(0);
      this.show();
    };
    recorder.ondataavailable = ({ data }) => {
      if (!data.size) return;
      const [start_ms, now] = [one.length_ms, since()];
      one.length_ms = now;
      const piece = { media: one.media, chunk: one.chunks++, began_ms: one.began_ms, start_ms, length_ms: now - start_ms };
      this.keep({ ...one }, piece, data);
    };
    recorder.onstop = () => {
      this.chain = this.chain.then(() => this.post({ end: true, ...one }));
    };
    track.onended = () => {
      this.still();
      this.trouble = "absent"; // pulled out; devicechange tries again
      this.show();
    };
    track.onmute = track.onunmute = () => this.show();
    [this.recorder, this.stream, this.track, this.media] = [recorder, stream, track, one.media];
    this.ear = new Ear(stream);
    this.looking = setInterval(() => this.listen(since()), LOOK_MS);
    recorder.start(PIECE_MS);
  }

  // The pieces of one recording are kept and sent in their order.
  keep(one, piece, data) {
    this.chain = this.chain.then(async () => {
      piece.bytes = await data.arrayBuffer();
      piece.sha256 = hexadecimal(await crypto.subtle.digest("SHA-256", piece.bytes));
      await this.shelf.put("recordings", one);
      await this.shelf.put("pieces", piece);
      this.post(piece);
    });
  }

  // The microphone is let go of; what was said until now goes on its way.
  still() {
    if (!this.recorder) return;
    clearInterval(this.looking);
    if (this.recorder.state !== "inactive") this.recorder.stop();
    letGo(this.stream);
    this.ear.close();
    this.recorder = this.stream = this.track = this.media = this.hush = this.ear = null;
  }

  halt() {
    this.still();
    this.chain.then(() => this.leave());
    this.show();
  }

  leave() {
    if (this.recorder || this.beginning || this.queue.length || !this.release) return;
    this.release();
    this.release = null;
  }

  listen(now) {
    const level = this.ear.look();
    if (level && this.hush) {
      this.hush.heard(level.rms, now);
      if (now - this.hush.spoke >= this.silence_ms) {
        const [t0, length] = [this.hush.spoke, now - this.hush.spoke];
        this.hush.spoke = now; // a silence that goes on is told in stretches that do not overlap
        this.silent({ media: this.media, t0, length });
      }
      this.deaf = now - this.hush.sounded >= DEAF_MS;
    }
    this.show();
  }

  // ---- sending
  post(what) {
    this.queue.push(what);
    this.pump();
  }

  async pump() {
    if (this.pumping) return;
    this.pumping = true;
    for (let tries = 0; this.queue.length; ) {
      if (await this.sent(this.queue[0])) {
        const [gone] = this.queue.splice(0, 1);
        tries = 0;
        await (gone.end ? this.shelf.remove("recordings", gone.media) : this.shelf.remove("pieces", [gone.media, gone.chunk]));
      } else {
        await pause(WAITS_MS[Math.min(tries++, WAITS_MS.length - 1)]);
      }
      this.show();
    }
    this.pumping = false;
    if (!this.allowed) this.leave();
  }

  // Whether this is done with, be it kept or refused for good; false to try again.
  async sent({ end, media, chunk, bytes, ...piece }) {
    try {
      if (performance.now() - this.compared > CLOCK_EVERY_MS) await this.compare();
      const { start_ms, length_ms, began_ms, sha256, chunks } = piece;
      const answer = end
        ? await this.ask(`sound/${media}/end`, this.cut[media] ?? { chunks, length_ms })
        : await this.ask(`sound/${media}/${chunk}`, { start_ms, length_ms, began_ms, sha256 }, bytes);
      const said = await answer.json();
      if (answer.status === 428) await this.compare();
      if ([408, 422, 428, 429].includes(answer.status) || answer.status >= 500) return false;
      if (answer.status === 403 && !end) this.cut[media] ??= { chunks: chunk, length_ms: start_ms };
      if (answer.status === 404 || (answer.status === 415 && media === this.media)) {
        this.still();
        this.trouble = "failed";
      } else if ("voice" in said) {
        this.told(said);
      }
      return true;
    } catch {
      return false;
    }
  }

  async compare() {
    await compareClocks(this.token);
    this.compared = performance.now();
  }

  ask(path, query, body) {
    const signal = AbortSignal.timeout(SEND_MS);
    return fetch(address(path, { s: this.token, ...query }), { method: "POST", body, signal });
  }

  async silent({ media, t0, length }) {
    try {
      const answer = await this.ask("sound/silence", { media, t0, length });
      if (answer.ok) for (const view of this.views) view.silent({ media, t0_ms: t0, length_ms: length });
    } catch {
      // the server is away: nobody could be asked to speak now
    }
  }

  // ---- what it shows
  get held_ms() {
    return this.queue.reduce((sum, { end, length_ms }) => sum + (end ? 0 : length_ms), 0);
  }

  show() {
    for (const view of this.views) view.paint(faceOf(this), Math.round(this.held_ms / 1000));
  }
}
