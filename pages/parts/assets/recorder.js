// The voice of one participant, recorded without a break while pages come and go: the recorder lives on the window.
// Every piece is kept here until the server says that it has it.
const PIECE_MS = 1800;
const DEAF_MS = 10_000;
const LATE_MS = 4000;
const NOTICE_MS = 20_000;
const GRACE_MS = 10_000;
const hexadecimal = (bytes) => [...new Uint8Array(bytes)].map((one) => one.toString(16).padStart(2, "0")).join("");

class Recorder {
  constructor({ owner, token }) {
    this.owner = owner;
    this.shelf = new Shelf(owner);
    this.courier = new Courier(token, this.shelf, this);
    this.views = new Set();
    this.turn = -1;
    this.allowed = false;
    this.trouble = "";
    this.chain = Promise.resolve();
    navigator.mediaDevices?.addEventListener("devicechange", () => this.trouble && this.again());
    document.addEventListener("visibilitychange", () => {
      // what a closed tab would take with it is made as short as can be
      if (document.hidden && this.recorder?.state === "recording") this.recorder.requestData();
    });
  }

  // ---- what it is told: by the page, and by the server with every piece; the later row of the record counts
  told({ voice, turn }) {
    if (turn < this.turn) return;
    [this.turn, this.voice] = [turn, voice];
    this.allowed = voice === "on" && !this.away;
    if (this.allowed) this.begin();
    else this.halt();
  }

  want({ voice, turn, away, silence_s: seconds }) {
    this.silence_ms = seconds ? 1000 * seconds : Infinity;
    const moved = away !== this.away; // another window has the session, or this one has it back
    this.away = away;
    if (turn > this.turn || moved) this.told({ voice, turn: Math.max(turn, this.turn) });
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
    this.courier.take(...(await this.shelf.left()));
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
      this.chain = this.chain.then(() => this.courier.take({ end: true, ...one }));
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
      this.courier.take(piece);
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
    if (this.recorder || this.beginning || this.courier.queue.length || !this.release) return;
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

  // ---- what the courier says
  refused(media) {
    if (media !== this.media) return;
    this.still();
    this.trouble = "failed";
  }

  delivered() {
    if (!this.courier.queue.length && !this.allowed) this.leave();
    this.show();
  }

  async silent({ media, t0, length }) {
    try {
      const answer = await this.courier.ask("sound/silence", { media, t0, length });
      if (answer.ok) for (const view of this.views) view.silent({ media, t0_ms: t0, length_ms: length });
    } catch {
      // the server is away: nobody could be asked to speak now
    }
  }

  // ---- what it shows
  // Not kept for ever, though it was to be: how much, where it has just become known.
  get lost_ms() {
    return performance.now() - this.courier.lost_at < NOTICE_MS ? this.courier.lost_ms : 0;
  }

  show() {
    const face = faceOf(this);
    const ms = face === "lost" ? this.lost_ms : this.courier.held_ms;
    for (const view of this.views) view.paint(face, Math.round(ms / 1000));
  }
}
