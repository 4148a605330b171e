// A tutorial's list: what was tried is ticked, and the control for what comes next is pointed at.
const guidePart = (part, bench) => {
  return ({ guide }) => {
    part.guide.hidden = !guide;
    for (const node of bench.querySelectorAll("[data-pointed]")) node.removeAttribute("data-pointed");
    mark(bench, "data-guided", Boolean(guide));
    if (!guide) return;
    mark(part.guide, "aria-label", guide.count);
    part.guide.replaceChildren(...guide.steps.map(({ name, label, done, now }) =>
      el("li", { "data-done": String(done), "aria-current": now ? "step" : null, "aria-label": label },
        el("i", { "aria-hidden": "true" }, done ? "\u2713" : ""), el("span", { "aria-hidden": "true" }, name))));
    const control = guide.control && bench.querySelector(guide.control);
    if (control) mark(control, "data-pointed", true);
  };
};
