// What comes to light of the edits once the prediction is painted: how strange the picture is now, what the edits do
// together that none does alone, and which other components changed. Its lines keep their places while they wait.
const aftermathPart = (part) => {
  const [strange, joint, count, list] = [el("span"), el("span"), el("span"), el("ul")];
  const far = el("span", { class: "far", hidden: true }, ", ", term("far", w("aftermath.far")), strange);
  part.size.append(far);
  const together = el("p", {}, term("joint", w("aftermath.joint")), joint);
  const side = el("p", { class: "side" }, term("side", w("aftermath.side")), count);
  part.aftermath.replaceChildren(together, side, list);
  // The list lies over the edits for as long as somebody points at its line or stands in it.
  const show = (on) => (list.hidden = !on || !list.childElementCount);
  side.onpointerenter = side.onfocusin = () => show(true);
  side.onpointerleave = side.onfocusout = () => show(false);
  show(false);

  const fill = (own) => {
    mark(part.aftermath, "data-stale", false);
    mark(far, "data-warn", own.far);
    far.hidden = own.nearer === null;
    say(strange, own.nearer === null ? "" : w(own.far ? "aftermath.beyond" : "aftermath.nearer", { share: percent(Math.min(own.nearer, 0.9999)) }));
    together.hidden = !own.joint;
    together.title = w("aftermath.margin", { target: own.target, against: own.against });
    if (own.joint) say(joint, w("aftermath.is", { together: signed(own.joint.together), apart: signed(own.joint.apart), interaction: signed(own.joint.interaction) }));
    const [most] = own.side;
    say(count, most ? w("aftermath.sides", { count: own.sides, name: most.name, index: most.index, change: signed(most.after - most.before) }) : w("aftermath.sides_none"));
    list.replaceChildren(...own.side.map(({ index, name, before, after }) => el("li", {}, el("span", { class: "name" }, name), el("small", {}, `#${index}`),
      el("span", { class: "codes" }, w("aftermath.codes", { before: fixed(before), after: fixed(after) })))));
  };

  return {
    // The edits are others now; what stands here is still that of the ones before.
    wait: (data) => {
      part.aftermath.hidden = !data.edits.length;
      far.hidden ||= !data.edits.length;
      mark(part.aftermath, "data-stale", true);
      show(false);
    },
    fill: (own) => own && fill(own),
  };
};
