// A short recording to listen to: play and pause, where it stands, how long it is; said to a screen reader too.
const clocked = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

class Hearing {
  constructor(root) {
    const find = (what) => root.querySelector(what);
    [this.root, this.audio, this.play, this.at, this.time] = [root, find("audio"), find(".play"), find(".at"), find(".time")];
    this.length = 0;
    this.play.onclick = () => (this.audio.paused ? this.audio.play() : this.audio.pause());
    this.at.oninput = () => {
      this.audio.currentTime = Number(this.at.value);
      this.show();
    };
    for (const name of ["play", "pause", "ended", "timeupdate", "seeked"]) this.audio.addEventListener(name, () => this.show());
  }

  speak(words) {
    this.words = words;
    mark(this.root, "aria-label", words.playback);
    mark(this.at, "aria-label", words.position);
    this.show();
  }

  // A recorder writes no length into what it makes, so that is told here.
  load(sound, seconds) {
    URL.revokeObjectURL(this.audio.src);
    this.audio.src = URL.createObjectURL(sound);
    this.length = seconds;
    this.at.max = seconds;
    this.show();
  }

  show() {
    const on = !this.audio.paused && !this.audio.ended;
    const now = this.audio.ended ? this.length : Math.min(this.audio.currentTime, this.length);
    mark(this.play, "data-on", on);
    mark(this.play, "aria-label", this.words[on ? "pause" : "play"]);
    this.at.value = now;
    this.at.style.setProperty("--share", `${this.length ? (100 * now) / this.length : 0}%`);
    const said = this.words.heard.replace("{at}", clocked(now)).replace("{length}", clocked(this.length));
    mark(this.at, "aria-valuetext", said);
    say(this.time, said);
  }

  hush(hidden) {
    this.audio.pause();
    this.root.hidden = hidden;
  }

  close() {
    this.audio.pause();
    URL.revokeObjectURL(this.audio.src);
  }
}
