// An answer in words: kept in this window at every letter, and handed to the server whenever typing pauses.
const PAUSE_MS = 800;

export default function ({ data, parentElement, setStateValue }) {
  const find = (what) => parentElement.querySelector(what);
  const area = find("textarea");
  const shelf = `tiller-words-${data.name}`;
  find(".label span").textContent = data.label;
  find(".help").textContent = data.help;
  area.maxLength = data.most;
  const fresh = parentElement.sent === undefined;
  if (fresh) parentElement.sent = data.value;
  // What was typed here last is newer than what has reached the server; the server answers for the rest.
  const typed = sessionStorage.getItem(shelf);
  if (typed === data.value) sessionStorage.removeItem(shelf);
  if (document.activeElement !== area && parentElement.getRootNode().activeElement !== area) area.value = typed ?? data.value;
  const send = () => {
    clearTimeout(parentElement.pause);
    if (area.value === parentElement.sent) return;
    parentElement.sent = area.value;
    setStateValue("value", area.value);
  };
  area.oninput = () => {
    sessionStorage.setItem(shelf, area.value);
    clearTimeout(parentElement.pause);
    parentElement.pause = setTimeout(send, PAUSE_MS);
  };
  area.onblur = send;
  if (fresh && typed !== null && typed !== data.value) send();
}
