// The sheet is drawn by the server, escaped there; here it is put up, and only where it has changed.
export default function ({ parentElement, data }) {
  const sheet = parentElement.querySelector(".findings");
  if (sheet.dataset.held === data.sheet) return;
  const open = [...sheet.querySelectorAll("details[open]")].map((each) => each.closest("section").dataset.finding);
  sheet.dataset.held = data.sheet;
  sheet.innerHTML = data.sheet;
  for (const key of open) sheet.querySelector(`[data-finding="${key}"] details`)?.setAttribute("open", "");
}
