// The hand on the chosen component: whether its slider scales, sets or adds, in what unit and how far, and on which
// tokens. What cannot act here is grey and says why. What was switched and not yet used is known to this window alone.
const OPS = {
  scale: { word: "hand.scale", title: "hand.scale_title", value: "hand.scale_value" },
  set: { word: "hand.set", title: "hand.set_title", value: "hand.set_value" },
  add: { word: "hand.add", title: "hand.add_title", value: "hand.add_value" },
};
const SCOPES = {
  active: { word: "hand.active", title: "hand.active_title" },
  all: { word: "hand.all", title: "hand.all_title" },
  cls: { word: "hand.cls", title: "hand.cls_title" },
  patches: { word: "hand.patches", title: "hand.patches_title" },
};
const KEYS_REST_MS = 350;

const handPart = (part, act, view) => {
  const switched = new Map(); // by component: what was chosen here, and the edit that stood then
  let [data, now, drawn, stoodOn] = [null, null, null, ""];
  let untaken = ""; // what was typed last and could not be taken

  const standing = (index) => {
    const waits = view.pending(index);
    const one = waits ?? data.edits.find((edit) => edit.index === index);
    return one && !isNeutral(asSetting(one)) ? asSetting(one) : null;
  };
  const chosenOf = (index) => {
    const [one, stands] = [switched.get(index), standing(index)];
    // Undone, done anew or done elsewhere: what stands is shown, and not what was about to be done before it.
    if (one && stands && keyOf(stands) !== one.since) switched.set(index, { wide: one.wide });
    return switched.get(index) ?? {};
  };
  const turn = (index, what) => {
    const stands = standing(index);
    switched.set(index, { ...chosenOf(index), ...what, since: stands ? keyOf(stands) : "" });
  };

  const reach = () => data.reach;
  const firesOn = (component, scope) => {
    const [cls, patches] = [reach().cls && component.class_code !== 0, reach().patches && component.fires_on_patches];
    if (scope === "patches") return patches && (!component.fires || view.marked().some((patch) => component.fires[patch] !== 0));
    return scope === "cls" ? cls : cls || patches;
  };
  const p99Of = (component, scope) => {
    const unit = (scope === "cls" || scope === "patches" ? component.units[scope] : null) ?? component.units.all;
    return unit > 0 ? unit : null;
  };
  // One significant digit of its code here measures a component of which no p99 is known.
  const yardOf = (component, scope) => (p99Of(component, scope) ? 1 : Number(Math.abs(component.activation).toPrecision(1)));

  const offered = (op) => (op === "scale" ? ["suppress", "amplify"].every((tool) => data.tools.includes(tool)) : data.tools.includes(op));
  const silent = (component) => (firesOn(component, "active") ? "" : w(["set", "add"].some((op) => !whyOp(component, op)) ? "hand.silent" : "hand.silent_only"));
  const whyOp = (component, op) => {
    if (!offered(op)) return w("hand.switched_off");
    if (op !== "scale" && !yardOf(component, "all")) return w("hand.no_unit");
    return op === "scale" ? silent(component) : "";
  };
  const whyScope = (component, op, scope) => {
    if (scope === "cls" && !reach().cls) return w("hand.no_class");
    if (scope === "patches" && !reach().patches) return w(reach().speaks_for === "cls" ? "hand.class_only" : "hand.last_block");
    if ((scope === "cls" || scope === "patches") && !data.tools.includes("scope")) return w("hand.switched_off");
    if (op === "scale" && scope === "all") return w("hand.as_active");
    if (op === "scale" && scope === "cls" && !firesOn(component, scope)) return w("hand.silent_class");
    if (op !== "scale" && scope === "active" && !firesOn(component, scope)) return w("hand.silent_active");
    return "";
  };
  const whyNot = (component, { op, scope }) => {
    if (view.held()) return view.hold();
    const why = whyOp(component, op) || whyScope(component, op, scope);
    if (why || scope !== "patches") return why;
    if (!view.marked().length) return w("hand.paint");
    return op === "scale" && !firesOn(component, scope) ? w("hand.silent_painted") : "";
  };

  const firstOp = (component) => (firesOn(component, "active") ? "scale" : ["set", "add"].find((op) => !whyOp(component, op)) ?? "scale");
  // What the component's slider stands for now, and where it stands; `why` says why it cannot be moved.
  const of = (component) => {
    const [own, stands] = [chosenOf(component.index), standing(component.index)];
    const op = own.op ?? stands?.op ?? firstOp(component);
    let scope = own.scope ?? (stands && (stands.op === "scale") === (op === "scale") ? stands.scope : op === "scale" ? "active" : "all");
    if (op === "scale" && scope === "all") scope = "active";
    const unit = op === "scale" ? "factor" : p99Of(component, scope) ? "p99" : "code";
    const size = unit === "p99" ? p99Of(component, scope) : 1;
    const strength = stands?.op === op ? stands.strength : op === "scale" ? 1 : op === "add" ? 0 : component.activation / size;
    const yard = unit === "code" ? yardOf(component, scope) : 1;
    const wide = op !== "scale" && Boolean(own.wide || (stands?.op === op && (strength < 0 || strength > 2 * yard)));
    const setting = { op, strength, unit, scope, patches: scope === "patches" ? view.marked() : [] };
    return { ...setting, size, wide, yard, dial: dialOf(op, wide, yard), stands, why: whyNot(component, setting) };
  };

  const message = (component, at, strength) => ({
    component: component.index,
    strength,
    ...(at.op === "scale" ? {} : { op: at.op, unit: at.unit }),
    ...(at.scope === "active" ? {} : { scope: at.scope }),
    ...(at.patches.length ? { patches: at.patches } : {}),
  });
  const commit = (component, strength, control, at = of(component)) => {
    if (at.why) return;
    untaken = "";
    switched.set(component.index, { op: at.op, scope: at.scope, wide: at.wide, since: keyOf({ ...at, strength }) });
    act({ kind: "edit", ...message(component, at, strength), control });
  };
  // Suppress, amplify and reset are of every row, and are factors, whatever its slider stands for.
  const scale = (component, strength) => {
    const [own, stands] = [chosenOf(component.index), standing(component.index)];
    const scope = strength === 1 ? "active" : own.scope ?? stands?.scope ?? "active";
    const at = { op: "scale", unit: "factor", scope: scope === "all" || whyScope(component, "scale", scope) ? "active" : scope };
    at.patches = at.scope === "patches" ? view.marked() : [];
    if (at.scope === "patches" && !at.patches.length) at.scope = "active";
    switched.set(component.index, { wide: own.wide });
    act({ kind: "edit", ...message(component, at, strength) });
  };

  const radios = (choices, choose) => Object.fromEntries(Object.entries(choices).map(([each, { word }]) => [each,
    el("button", { type: "button", role: "radio", "data-bold": w(word), onclick: () => choose(each) }, w(word))]));
  const arrows = (buttons, root, choose) => (root.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const names = Object.keys(buttons);
    const at = names.findIndex((name) => buttons[name] === event.target);
    const next = names[(at + step + names.length) % names.length];
    buttons[next].focus();
    choose(next);
  });
  const toOp = (op) => {
    if (view.still || view.held() || whyOp(now, op)) return;
    turn(now.index, { op, scope: of(now).scope === "active" && op !== "scale" ? undefined : chosenOf(now.index).scope });
    view.redraw();
  };
  // An edit that stands goes along with its tokens; before there is one, only the next step will.
  const toScope = (scope) => {
    const at = of(now);
    if (view.still || view.held() || whyScope(now, at.op, scope) || at.scope === scope) return;
    turn(now.index, { op: at.op, scope });
    const then = of(now);
    if (at.stands?.op === at.op) commit(now, at.strength, "scope", then);
    view.redraw();
  };
  const ops = radios(OPS, toOp);
  const scopes = radios(SCOPES, toScope);
  const opsGroup = el("div", { class: "choices", role: "radiogroup", "aria-label": w("hand.ops") }, ...Object.values(ops));
  scopes.patches.classList.add("counted");
  const scopesGroup = el("div", { class: "choices", role: "radiogroup", "aria-label": w("hand.scopes") }, ...Object.values(scopes));
  arrows(ops, opsGroup, toOp);
  arrows(scopes, scopesGroup, toScope);
  const [name, number] = [el("b"), el("small")];
  const field = el("input", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", class: "value" });
  const unit = el("span", { class: "unit" });
  const wide = el("button", { type: "button", class: "wide", onclick: () => {
    const at = of(now);
    if (view.still || wide.getAttribute("aria-disabled") === "true") return;
    turn(now.index, { op: at.op, scope: at.scope, wide: !at.wide });
    view.redraw();
  } }, w("hand.wide"));
  const note = el("p", { class: "note" });
  const tokens = el("span", { class: "tokens" }, term("scope", w("hand.tokens")), scopesGroup);
  part.control.replaceChildren(el("span", { class: "whose" }, name, number), opsGroup, el("label", { class: "typed" }, field, unit), wide, tokens, note);

  // Typed and stepped like the slider beside it: a run of arrow keys is one edit.
  let [rest, stepped] = [null, null];
  const rangeOf = ({ op, yard }) => (op === "scale" ? [0, MOST] : [yard * WIDE_STOPS[0], Math.min(yard * WIDE_STOPS.at(-1), STRONGEST)]);
  // What is no number that can be taken changes nothing, and is said rather than bent to one that can.
  const finish = (control) => {
    clearTimeout(rest);
    const [typed, said, at] = [field.value.trim(), stepped ?? typedNumber(field.value), of(now)];
    const [low, high] = rangeOf(at);
    [stepped, drawn] = [null, null];
    untaken = said === null ? typed : said < low || said > high ? plainly(said) : "";
    const same = said === null || untaken || plainly(said) === plainly(at.strength);
    if (!same) commit(now, said, control, at);
    view.redraw();
  };
  field.onkeydown = (event) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") finish("number");
    if (event.key === "Escape") {
      [stepped, drawn] = [null, null];
      view.redraw();
    }
    if (!by || of(now).why) return;
    event.preventDefault();
    const at = of(now);
    stepped = at.dial.next(stepped ?? typedNumber(field.value) ?? at.strength, by);
    field.value = plainly(stepped);
    clearTimeout(rest);
    rest = setTimeout(() => finish("number"), KEYS_REST_MS);
  };
  field.oninput = () => ([stepped, untaken] = [null, ""]);
  field.onblur = () => field.value !== drawn && finish("number");

  const grey = (node, why, title) => {
    mark(node, "aria-disabled", Boolean(why));
    node.title = why || title;
    mark(node, "aria-description", why);
  };

  return {
    of,
    commit,
    scale,
    message,
    silent,
    // A slider under the pointer shows its number here as well.
    follow: (component, strength) => {
      if (component.index !== now?.index) return;
      drawn = field.value = plainly(strength);
    },
    painting: () => Boolean(data && now && !data.visit && !part.control.hidden && of(now).scope === "patches"),
    // A region that was searched is no longer marked; what the edit stands on is.
    remark: () => {
      const stands = now && data && standing(now.index);
      if (stands?.scope === "patches") view.mark(stands.patches);
    },
    // Painted anew, an edit of the region goes along.
    painted: () => {
      if (view.still || !now || !data || data.visit) return;
      const at = of(now);
      const goesAlong = at.scope === "patches" && at.stands?.op === at.op && !at.why;
      if (goesAlong && at.stands.patches.join() !== at.patches.join()) commit(now, at.strength, "brush", at);
      view.redraw();
    },
    draw: (fresh, component) => {
      if (fresh.state !== data?.state) untaken = "";
      data = fresh;
      const another = now?.index !== component.index;
      if (another && stepped !== null) finish("number");
      if (another) untaken = "";
      now = component;
      part.control.hidden = !["set", "add", "scope"].some((tool) => data.tools.includes(tool));
      if (part.control.hidden) return;
      tokens.hidden = data.one_token; // there is nothing to choose
      const stands = standing(now.index);
      // Undone, done anew or brought back: the patches on the picture are those that the edit stands on.
      const on = stands?.scope === "patches" ? stands.patches.join() : "";
      if (on && (another || view.still || on !== stoodOn)) view.mark(stands.patches);
      stoodOn = on;
      const at = of(now);
      const held = view.held() ? view.hold() : "";
      const named = `${now.name} #${now.index}`;
      say(name, now.name);
      say(number, `#${now.index}`);
      name.title = now.name;
      for (const [op, button] of Object.entries(ops)) {
        mark(button, "aria-checked", op === at.op);
        button.tabIndex = op === at.op ? 0 : -1;
        grey(button, held || whyOp(now, op), w(OPS[op].title));
      }
      for (const [scope, button] of Object.entries(scopes)) {
        mark(button, "aria-checked", scope === at.scope);
        button.tabIndex = scope === at.scope ? 0 : -1;
        grey(button, held || whyScope(now, at.op, scope), w(SCOPES[scope].title));
      }
      const count = view.marked().length;
      say(scopes.patches, at.scope === "patches" && count ? w("hand.patches_count", { count }) : w("hand.patches"));
      if (stepped === null && field.getRootNode().activeElement !== field) drawn = field.value = plainly(at.strength);
      else if (stepped === null && drawn === null) drawn = field.value = plainly(at.strength);
      field.disabled = Boolean(at.why);
      field.title = at.why;
      mark(field, "aria-label", w(OPS[at.op].value, { name: named }));
      mark(field, "aria-description", at.why);
      say(unit, w({ factor: "hand.times", p99: "hand.p99", code: "hand.codes" }[at.unit]));
      mark(wide, "aria-pressed", at.wide);
      grey(wide, at.op === "scale" ? w("hand.no_wide") : held, w("hand.wide_title"));
      mark(part.control, "aria-label", w("hand.region", { name: named }));
      const anti = at.strength < 0 && (at.op === "set" || (at.op === "add" && reach().signed));
      const size = at.op === "scale" ? "" : at.unit === "p99" ? w("hand.p99_is", { codes: fixed(at.size), of: { cls: w("hand.of_cls"), patches: w("hand.of_patches") }[at.scope] ?? "" }) : w("hand.p99_unknown");
      const stays = at.stands && at.stands.op !== at.op ? w("hand.stands", { amount: editOf(at.stands) }) : "";
      const [low, high] = rangeOf(at).map(plainly);
      const beyond = untaken ? w("hand.beyond", { typed: quoted(untaken), low, high }) : "";
      mark(field, "aria-invalid", Boolean(beyond));
      say(note, at.why || beyond || stays || (anti ? `${size} ${w("hand.anti")}` : size || w("hand.code_here", { code: fixed(now.activation) })));
      note.title = note.textContent;
      mark(note, "data-warn", Boolean(at.why || beyond || stays) || anti);
    },
  };
};
