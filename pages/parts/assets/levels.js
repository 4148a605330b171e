// How loud it is, in dB below full scale, and since when nobody has spoken.
const NOTHING_DB = -100;
const LOOK_MS = 100;
const decibels = (size) => (size > 0 ? Math.max(NOTHING_DB, 20 * Math.log10(size)) : NOTHING_DB);

class Ear {
  constructor(stream) {
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.analyser.fftSize = 4096; // 85 ms at 48 kHz: looks that come every 100 ms miss little
    this.wave = new Float32Array(this.analyser.fftSize);
    this.context.createMediaStreamSource(stream).connect(this.analyser);
  }

  // Root mean square and peak; null while the browser keeps the context asleep, for then nothing is known.
  look() {
    if (this.context.state !== "running") {
      this.context.resume().catch(() => {});
      return null;
    }
    this.analyser.getFloatTimeDomainData(this.wave);
    let [sum, peak] = [0, 0];
    for (const each of this.wave) {
      sum += each * each;
      peak = Math.max(peak, Math.abs(each));
    }
    return { rms: decibels(Math.sqrt(sum / this.wave.length)), peak: decibels(peak) };
  }

  close() {
    this.context.close().catch(() => {});
  }
}

// Speech is what stands out of the room: 10 dB above its quiet moments, and louder than -60 dB, two looks in a row.
// The room is learnt from below at once and forgotten upwards slowly, so that a long sentence does not become it.
class Hush {
  constructor(now) {
    this.room = -50;
    this.loud = 0;
    this.spoke = now; // ms of the recording
    this.sounded = now;
  }

  heard(rms, now) {
    this.room = rms < this.room ? this.room + 0.3 * (rms - this.room) : this.room + 0.03;
    this.room = Math.min(-30, Math.max(-90, this.room));
    this.loud = rms > Math.max(this.room + 10, -60) ? this.loud + 1 : 0;
    if (this.loud >= 2) this.spoke = now;
    if (rms > -85) this.sounded = now; // a microphone that is switched off gives zeros, a quiet room never does
  }
}
