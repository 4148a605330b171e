// Other classes and prompts than the task's, for the class bars alone: what would the model say if it could say this?
const LONGEST = 200; // characters, as the record takes them

const classesPart = (part, act, view) => {
  let on = false;
  let sent = null; // what was asked for and is not drawn yet
  let data = null;
  const field = (rows, word) => el("textarea", { rows, spellcheck: "false", autocomplete: "off", "aria-label": word });
  const [labels, templates] = [field(6, w("classes.labels")), field(2, w("classes.templates"))];
  const rule = el("p", { class: "rule" });
  const wrong = el("p", { class: "wrong", role: "alert" });
  const put = el("button", { type: "submit", class: "go" }, w("classes.put"));
  const leave = el("button", { type: "button", class: "quiet", onclick: () => turn(false) }, w("classes.leave"));
  part.classes.replaceChildren(
    el("label", {}, el("span", {}, w("classes.labels")), labels),
    el("label", {}, el("span", {}, w("classes.templates")), templates),
    rule, wrong, el("p", { class: "do" }, put, leave));
  const own = el("button", { type: "button", class: "quiet", onclick: () => ask([], []) }, w("classes.back"));
  part.changed.replaceChildren(el("span", {}, w("classes.changed")), " ", own);

  const lines = (text) => text.value.split("\n").map((line) => line.trim()).filter(Boolean);
  const turn = (to) => {
    [on, sent] = [to, null];
    if (on) {
      const { labels: known, templates: prompts } = data.changed ?? data.task_classes;
      labels.value = known.join("\n");
      templates.value = prompts.join("\n");
      say(wrong, "");
    }
    draw(data);
    (on ? labels : part.classing).focus();
    labels.setSelectionRange(0, 0);
    labels.scrollTop = 0;
  };
  const ask = (names, prompts) => {
    sent = JSON.stringify([names, prompts]);
    say(wrong, "");
    draw(data);
    act({ kind: "classes", labels: names, templates: prompts });
  };
  part.classing.onclick = () => turn(!on);
  part.classes.onsubmit = (event) => {
    event.preventDefault();
    const [names, prompts] = [lines(labels), lines(templates)];
    const [{ labels: known, templates: usual }, { shows }] = [data.task_classes, data];
    if (shows !== null && !names.includes(shows)) return say(wrong, w("classes.right_stays", { label: shows }));
    if (names.length < 2 || !prompts.length) return say(wrong, w("classes.too_few"));
    const long = [...names, ...prompts].find((line) => line.length > LONGEST);
    if (long) return say(wrong, w("classes.too_long", { begin: long.slice(0, 20), most: LONGEST }));
    if (prompts.some((prompt) => !prompt.includes("{}"))) return say(wrong, w("classes.no_place"));
    const same = JSON.stringify([names, prompts]) === JSON.stringify([known, usual]);
    const stands = JSON.stringify(data.changed ? [data.changed.labels, data.changed.templates] : [known, usual]);
    if (JSON.stringify([names, prompts]) === stands) return turn(false);
    if (same) ask([], []);
    else ask(names, prompts);
  };
  part.classes.onkeydown = (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      turn(false);
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) part.classes.requestSubmit();
  };

  const draw = (fresh) => {
    data = fresh;
    const { changed, shows } = fresh;
    const stands = JSON.stringify(changed ? [changed.labels, changed.templates] : [[], []]);
    if (sent === stands) [on, sent] = [false, null];
    const offered = fresh.tools.includes("classes") && !fresh.visit;
    if (!offered || view.still) on = false;
    part.classing.hidden = !offered || view.still;
    mark(part.classing, "aria-expanded", on);
    mark(part.says, "data-classing", on);
    part.changed.hidden = !changed;
    own.hidden = view.still;
    own.disabled = put.disabled = sent !== null;
    say(rule, shows === null ? w("classes.rule_open") : w("classes.rule", { label: shows }));
  };
  return {
    draw,
    refused: (why) => {
      if (sent === null) return;
      sent = null;
      say(wrong, why);
      draw(data);
    },
  };
};
