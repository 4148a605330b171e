// The recording of the session in step with the tape: at single speed it is heard and nothing is shortened.
const APART_S = 0.35;

const earPart = (part, tape, base) => {
  const sounds = tape.sounds ?? [];
  let on = sounds.length > 0;
  part.ear.hidden = !on;
  part.ear.onclick = () => {
    on = !on;
    mark(part.ear, "aria-pressed", on);
    part.audio.pause();
  };
  const over = (ms) => sounds.find(({ begin, end }) => begin <= ms && (end === null || ms < end));
  return {
    heard: (ms, speed) => on && speed === 1 && Boolean(over(ms)),
    seek: (ms) => {
      const here = on && over(ms);
      if (!here) return part.audio.pause();
      const url = new URL(`${base}/sound/${encodeURIComponent(here.media)}`, document.baseURI).href;
      if (part.audio.src !== url) part.audio.src = url;
      const at = (ms - here.begin) / 1000;
      if (Math.abs(part.audio.currentTime - at) > APART_S) part.audio.currentTime = at;
      return undefined;
    },
    play: () => part.audio.play().catch(() => {}),
    pause: () => part.audio.pause(),
  };
};
