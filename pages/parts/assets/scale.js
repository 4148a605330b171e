// A line to mark once: its value exists only after the participant has put a mark on it.
export default function ({ data, parentElement, setStateValue }) {
  const find = (what) => parentElement.querySelector(what);
  const [input, output] = [find("input"), find("output")];
  find(".label").textContent = data.label;
  find(".low").textContent = data.low;
  find(".high").textContent = data.high;
  input.min = data.min;
  input.max = data.max;
  input.setAttribute("aria-label", data.label);
  const show = (value) => {
    input.dataset.set = String(value !== null);
    output.textContent = value === null ? data.words.unset : String(value);
    input.setAttribute("aria-valuetext", value === null ? data.words.not_set : String(value));
    // Without a mark it stands in the middle, from where an arrow key can move it either way.
    input.value = value ?? Math.round((data.min + data.max) / 2);
  };
  // What was marked here last is newer than what the server had when it drew this, until it says the same.
  if (parentElement.sent === data.value) parentElement.sent = undefined;
  if (!input.matches(":active")) show(parentElement.sent ?? data.value);
  const send = () => setStateValue("value", (parentElement.sent = Number(input.value)));
  input.oninput = () => show(Number(input.value));
  input.onchange = send;
  // A click on the middle changes nothing in the browser's eyes, and yet it is an answer.
  input.onpointerup = send;
  input.onkeydown = (event) => {
    if (event.key === " " || event.key === "Enter") send();
  };
}
