// The element on the page: it shows the recorder's light, and what the page says goes to the recorder on the window.
const faceOf = (recorder) => {
  const late = recorder.courier.held_ms > LATE_MS;
  if (!recorder.allowed) return late ? "held" : ["paused", "full"].includes(recorder.voice) ? recorder.voice : "off";
  if (recorder.elsewhere) return "elsewhere";
  if (!recorder.recorder) return recorder.trouble || "asking";
  if (recorder.track.muted || !recorder.track.enabled) return "muted";
  if (late) return "held";
  if (recorder.lost_ms) return "lost";
  return recorder.deaf ? "deaf" : "on";
};

const recorderOf = (data) => {
  const held = window.tillerRecorder;
  if (held?.owner === data.owner) return held;
  held?.halt();
  return (window.tillerRecorder = new Recorder(data));
};

const lights = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const recorder = recorderOf(data);
  const find = (what) => parentElement.querySelector(what);
  const [light, words, spoken, retry] = [".light", ".words", ".spoken", ".retry"].map(find);
  let view = lights.get(parentElement);
  if (!view) {
    lights.set(parentElement, (view = { face: "" }));
    view.paint = (face, seconds) => {
      say(words, view.words[face].replace("{n}", seconds));
      mark(light, "data-face", face);
      light.hidden = face === "off";
      document.documentElement.style.setProperty("--tiller-light", light.hidden ? "0px" : "22px");
      retry.hidden = !["denied", "absent", "failed"].includes(face);
      // a screen reader hears of a change once, not of every second that is held
      if (face !== view.face) say(spoken, view.words[face].replace("{n}", seconds));
      view.face = face;
    };
    view.close = () => {
      document.documentElement.style.removeProperty("--tiller-light");
      recorder.detach(view);
    };
  }
  [view.words, view.silent] = [data.words, (silence) => setTriggerValue("silence", silence)];
  say(retry, data.words.retry);
  retry.onclick = () => recorder.again();
  recorder.attach(view);
  recorder.want(data);
  return view.close;
}
