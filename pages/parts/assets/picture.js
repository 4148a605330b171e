// The picture and, over it, one value per patch of the chosen component: cells, not a blur, for that is what is known.
const OVERLAYS = [
  ["off", () => w("picture.off"), () => w("picture.off_title")],
  ["fires", () => w("picture.fires"), () => w("picture.fires_title")],
  ["pushes", () => w("picture.pushes"), () => w("picture.pushes_title")],
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
  const buttons = OVERLAYS.map(([overlay, name, title]) =>
    el("button", { type: "button", role: "radio", title: title(), onclick: () => view.overlay(overlay) }, name()),
  );
  part.overlays.replaceChildren(...buttons);
  part.overlays.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = (OVERLAYS.findIndex(([overlay]) => overlay === view.now.overlay) + step + 3) % 3;
    view.overlay(OVERLAYS[at][0]);
    buttons[at].focus();
  };
  const ramp = el("span", { class: "ramp" });
  const [low, middle, high] = [el("span"), el("span"), el("span")];
  const share = el("span");
  part.legend.replaceChildren(ramp, el("span", { class: "ends" }, low, middle, high), el("span", { class: "beside" }, term("token", w("picture.token")), share));

  return (data, chosen) => {
    if (part.picture.getAttribute("src") !== data.picture.url) part.picture.src = data.picture.url;
    part.picture.alt = data.picture.alt;
    OVERLAYS.forEach(([overlay], at) => {
      mark(buttons[at], "aria-checked", overlay === view.now.overlay);
      buttons[at].tabIndex = overlay === view.now.overlay ? 0 : -1;
    });
    const style = getComputedStyle(part.map);
    const colours = { warm: style.getPropertyValue("--warm").trim(), cool: style.getPropertyValue("--cool").trim() };
    const overlay = chosen ? view.now.overlay : "off";
    const fires = overlay === "fires";
    const drawn = fires ? { warm: style.getPropertyValue("--glow").trim(), cool: colours.cool } : colours;
    paintMap(part.map, data.picture.grid, overlay === "off" ? null : fires ? chosen.fires : chosen.pushes, drawn,
      fires ? chosen.fires_scale : data.pushes_scale);
    mark(part.legend, "data-overlay", overlay);
    const drawnValues = overlay === "off" ? [] : (fires ? chosen.fires : chosen.pushes) ?? [];
    const silent = overlay !== "off" && !drawnValues.some((value) => value !== 0);
    mark(part.legend, "data-silent", silent);
    if (overlay !== "off") {
      const code = chosen.class_code ? w("picture.code", { code: fixed(chosen.class_code) }) : w("picture.silent_token");
      say(share, fires ? `: ${code}` : ` ${w("picture.split", { token: signed(chosen.class_push), patches: signed(chosen.patch_push) })}`);
    }
    if (silent) {
      say(low, data.maps || fires ? w("picture.none_fires") : w("picture.none_pushes"));
      say(middle, "");
      say(high, "");
      return;
    }
    say(low, overlay === "off" ? "" : fires ? w("picture.silent") : w("picture.towards", { label: data.against }));
    say(middle, overlay === "pushes" ? "0" : "");
    say(high, overlay === "off" ? "" : fires ? w("picture.strong") : w("picture.towards", { label: data.target }));
  };
};
