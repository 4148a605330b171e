// How the prediction is explained: for which pair of classes, and in which layout its components stand.
const explainPart = (part, bench, act, view, outbox) => {
  let latest = null;
  view.lay = (layout) => {
    if (view.still || view.now.layout === layout) return;
    view.now.layout = layout;
    view.redraw();
    act({ kind: "explain", view: latest.explanation, layout });
  };
  // Without a pair it is the prediction's own again.
  view.explain = (pair) => {
    const { target, against } = pair ?? latest.own;
    act({ kind: "explain", view: latest.explanation, toward: target, against });
    view.redraw();
  };
  const pair = pairPart(part, view);
  const layouts = layoutsPart(part, view);
  const waterfall = waterfallPart(part, view);

  return {
    // Whether bars stand for the components; the one that is chosen is then steered from the row below them.
    falls: (facts, searching) => {
      const falls = view.now.layout === "waterfall" && facts.tools.includes("waterfall") && !searching;
      mark(bench, "data-layout", falls ? "waterfall" : "list");
      part.waterfall.hidden = !falls; // before the list measures its room
      return falls;
    },
    draw: (facts, fresh, falls, searching) => {
      latest = fresh;
      waterfall(facts, falls);
      layouts(facts, searching);
      const asked = outbox.acts.findLast(({ kind, toward, task }) => kind === "explain" && toward && task === fresh.task);
      pair(facts, fresh, asked ? { target: asked.toward, against: asked.against } : null);
      mark(bench, "data-asking", Boolean(asked));
    },
  };
};
