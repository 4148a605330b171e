// What a slider stands for: factors of a component's own code, or codes to set or to add in multiples of its p99. The
// steps of the latter are finer near 0, and a round number of codes takes the p99's place where none is known.
const NEUTRAL = { op: "scale", strength: 1, unit: "factor", scope: "active", patches: [] };
const MOST = 3;
const FACTOR_STEP = 0.1;
const STRONGEST = 100; // that the server takes, in whatever unit
const FINE = [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2];
const STOPS = [0, ...FINE];
const WIDE_STOPS = [-1, -0.75, -0.5, -0.3, -0.2, -0.1, -0.05, -0.02, -0.01, 0, ...FINE, 2.25, 2.5, 2.75, 3, 3.5, 4, 4.5, 5];

const asSetting = (one) => ({ ...NEUTRAL, ...one, unit: (one?.op ?? "scale") === "scale" ? "factor" : one.unit ?? "p99" });
const isNeutral = ({ op, strength }) => (op === "scale" && strength === 1) || (op === "add" && strength === 0);
const keyOf = ({ op, strength, unit, scope, patches }) => [op, strength.toFixed(4), unit, scope === "all" && op === "scale" ? "active" : scope, ...patches].join(" ");
const isSame = (one, other) => (isNeutral(one) ? isNeutral(other) : keyOf(one) === keyOf(other));

const plainly = (value) => figure(Number(value.toFixed(2))).replace("-", MINUS);
// The number of a setting with its unit, and what is done with it: "1.5 p99", "set".
const amountOf = ({ op, strength, unit }) => {
  const number = `${op === "add" && strength > 0 ? "+" : ""}${plainly(strength)}`;
  return unit === "factor" ? times(strength) : w(unit === "p99" ? "hand.in_p99" : "hand.in_codes", { number });
};
// Among other edits, where no operation stands beside it: what is set is an equation, what is added has its sign.
const editOf = (edit) => `${edit.op === "set" ? "= " : ""}${amountOf(edit)}`;
const verbOf = ({ op, strength }) => ({
  scale: () => (strength > 1 ? w("plan.amplified") : w("plan.suppressed")),
  set: () => w("plan.set"),
  add: () => (strength < 0 ? w("plan.lowered") : w("plan.raised")),
})[op]();
// The tokens that an edit reaches, where that is not what its operation does by itself.
const reachOf = ({ op, scope, patches }) => ({
  active: op === "scale" ? "" : w("hand.on_active"),
  all: op === "scale" ? "" : w("hand.on_all"),
  cls: w("hand.on_cls"),
  patches: w("hand.on_patches", { count: patches.length }),
})[scope];

// A number as people type it, with a comma or a point; null where it is none.
const typedNumber = (text) => {
  const plain = text.trim().replace(MINUS, "-").replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : null;
};

// The places of a slider: `yard` is what one step of 1 means in the unit shown, 1 for a p99 or a factor.
const dialOf = (op, wide, yard = 1) => {
  if (op === "scale") {
    return { min: 0, max: MOST, step: FACTOR_STEP, low: 0, high: MOST, tick: 1 / MOST, zero: 0, at: (strength) => clamp(strength, 0, MOST), strength: (place) => place,
      share: (strength) => clamp(strength, 0, MOST) / MOST, next: (strength, by) => clamp(Number(((Math.round(strength / FACTOR_STEP) + by) * FACTOR_STEP).toFixed(1)), 0, MOST) };
  }
  const stops = (wide ? WIDE_STOPS : STOPS).map((stop) => Number((stop * yard).toPrecision(6))).filter((stop) => Math.abs(stop) <= STRONGEST);
  const last = stops.length - 1;
  const at = (strength) => stops.reduce((best, stop, place) => (Math.abs(stop - strength) < Math.abs(stops[best] - strength) ? place : best), 0);
  const place = (value) => Math.max(0, stops.indexOf(value)) / last;
  return { min: 0, max: last, step: 1, low: stops[0], high: stops[last], tick: place(yard), zero: place(0), at, strength: (where) => stops[where],
    share: (strength) => at(strength) / last,
    next: (strength, by) => {
      const near = at(strength);
      const between = stops[near] !== strength && stops[near] > strength === by > 0; // typed, between two places
      return stops[clamp(between ? near : near + by, 0, last)];
    } };
};

const layDial = (slide, dial, strength) => {
  for (const name of ["min", "max", "step"]) if (Number(slide[name]) !== dial[name]) slide[name] = dial[name];
  if (Number(slide.value) !== dial.at(strength)) slide.value = dial.at(strength);
};
const lightDial = (slide, dial, strength) => {
  const [zero, at] = [100 * dial.zero, 100 * dial.share(strength)];
  slide.style.setProperty("--from", `${Math.min(zero, at)}%`);
  slide.style.setProperty("--at", `${Math.max(zero, at)}%`);
  slide.style.setProperty("--tick", `${100 * dial.tick}%`);
};
