// The session on one line of time: tasks as spans, rows as marks in lanes, strategy codes below. Gaps in which nothing
// happened for long are cut and say how long they were, for a night between two sittings would leave no room for either.
const GAP_MS = 90_000;
const CUT_MS = 6_000;
const LANE = { tasks: 19, codes: 12, marks: 13 };

const scaleOf = (tape) => {
  const times = tape.rows.map((row) => row[1]);
  const at = new Float64Array(times.length);
  const cuts = [];
  for (let index = 1; index < times.length; index++) {
    const gap = times[index] - times[index - 1];
    at[index] = at[index - 1] + (gap > GAP_MS ? CUT_MS : gap);
    if (gap > GAP_MS) cuts.push([index, gap]);
  }
  const whole = at[times.length - 1] || 1;
  const before = (ms) => {
    let [low, high] = [0, times.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= ms) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const share = (ms) => {
    const index = before(ms);
    const gap = (times[index + 1] ?? times[index]) - times[index];
    const width = (at[index + 1] ?? at[index]) - at[index];
    return clamp(at[index] + (gap ? ((ms - times[index]) / gap) * width : 0), 0, whole) / whole;
  };
  return { share, of: (index) => at[index] / whole, before, cuts, whole };
};

const lanesOf = (tape, families) => {
  const marked = FAMILIES.map(([family, name]) => ({ kind: "marks", family, name }));
  const lanes = [{ kind: "tasks", name: "Tasks" }, ...marked.filter(({ family }) => family !== "model" && families.has(family))];
  if (tape.speech?.length && !families.has("talk")) lanes.push({ kind: "marks", family: "talk", name: "Talk" });
  for (const pattern of [...new Set(tape.codes.filter(({ layer }) => layer === "pattern").map(({ name }) => name))]) {
    lanes.push({ kind: "codes", name: pattern, codes: tape.codes.filter(({ name }) => name === pattern) });
  }
  return lanes;
};

const timelinePart = (part, tape, go) => {
  const scale = scaleOf(tape);
  const families = tape.rows.map((row) => familyOf(tape.kinds[row[2]]));
  const lanes = lanesOf(tape, new Set(families));
  const moves = new Map(tape.codes.filter(({ layer }) => layer === "move").map(({ first, name }) => [first, name]));
  const place = new Map(tape.rows.map((row, index) => [row[0], index]));
  let top = 15;
  for (const lane of lanes) [lane.top, top] = [top, top + LANE[lane.kind]];
  const height = top + 3;
  const INSET = 8;
  part.names.style.height = part.track.style.height = `${height}px`;
  part.names.replaceChildren(...lanes.map((lane) => {
    const name = el("span", { style: `top:${lane.top}px;height:${LANE[lane.kind]}px`, title: tape.definitions[lane.name] ?? "" }, lane.name);
    return name;
  }));

  const colour = (name) => getComputedStyle(part.canvas).getPropertyValue(name).trim();
  const x = (share) => INSET + share * (part.track.clientWidth - 2 * INSET);

  const axis = (pen, soft, line, well) => {
    const span = tape.rows[tape.rows.length - 1][1];
    const steps = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000];
    const step = steps.find((each) => scale.whole / each <= part.track.clientWidth / 90) ?? 7_200_000;
    const taken = [];
    const free = (from, to) => taken.every(([low, high]) => to < low || from > high) && taken.push([from, to]);
    const [edge, cut] = [part.track.clientWidth, new Set(scale.cuts.map(([index]) => index))];
    for (const [index, gap] of scale.cuts) {
      const [from, to] = [x(scale.of(index - 1)), x(scale.of(index))];
      const words = `${lasted(gap)} cut`;
      const middle = clamp((from + to) / 2, 28, edge - 28);
      pen.fillStyle = well;
      pen.fillRect(from, 12, to - from, height - 12);
      pen.fillStyle = soft;
      pen.textAlign = "center";
      if (free(middle - 30, middle + 30)) pen.fillText(words, middle, 9);
      pen.textAlign = "left";
    }
    for (let time = 0, steps = 0; time <= span && steps < 20_000; time += step, steps++) {
      const left = x(scale.share(time));
      if (cut.has(scale.before(time) + 1) || left > edge - 40 || !free(left - 4, left + 48)) continue;
      pen.fillStyle = line;
      pen.fillRect(Math.round(left), 12, 1, height - 12);
      pen.fillStyle = soft;
      pen.fillText(clockOf(time, step < 100 ? 2 : step < 1000 ? 1 : 0), left + 3, 9);
    }
  };

  const spans = (pen, lane, ink) => {
    for (const { begin, end, task, name, order } of tape.tasks) {
      const [from, to] = [x(scale.share(begin)), x(scale.share(end))];
      pen.globalAlpha = 0.13;
      pen.fillStyle = ink;
      pen.beginPath();
      pen.roundRect(from, lane.top + 1, Math.max(2, to - from), LANE.tasks - 4, 4);
      pen.fill();
      pen.globalAlpha = 1;
      pen.save();
      pen.beginPath();
      pen.rect(from, lane.top, to - from - 4, LANE.tasks);
      pen.clip();
      pen.fillText(`${order ?? ""} ${task}`.trim(), from + 6, lane.top + 11.5);
      pen.restore();
    }
  };

  const draw = () => {
    const [width, ratio] = [part.track.clientWidth, window.devicePixelRatio || 1];
    if (!width) return;
    part.canvas.width = width * ratio;
    part.canvas.height = height * ratio;
    part.canvas.style.width = `${width}px`;
    part.canvas.style.height = `${height}px`;
    const pen = part.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const [ink, soft, line, well] = ["--ink", "--soft", "--line", "--well"].map(colour);
    pen.font = `11px ${getComputedStyle(part.canvas).fontFamily}`;
    axis(pen, soft, line, well);
    for (const lane of lanes) {
      pen.fillStyle = ink;
      if (lane.kind === "tasks") spans(pen, lane, ink);
      if (lane.kind === "marks") {
        const steps = lane.family === "intervention";
        const [wide, tall] = steps ? [3, LANE.marks - 2] : [2, LANE.marks - 6];
        const sides = Object.fromEntries(Object.entries(SIDES).map(([move, side]) => [move, colour(side)]));
        pen.fillStyle = soft;
        let last = -9;
        tape.rows.forEach((row, index) => {
          if (families[index] !== lane.family) return;
          const left = x(scale.of(index)) - wide / 2;
          if (left - last < 0.6) return;
          last = left;
          if (steps) pen.fillStyle = sides[moves.get(row[0])] ?? soft;
          pen.fillRect(left, lane.top + (LANE.marks - tall) / 2, wide, tall);
        });
        pen.fillStyle = colour("--glow");
        if (lane.family === "talk") for (const said of tape.speech ?? []) {
          const [from, to] = [x(scale.share(said.begin)), x(scale.share(said.end))];
          pen.globalAlpha = said.participant ? 0.75 : 0.35;
          pen.fillRect(from, lane.top + 4, Math.max(2, to - from), LANE.marks - 8);
          pen.globalAlpha = 1;
        }
      }
      if (lane.kind === "codes") for (const code of lane.codes) {
        const [from, to] = [code.first, code.last].map((seq) => x(scale.of(place.get(seq) ?? 0)));
        pen.fillStyle = colour("--glow");
        pen.globalAlpha = 0.6;
        pen.beginPath();
        pen.roundRect(from - 2, lane.top + 3, Math.max(5, to - from + 4), LANE.codes - 6, 2);
        pen.fill();
        pen.globalAlpha = 1;
      }
    }
  };

  const nearest = (event) => {
    const box = part.track.getBoundingClientRect();
    const share = (event.clientX - box.left - INSET) / (box.width - 2 * INSET);
    const lane = lanes.find((each) => event.clientY - box.top >= each.top && event.clientY - box.top < each.top + LANE[each.kind]);
    const mine = (index) => lane?.kind !== "marks" || families[index] === lane.family;
    let [best, apart] = [0, Infinity];
    tape.rows.forEach((_, index) => {
      const off = Math.abs(scale.of(index) - share);
      if (off < apart && mine(index)) [best, apart] = [index, off];
    });
    return { index: best, lane, left: event.clientX - box.left, box };
  };
  part.track.onpointerdown = (event) => {
    part.track.setPointerCapture(event.pointerId);
    go(nearest(event).index);
  };
  part.track.onpointermove = (event) => {
    const { index, lane, left, box } = nearest(event);
    if (event.buttons & 1) go(index);
    const row = tape.rows[index];
    const codes = tape.codes.filter(({ layer, first, last }) => first <= row[0] && row[0] <= last && (layer === "pattern" ? lane?.kind === "codes" : layer === "move"));
    const named = codes.map(({ name }) => name).join(", ");
    say(part.hover, `${clockOf(row[1], 1)}  #${row[0]}  ${named ? `${named}: ` : ""}${row[3]}`);
    part.hover.hidden = false;
    part.hover.style.left = `${clamp(left, 0, box.width - Math.min(part.hover.offsetWidth, box.width))}px`;
  };
  part.track.onpointerleave = () => (part.hover.hidden = true);
  new ResizeObserver(() => {
    draw();
    move(at);
  }).observe(part.track);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => requestAnimationFrame(draw));

  let at = 0;
  const move = (index) => {
    at = index;
    const row = tape.rows[index];
    part.head.style.transform = `translateX(${x(scale.of(index))}px)`;
    mark(part.track, "aria-valuemin", 1);
    mark(part.track, "aria-valuemax", tape.rows.length);
    mark(part.track, "aria-valuenow", index + 1);
    mark(part.track, "aria-valuetext", `${clockOf(row[1])}, row ${row[0]}: ${row[3]}`);
  };
  draw();
  return { move, families, gapTo: (index) => tape.rows[index][1] - tape.rows[index - 1][1] };
};
