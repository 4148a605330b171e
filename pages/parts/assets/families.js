// The families that events are sorted into: for the lanes of the timeline, the filter of the list, and the colours.
const FAMILIES = [
  ["intervention", "Steps", ["intervention."]],
  ["look", "Looking", ["concept.", "explanation.", "stimulus."]],
  ["model", "Model", ["model."]],
  ["answer", "Answers", ["response.", "instrument.", "consent."]],
  ["talk", "Talk", ["prompt.", "silence.", "utterance.", "moderator.", "media."]],
  ["session", "Pages", [""]],
];
const familyOf = (kind) => FAMILIES.find(([, , starts]) => starts.some((start) => kind.startsWith(start)))[0];
const SIDES = { suppress: "--cool", amplify: "--warm", set: "--glow" };

const clockOf = (ms, fine) => {
  const seconds = ms / 1000;
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (minutes >= 60) return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${String(Math.floor(rest)).padStart(2, "0")}`;
  return `${minutes}:${(fine ? rest.toFixed(fine) : String(Math.floor(rest))).padStart(fine ? 3 + fine : 2, "0")}`;
};
const lasted = (ms) => (ms < 90_000 ? `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s` : ms < 5_400_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`);
