// Lists that show whole rows only, and say how many more lie further down; pressed, that brings them up. Rows whose
// height is given as `--tall` are drawn as much higher as the room leaves, so that no band stays empty below them.
const SCROLLED_MS = 120;

const wholeRows = (list, below) => {
  let room = 0;
  let rest = null;
  const ends = () => {
    const first = list.firstElementChild.offsetTop;
    return [...list.children].map((row) => ({ top: row.offsetTop - first, bottom: row.offsetTop + row.offsetHeight - first }));
  };
  const count = (rows) => {
    const seen = list.scrollTop + list.clientHeight + 1;
    const left = rows.filter(({ bottom }) => bottom > seen).length;
    say(below, w("below", { count: left }));
    mark(below, "data-any", left > 0);
  };
  // As high as the whole rows that fit from the uppermost on; at the end, as those that fit up from the last.
  const trim = () => {
    if (!list.firstElementChild) return;
    const rows = ends();
    const last = rows.at(-1).bottom;
    const latest = rows.find(({ top }) => last - top <= room)?.top ?? 0;
    const uppermost = Math.min(rows.find(({ top }) => top >= list.scrollTop - 2)?.top ?? 0, latest);
    const whole = rows.filter(({ bottom }) => bottom - uppermost <= room).at(-1);
    const height = whole && last > room ? `${whole.bottom - uppermost}px` : "";
    if (list.style.maxHeight !== height) list.style.maxHeight = height;
    if (Math.abs(list.scrollTop - uppermost) > 1) list.scrollTop = uppermost;
    count(rows);
  };
  const stretch = () => {
    const rows = ends();
    const fitting = rows.filter(({ bottom }) => bottom <= room).length;
    if (fitting && rows.at(-1).bottom > room) list.style.setProperty("--tall", `${Math.floor(room / fitting)}px`);
  };
  const fit = () => {
    const at = list.scrollTop;
    list.style.maxHeight = "";
    list.style.removeProperty("--tall");
    room = list.clientHeight;
    if (room && list.firstElementChild) stretch();
    list.scrollTop = at;
    trim();
  };
  below.onclick = () => list.scrollBy({ top: list.clientHeight });
  list.onscroll = () => {
    clearTimeout(rest);
    rest = setTimeout(trim, SCROLLED_MS);
  };
  // The room is what the others in the panel leave: measured when one of them changes, and not at every act.
  const others = new ResizeObserver(fit);
  for (const one of [list.parentElement, ...list.parentElement.children]) if (one !== list && one !== below) others.observe(one);
  return fit;
};
