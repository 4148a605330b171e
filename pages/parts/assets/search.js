// The dictionary asked: for a word, for a region of the picture, for what moves one answer to another. What is found
// stands in the list in place of the components by attribution, and is steered there like those.
const ASKED = {
  word: () => w("search.word"),
  region: () => w("search.region"),
  move: () => w("search.move"),
};

const searchPart = (part, bench, act, view) => {
  let on = false;
  let how = "word";
  let data = null;
  let sent = null; // the number of what was found before, while a question is on its way
  let past = null; // the number of what is not to be listed any more, while a new region is being marked
  const patches = view.marks;
  let cursor = 0;
  let painting = null; // whether the brush puts patches in or takes them out
  let tap = false; // a finger is down that may yet scroll the page

  const ways = Object.fromEntries(Object.entries(ASKED).map(([each, word]) => [each,
    el("button", { type: "button", role: "radio", onclick: () => choose(each) }, word())]));
  const kinds = el("div", { class: "kinds", role: "radiogroup", "aria-label": w("search.ways") }, ...Object.values(ways));
  const text = el("input", { type: "text", maxlength: 200, placeholder: w("search.hint"), "aria-label": w("search.label"), autocomplete: "off", spellcheck: "false" });
  const [origin, target] = [el("select", { "aria-label": w("search.from") }), el("select", { "aria-label": w("search.to") })];
  const brushed = el("span", { class: "brushed" });
  const clear = el("button", { type: "button", class: "quiet", onclick: () => wipe() }, w("search.clear"));
  const go = el("button", { type: "submit", class: "go" }, w("search.go"));
  const fields = { word: [text], region: [brushed, clear], move: [origin, el("span", { "aria-hidden": "true" }, "\u2192"), target] };
  const form = el("form", { class: "asking" }, kinds, ...Object.values(fields).flat(), go);
  part.search.replaceChildren(form);
  let told = "";
  const brush = el("canvas", { class: "brush", role: "application", tabindex: "0" });
  brush.inert = view.still;
  part.map.after(brush);
  // A region is one of the task's own picture, which is not on the screen while another is open.
  const brushes = () => view.painting() || (data.tools.includes("search") && data.regions && !data.visit);
  const byRegion = () => on && how === "region";
  const marking = () => byRegion() || view.painting();

  const choose = (each, focus = true) => {
    how = each;
    for (const [name, nodes] of Object.entries(fields)) for (const node of nodes) node.hidden = name !== how;
    for (const [name, node] of Object.entries(ways)) {
      mark(node, "aria-checked", name === how);
      node.tabIndex = name === how ? 0 : -1;
    }
    show();
    if (focus && how !== "region") fields[how][0].focus();
  };
  kinds.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const open = Object.keys(ways).filter((name) => !ways[name].disabled);
    choose(open[(open.indexOf(how) + step + open.length) % open.length], false);
    ways[how].focus();
  };

  const paint = () => {
    brush.hidden = !brushes() || (view.still && !marking());
    mark(brush, "data-marking", marking());
    if (brush.hidden) return;
    const painted = view.painting() && !byRegion();
    mark(brush, "aria-label", w(painted ? "hand.brush" : "search.brush"));
    mark(brush, "title", w(painted ? "hand.patches_title" : "search.brush_title"));
    const { grid } = data.picture;
    const cell = 40;
    if (brush.width !== cell * grid) brush.width = brush.height = cell * grid;
    const pen = brush.getContext("2d");
    pen.clearRect(0, 0, brush.width, brush.height);
    const at = (patch) => [(patch % grid) * cell, Math.floor(patch / grid) * cell];
    const focused = brush.matches(":focus-visible");
    if (!marking() && !focused) return;
    const thin = (cell * grid) / (brush.clientWidth || 1); // a pixel of the screen
    // Only the region's own border is drawn, dark within and light without, so that the map beneath stays to be read.
    for (const [colour, width] of marking() ? [["#fff", 4 * thin], ["#111", 2 * thin]] : []) {
      pen.fillStyle = colour;
      for (const patch of patches) {
        const [x, y] = at(patch);
        const [column, row] = [patch % grid, Math.floor(patch / grid)];
        if (!row || !patches.has(patch - grid)) pen.fillRect(x, y, cell, width);
        if (row === grid - 1 || !patches.has(patch + grid)) pen.fillRect(x, y + cell - width, cell, width);
        if (!column || !patches.has(patch - 1)) pen.fillRect(x, y, width, cell);
        if (column === grid - 1 || !patches.has(patch + 1)) pen.fillRect(x + cell - width, y, width, cell);
      }
    }
    if (focused) {
      pen.strokeStyle = getComputedStyle(brush).getPropertyValue("--accent");
      pen.lineWidth = 3 * thin;
      pen.strokeRect(...at(cursor).map((corner) => corner + 1.5 * thin), cell - 3 * thin, cell - 3 * thin);
    }
  };
  const counted = () => {
    say(brushed, patches.size ? w("search.patches", { count: patches.size }) : w("search.paint"));
    clear.disabled = !patches.size;
    paint();
  };
  const wipe = () => {
    patches.clear();
    counted();
    view.painted();
  };
  const put = (patch) => {
    if (patches.has(patch) === painting) return;
    if (painting) patches.add(patch);
    else patches.delete(patch);
    counted();
  };
  // While an edit's tokens are painted, what is marked is theirs. Otherwise marking a patch is asking by region, whatever
  // was asked before, and nothing of an earlier region stays.
  const start = () => {
    if (!marking()) {
      patches.clear();
      if (!on) past = data.found?.number ?? null; // what is listed stays so until there is an answer
      on = true;
      choose("region", false);
      view.redraw();
    }
    painting = !patches.has(cursor);
    put(cursor);
  };
  // What is marked is asked for once the brush is lifted; with the last patch gone there is nothing to ask.
  const lift = () => {
    if (painting === null) return;
    painting = null;
    if (!byRegion()) return view.painted(); // an edit goes along with patches that are marked for it, and with no others
    if (patches.size) ask();
    else turn(false, false);
  };
  const under = (event) => {
    const { left, top, width } = brush.getBoundingClientRect();
    const { grid } = data.picture;
    const [x, y] = [event.clientX - left, event.clientY - top].map((at) => clamp(Math.floor((grid * at) / width), 0, grid - 1));
    return y * grid + x;
  };
  brush.onpointerdown = (event) => {
    tap = event.pointerType === "touch" && !marking();
    if (event.button || tap) return;
    brush.setPointerCapture(event.pointerId);
    cursor = under(event);
    start();
  };
  brush.onpointermove = (event) => {
    if (painting === null) return;
    // A quick hand skips patches; those on its way are meant as well.
    const { grid } = data.picture;
    const to = under(event);
    const [x, y] = [(to % grid) - (cursor % grid), Math.floor(to / grid) - Math.floor(cursor / grid)];
    const steps = Math.max(Math.abs(x), Math.abs(y));
    for (let step = 1; step <= steps; step++) put(cursor + Math.round((y * step) / steps) * grid + Math.round((x * step) / steps));
    cursor = to;
  };
  brush.onpointerup = (event) => {
    if (tap) {
      cursor = under(event);
      start();
    }
    tap = false;
    lift();
  };
  brush.onpointercancel = () => ([tap, painting] = [false, null]);
  brush.onfocus = brush.onblur = paint;
  brush.onkeydown = (event) => {
    const { grid } = data.picture;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid, ArrowDown: grid }[event.key];
    if (event.key === "Enter" && byRegion()) ask();
    else if (event.key === " ") {
      start();
      painting = null;
      if (byRegion()) view.redraw();
      else view.painted();
    } else if (event.key === "Escape" && byRegion()) turn(false, false);
    else if (step) {
      cursor = clamp(cursor + step, 0, grid * grid - 1);
      paint();
    } else return;
    event.preventDefault();
  };

  const ask = () => {
    const wanted = { word: { text: text.value.trim() }, region: { patches: [...patches] }, move: { origin: origin.value, target: target.value } }[how];
    if (!(wanted.text || wanted.patches?.length || (wanted.origin && wanted.origin !== wanted.target))) return;
    sent = data.found?.number ?? "";
    told = w("search.asking");
    view.redraw();
    act({ kind: "search", how, ...wanted });
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    ask();
  };

  const listed = () => (on && data?.found && data.found.number !== past ? data.found : null);
  const show = () => {
    const found = listed();
    mark(part.searching, "aria-expanded", on);
    mark(bench, "data-searching", on);
    counted();
    say(part.listed, found || (on && sent !== null) ? told : w("part.by_attribution"));
    if (!found || sent !== null) return;
    const count = found.components.length;
    const asked = { word: quoted(found.text), region: w("search.marked"), move: `${found.origin} \u2192 ${found.target}` }[found.how];
    const word = found.text.trim().toLowerCase();
    const number = Number(word.replace("#", "") || NaN);
    const called = found.how !== "word" || found.components.some(({ index, name }) => index === number || name.toLowerCase().includes(word));
    told = w(!count ? "search.none" : called ? "search.found" : "search.near", { count, asked });
    say(part.listed, told);
  };
  const turn = (to, focus = true) => {
    if (!to && byRegion()) view.remark();
    [on, past] = [to, null];
    view.redraw();
    if (on && focus && how !== "region") fields[how][0].focus();
    if (on && focus) text.select(); // what is typed now takes the place of what was asked before
    if (!on && focus) part.searching.focus();
  };
  part.searching.onclick = () => turn(!on);
  form.onkeydown = (event) => {
    if (event.key === "Escape") {
      event.stopPropagation(); // it closes the search, and not the other picture as well
      turn(false);
    }
    if (event.key === "ArrowDown" && event.target === text) {
      event.preventDefault();
      part.rows.querySelector(".pick")?.focus();
    }
  };
  const keys = (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || part.searching.hidden || view.busy()) return;
    if (event.composedPath()[0].matches?.("input:not([type=range]), textarea, select")) return;
    event.preventDefault();
    turn(true);
  };
  if (!view.still) document.addEventListener("keydown", keys);

  // From a class to itself nothing moves: what one side names the other does not offer.
  const apart = () => {
    for (const [one, other] of [[origin, target], [target, origin]]) for (const option of one.options) option.disabled = option.value === other.value;
  };
  const options = (select, labels, chosen) => {
    const wanted = labels.join("/");
    if (select.dataset.labels === wanted) return;
    select.dataset.labels = wanted;
    select.replaceChildren(...labels.map((label) => el("option", { value: label }, label)));
    select.value = chosen;
    apart();
  };
  origin.addEventListener("change", apart);
  target.addEventListener("change", apart);

  return {
    // What the list shows: components found, or null for those by attribution.
    found: (fresh) => {
      data = fresh;
      part.searching.hidden = !fresh.tools.includes("search");
      if (view.still && (on = Boolean(fresh.found?.latest))) {
        how = fresh.found.how;
        if (byRegion()) {
          patches.clear();
          for (const patch of fresh.found.patches) patches.add(patch);
        }
      }
      if (fresh.found && fresh.found.number !== sent) {
        if (sent !== null && !view.still) [how, sent] = [fresh.found.how, null];
      }
      return listed()?.components ?? null;
    },
    draw: (fresh) => {
      data = fresh;
      options(origin, fresh.classes.map(({ label }) => label), fresh.target);
      options(target, fresh.classes.map(({ label }) => label), fresh.against);
      ways.region.disabled = Boolean(fresh.visit) || !fresh.regions;
      mark(ways.region, "title", !fresh.regions ? w("search.no_regions") : fresh.visit ? w("search.elsewhere") : "");
      choose(ways[how].disabled ? "word" : how, false);
    },
    open: () => on,
    refused: () => (sent = null),
    close: () => document.removeEventListener("keydown", keys),
  };
};
