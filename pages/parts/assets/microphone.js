// The microphone that a participant has chosen, and why one cannot be had.
const MICROPHONE = "tiller-microphone";
// As it is: what takes noise away also takes away what transcribers and the level meter need to be true.
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const BITS = 32_000; // a second: opus at this rate is clear speech, and four kilobytes

const openMicrophone = async () => {
  // a page that came over http has no microphone to offer
  if (!navigator.mediaDevices) throw new DOMException("no secure connection", "SecurityError");
  const id = localStorage.getItem(MICROPHONE);
  return navigator.mediaDevices.getUserMedia({ audio: id ? { ...AS_IT_IS, deviceId: { ideal: id } } : AS_IT_IS });
};
const recorderFor = (stream) => {
  const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  return new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS });
};
const letGo = (stream) => stream?.getTracks().forEach((track) => track.stop());
const trouble = (error) =>
  ({ NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "absent", OverconstrainedError: "absent" })[
    error?.name
  ] ?? "failed";
