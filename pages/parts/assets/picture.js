// The picture and, over it, one value per patch: of the chosen component, or of the picture as a whole where patches are
// masked. Cells, not a blur, for that is what is known.
const OVERLAYS = [
  ["off", () => w("picture.off"), () => w("picture.off"), () => w("picture.off_title")],
  ["fires", () => w("picture.fires"), () => w("picture.fires_name"), () => w("picture.fires_title")],
  ["pushes", () => w("picture.pushes"), () => w("picture.pushes_name"), () => w("picture.pushes_title")],
  ["masked", () => w("picture.masked"), () => w("picture.masked_name"), () => w("picture.masked_title")],
];

const paintMap = (canvas, grid, values, colours, scale) => {
  const size = 16 * grid;
  if (canvas.width !== size) canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, size, size);
  if (!values || !(scale > 0)) return;
  values.forEach((value, patch) => {
    const share = clamp(value / scale, -1, 1);
    if (Math.abs(share) < 0.02) return;
    pen.globalAlpha = 0.12 + 0.7 * Math.abs(share);
    pen.fillStyle = share > 0 ? colours.warm : colours.cool;
    pen.fillRect((patch % grid) * 16, Math.floor(patch / grid) * 16, 16, 16);
  });
  pen.globalAlpha = 1;
};

const picturePart = (part, act, view) => {
  const buttons = OVERLAYS.map(([overlay, short, name, title]) =>
    el("button", { type: "button", role: "radio", "aria-label": name(), title: title(), onclick: () => (overlay === view.now.overlay ? masking.again() : view.overlay(overlay)) }, short()),
  );
  const masking = maskingPart(view);
  part.overlays.replaceChildren(...buttons);
  part.overlays.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const offered = buttons.filter((button) => !button.hidden).length; // the one that may be missing is the last
    const at = (OVERLAYS.findIndex(([overlay]) => overlay === view.now.overlay) + step + offered) % offered;
    view.overlay(OVERLAYS[at][0]);
    buttons[at].focus();
  };
  const ramp = el("span", { class: "ramp" });
  const [low, middle, high] = [el("span"), el("span"), el("span")];
  const share = el("span");
  // The one token that has no place in the picture has its cell beside the map, in the same colours.
  const cell = el("i", { class: "token-cell" });
  const terms = { token: term("token", w("picture.token")), masked: term("masked", w("picture.masking")) };
  part.legend.replaceChildren(ramp, el("span", { class: "ends" }, low, middle, high), el("span", { class: "beside" }, cell, ...Object.values(terms), share));
  const ends = (...words) => [low, middle, high].forEach((end, at) => say(end, words[at] ?? ""));

  // Of the picture and the margin alone: no component has a part in it, and no edit.
  const paintMasked = (data, colours) => {
    const { falls, done, of, failed } = masking.of(data);
    const most = falls ? Math.max(...falls.map(Math.abs)) : 0;
    paintMap(part.map, data.picture.grid, falls, colours, most);
    mark(part.legend, "data-silent", !(most > 0));
    part.legend.setAttribute("aria-busy", String(!falls && !failed));
    say(share, most > 0 ? w("picture.masked_most", { most: fixed(most) }) : "");
    if (failed) ends(w("picture.masked_failed"));
    else if (!falls) ends(w("picture.masked_far", { done, of }));
    else if (!most) ends(w("picture.masked_none"));
    else ends(w("picture.towards", { label: data.against }), "0", w("picture.towards", { label: data.target }));
  };

  return (data, chosen) => {
    if (part.picture.getAttribute("src") !== data.picture.url) part.picture.src = data.picture.url;
    part.picture.alt = data.picture.alt;
    OVERLAYS.forEach(([overlay], at) => {
      mark(buttons[at], "aria-checked", overlay === view.now.overlay);
      buttons[at].tabIndex = overlay === view.now.overlay ? 0 : -1;
    });
    const style = getComputedStyle(part.map);
    const colours = { warm: style.getPropertyValue("--warm").trim(), cool: style.getPropertyValue("--cool").trim() };
    buttons.at(-1).hidden = !data.tools.includes("masking");
    const overlay = chosen || view.now.overlay === "masked" ? view.now.overlay : "off";
    mark(part.legend, "data-overlay", overlay);
    terms.token.hidden = overlay === "masked";
    cell.hidden = terms.token.hidden;
    terms.masked.hidden = !terms.token.hidden;
    if (overlay === "masked") return paintMasked(data, colours);
    masking.rest();
    part.legend.removeAttribute("aria-busy");
    const fires = overlay === "fires";
    const drawn = fires ? { warm: style.getPropertyValue("--glow").trim(), cool: colours.cool } : colours;
    paintMap(part.map, data.picture.grid, overlay === "off" ? null : fires ? chosen.fires : chosen.pushes, drawn,
      fires ? chosen.fires_scale : data.pushes_scale);
    const drawnValues = overlay === "off" ? [] : (fires ? chosen.fires : chosen.pushes) ?? [];
    const silent = overlay !== "off" && !drawnValues.some((value) => value !== 0);
    mark(part.legend, "data-silent", silent);
    if (overlay !== "off") {
      const most = fires ? chosen.fires_most : 0; // the map itself is rounded
      const code = !chosen.class_code ? w("picture.silent_token") : w(most ? "picture.code_beside" : "picture.code", { code: fixed(chosen.class_code), most: fixed(most) });
      const [value, scale] = fires ? [chosen.class_code, chosen.fires_scale] : [chosen.class_push, data.pushes_scale];
      const shade = scale > 0 ? clamp(value / scale, -1, 1) : 0;
      cell.style.background = shade ? `color-mix(in srgb, ${shade > 0 ? drawn.warm : drawn.cool} ${Math.round(12 + 70 * Math.abs(shade))}%, transparent)` : "none";
      mark(part.legend, "data-token", fires && chosen.class_code > most);
      say(share, fires ? code : w("picture.split", { token: signed(chosen.class_push), patches: signed(chosen.patch_push) }));
    }
    if (silent) ends(data.maps || fires ? w("picture.none_fires") : w("picture.none_pushes"));
    else if (fires) ends(w("picture.silent"), "", w("picture.strong"));
    else if (overlay === "pushes") ends(w("picture.towards", { label: data.against }), "0", w("picture.towards", { label: data.target }));
    else ends();
  };
};
