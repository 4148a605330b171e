// One answer of a list: the browser's own radio buttons, so that keyboard and screen reader find what they know.
export default function ({ data, parentElement, setStateValue }) {
  const find = (what) => parentElement.querySelector(what);
  find("legend").textContent = data.label;
  find(".help").textContent = data.help;
  const options = find(".options");
  const wanted = data.options.map(({ id, label }) => `${id} ${label}`).join("\n");
  if (options.dataset.drawn !== wanted) {
    options.dataset.drawn = wanted;
    options.replaceChildren(...data.options.map(({ id, label }) => {
      const row = document.createElement("label");
      const input = document.createElement("input");
      const words = document.createElement("span");
      Object.assign(input, { type: "radio", name: data.name, value: id });
      words.textContent = label;
      row.append(input, words);
      return row;
    }));
  }
  // What was chosen here last is newer than what the server had when it drew this, until it says the same.
  if (parentElement.sent === data.value) parentElement.sent = undefined;
  for (const input of options.querySelectorAll("input")) {
    if (!options.contains(parentElement.getRootNode().activeElement)) input.checked = input.value === (parentElement.sent ?? data.value);
    input.onchange = () => setStateValue("value", (parentElement.sent = input.value));
  }
}
