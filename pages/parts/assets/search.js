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
  const patches = view.marks;
  let cursor = 0;
  let painting = null; // whether the brush puts patches in or takes them out

  const ways = Object.fromEntries(Object.entries(ASKED).map(([each, word]) => [each,
    el("button", { type: "button", role: "radio", onclick: () => choose(each) }, word())]));
  const kinds = el("div", { class: "ways", role: "radiogroup", "aria-label": w("search.ways") }, ...Object.values(ways));
  const text = el("input", { type: "text", maxlength: 200, placeholder: w("search.hint"), "aria-label": w("search.label"), autocomplete: "off", spellcheck: "false" });
  const [origin, target] = [el("select", { "aria-label": w("search.from") }), el("select", { "aria-label": w("search.to") })];
  const brushed = el("span", { class: "brushed" });
  const clear = el("button", { type: "button", class: "quiet", onclick: () => wipe() }, w("search.clear"));
  const go = el("button", { type: "submit", class: "go" }, w("search.go"));
  const fields = { word: [text], region: [brushed, clear], move: [origin, el("span", { "aria-hidden": "true" }, "\u2192"), target] };
  const form = el("form", { class: "asking" }, kinds, ...Object.values(fields).flat(), go);
  part.search.replaceChildren(form);
  let told = "";
  const brush = el("canvas", { class: "brush", tabindex: "0", inert: view.still });
  part.map.after(brush);

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
    const grid = data?.picture.grid ?? 1;
    const cell = 20;
    const [asked, painted] = [on && how === "region", view.painting()];
    brush.hidden = !asked && !painted;
    if (brush.hidden) return;
    mark(brush, "aria-label", w(asked ? "search.brush" : "hand.brush"));
    if (brush.width !== cell * grid) brush.width = brush.height = cell * grid;
    const pen = brush.getContext("2d");
    pen.clearRect(0, 0, brush.width, brush.height);
    pen.lineWidth = 2;
    for (const patch of patches) {
      const [x, y] = [(patch % grid) * cell, Math.floor(patch / grid) * cell];
      pen.fillStyle = "rgb(255 255 255 / 0.45)";
      pen.fillRect(x, y, cell, cell);
      pen.strokeStyle = "rgb(0 0 0 / 0.8)";
      pen.strokeRect(x + 1, y + 1, cell - 2, cell - 2);
    }
    if (bench.getRootNode().activeElement === brush) {
      pen.strokeStyle = getComputedStyle(brush).getPropertyValue("--accent");
      pen.lineWidth = 3;
      pen.strokeRect((cursor % grid) * cell + 1.5, Math.floor(cursor / grid) * cell + 1.5, cell - 3, cell - 3);
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
  const put = (patch) => (painting ? patches.add(patch) : patches.delete(patch)) && counted();
  const under = (event) => {
    const { left, top, width } = brush.getBoundingClientRect();
    const { grid } = data.picture;
    const [x, y] = [event.clientX - left, event.clientY - top].map((at) => clamp(Math.floor((grid * at) / width), 0, grid - 1));
    return y * grid + x;
  };
  brush.onpointerdown = (event) => {
    brush.setPointerCapture(event.pointerId);
    cursor = under(event);
    painting = !patches.has(cursor);
    put(cursor);
  };
  brush.onpointermove = (event) => painting !== null && put(under(event));
  brush.onpointerup = brush.onpointercancel = () => {
    painting = null;
    view.painted();
  };
  brush.onfocus = brush.onblur = paint;
  brush.onkeydown = (event) => {
    const { grid } = data.picture;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid, ArrowDown: grid }[event.key];
    if (event.key === "Enter") on && ask();
    else if (event.key === " ") {
      painting = !patches.has(cursor);
      put(cursor);
      painting = null;
      view.painted();
    } else if (step) {
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

  const show = () => {
    const found = data?.found;
    mark(part.searching, "aria-expanded", on);
    mark(bench, "data-searching", on);
    counted();
    say(part.listed, on && (found || sent !== null) ? told : w("part.by_attribution"));
    if (!on || !found || sent !== null) return;
    const count = found.components.length;
    const asked = { word: quoted(found.text), region: w("search.marked", { count: found.patches.length }), move: `${found.origin} \u2192 ${found.target}` }[found.how];
    told = w(count ? "search.found" : "search.none", { count, asked });
    say(part.listed, told);
  };
  const turn = (to, focus = true) => {
    on = to;
    view.redraw();
    if (on && focus && how !== "region") fields[how][0].focus();
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

  const options = (select, labels, chosen) => {
    const wanted = labels.join("/");
    if (select.dataset.labels === wanted) return;
    select.dataset.labels = wanted;
    select.replaceChildren(...labels.map((label) => el("option", { value: label }, label)));
    select.value = chosen;
  };

  return {
    // What the list shows: components found, or null for those by attribution.
    found: (fresh) => {
      data = fresh;
      part.searching.hidden = !fresh.tools.includes("search");
      if (view.still) on = Boolean(fresh.found?.latest);
      if (fresh.found && fresh.found.number !== sent) {
        if (sent !== null && !view.still) [how, sent] = [fresh.found.how, null];
      }
      return on && fresh.found ? fresh.found.components : null;
    },
    draw: (fresh) => {
      data = fresh;
      options(origin, fresh.classes.map(({ label }) => label), fresh.target);
      options(target, fresh.classes.map(({ label }) => label), fresh.against);
      ways.region.disabled = Boolean(fresh.visit) || !fresh.regions;
      mark(ways.region, "title", !fresh.regions ? w("search.no_regions") : fresh.visit ? w("search.elsewhere") : "");
      // A region is one of the task's own picture, which is not on the screen while another is open.
      choose(ways[how].disabled ? "word" : how, false);
    },
    open: () => on,
    refused: () => (sent = null),
    close: () => document.removeEventListener("keydown", keys),
  };
};
