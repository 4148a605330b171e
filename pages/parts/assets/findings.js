// The sheet is drawn by the server, escaped there; here it is put up, and only where it has changed.
export default function ({ parentElement, data }) {
  const sheet = parentElement.querySelector(".findings");
  if (sheet.dataset.held === data.sheet) return;
  const open = [...sheet.querySelectorAll("details[open]")].map((each) => each.closest("section").dataset.finding);
  sheet.dataset.held = data.sheet;
  sheet.innerHTML = data.sheet;
  // A plot is as wide as its card, its words are as large everywhere.
  const fit = new ResizeObserver((met) => {
    for (const { target, contentRect } of met) if (contentRect.width) target.style.setProperty("--unit", target.viewBox.baseVal.width / contentRect.width);
  });
  sheet.querySelectorAll(".plot").forEach((plot) => fit.observe(plot));
  for (const key of open) sheet.querySelector(`[data-finding="${key}"] details`)?.setAttribute("open", "");
}
