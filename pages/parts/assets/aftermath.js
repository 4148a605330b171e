// What comes to light of the edits once the prediction is painted: how strange the picture is now, what the edits do
// together that none does alone, and which other components changed. Its lines keep their places while they wait.
const aftermathPart = (part) => {
  const real = el("span", { class: "roomy" }, w("aftermath.of_real"));
  const [strange, doubt, joint, list] = [el("span"), el("span"), el("span"), el("ul")];
  // What is said in a roomy window alone stands in spans of its own.
  const [count, kind, lead, called, most] = [el("span"), el("span", { class: "roomy" }), el("span"), el("span", { class: "roomy" }), el("span")];
  const far = el("span", { class: "far", hidden: true }, ", ", term("far", w("aftermath.far")), strange, real, doubt);
  part.size.append(far);
  const together = el("p", {}, term("joint", w("aftermath.joint")), joint);
  const side = el("p", { class: "side" }, term("side", w("aftermath.side")), count, kind, lead, called, most);
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
    say(strange, own.nearer === null ? "" : w("aftermath.nearer", { share: percent(Math.min(own.nearer, 0.9999)) }));
    real.hidden = own.far; // the warning takes its room
    say(doubt, own.far ? w("aftermath.beyond") : "");
    together.hidden = !own.joint;
    together.title = w("aftermath.margin", { target: own.target, against: own.against });
    if (own.joint) say(joint, w("aftermath.is", { together: signed(own.joint.together), apart: signed(own.joint.apart), interaction: signed(own.joint.interaction) }));
    const [first] = own.side;
    say(count, first ? w("aftermath.sides", { count: own.sides }) : w("aftermath.sides_none"));
    say(kind, first ? w("aftermath.sides_are") : "");
    say(lead, first ? w("aftermath.sides_lead") : "");
    say(called, first ? `${first.name} ` : "");
    say(most, first ? w("aftermath.sides_most", { index: first.index, change: signed(first.after - first.before) }) : "");
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
