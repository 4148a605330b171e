// What was recorded, on its way: in order, and again until the server has it or it is given up.
const SEND_MS = 10_000;
const WAITS_MS = [300, 600, 1200, 2400, 4000];
const MOST_DAMAGED = 5; // sendings of one piece: what comes damaged each time lies damaged here
const pause = (ms) => new Promise((on) => setTimeout(on, ms));

class Courier {
  constructor(token, shelf, recorder) {
    this.token = token;
    this.shelf = shelf;
    this.recorder = recorder;
    this.queue = [];
    this.compared = -Infinity;
    this.cut = {}; // by recording, where it ends because what follows may not be kept
    this.lost_ms = 0;
    this.lost_at = -Infinity;
  }

  get held_ms() {
    return this.queue.reduce((sum, { end, length_ms }) => sum + (end ? 0 : length_ms), 0);
  }

  take(...what) {
    this.queue.push(...what);
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
      this.recorder.delivered();
    }
    this.pumping = false;
    this.recorder.delivered();
  }

  // Whether this is done with, be it kept or refused for good; false to try again. Words that are not our server's own
  // (a proxy's page) are no answer.
  async sent(what) {
    try {
      if (performance.now() - this.compared > CLOCK_EVERY_MS) await this.compare();
      const answer = await this.post(what);
      const said = await answer.json();
      if (answer.status === 428) await this.compare();
      if (answer.status === 422) what.damaged = (what.damaged ?? 0) + 1;
      const again = [408, 428, 429].includes(answer.status) || answer.status >= 500;
      if (again || (answer.status === 422 && what.damaged < MOST_DAMAGED)) return false;
      this.settle(what, answer.status, said);
      return true;
    } catch {
      return false;
    }
  }

  settle({ end, media, chunk, start_ms, length_ms }, status, said) {
    if (status === 403 && !end) this.cut[media] ??= { chunks: chunk, length_ms: start_ms };
    if ([400, 409, 413, 415, 422].includes(status) && !end) {
      this.lost_ms += length_ms;
      this.lost_at = performance.now();
    }
    if (status === 404 || status === 415) this.recorder.refused(status === 404 ? this.recorder.media : media);
    else if ("voice" in said) this.recorder.told(said);
  }

  post({ end, media, chunk, bytes, chunks, start_ms, length_ms, began_ms, sha256 }) {
    if (end) return this.ask(`sound/${media}/end`, this.cut[media] ?? { chunks, length_ms });
    return this.ask(`sound/${media}/${chunk}`, { start_ms, length_ms, began_ms, sha256 }, bytes);
  }

  async compare() {
    await compareClocks(this.token);
    this.compared = performance.now();
  }

  ask(path, query, body) {
    const signal = AbortSignal.timeout(SEND_MS);
    return fetch(address(path, { s: this.token, ...query }), { method: "POST", body, signal });
  }
}
