// Before some steps: what does the participant expect? The step is kept until that is said, and sent with it.
const expectPart = (part, bench, put, outbox) => {
  let waiting = null;
  let back = null;

  const settingNow = (data, component) => asSetting(outbox.pending(component) ?? data.edits.find(({ index }) => index === component));
  const wanted = (data, step) => {
    const expect = data.talk.expect;
    if (!expect || step.kind !== "edit" || isSame(asSetting(step), settingNow(data, step.component))) return false;
    const number = expect.steps + outbox.acts.filter(({ kind }) => kind === "edit").length + 1;
    return expect.before.includes(number);
  };
  const questions = ({ talk: { expect, words }, now }) => {
    const fill = (text) => text.replace("{label}", now.label);
    const choice = (id, label, options) => ({ id, type: "choice", label, options, required: true });
    const scale = (id, label, low, high) => ({ id, type: "slider", label, min: 0, max: 100, low, high, required: true });
    const all = {
      direction: choice("direction", fill(words.direction), ["up", "same", "down"].map((id) => ({ id, label: words[id] }))),
      top1: choice("top1", words.top1, expect.labels.map((label) => ({ id: label, label }))),
      probability: scale("probability", words.probability, percent(0), percent(1)),
      hypothesis: { id: "hypothesis", type: "free_text", label: words.hypothesis, required: true },
      confidence: scale("confidence", words.confidence, words.unsure, words.sure),
    };
    return ["direction", "top1", "probability", "hypothesis", "confidence"].filter((id) => expect.ask.includes(id)).map((id) => all[id]);
  };
  const close = (changed) => {
    waiting = null;
    part.expect.replaceChildren();
    mark(part.expect, "data-up", false);
    mark(bench, "data-expecting", false);
    changed();
    if (back?.isConnected && !back.disabled) back.focus();
    back = null;
  };

  const skip = (changed) => {
    const kept = waiting;
    put(kept);
    close(changed);
  };

  return {
    // Whether the step is kept back to be asked about.
    keeps: (data, step, changed) => {
      if (waiting) return true;
      if (!wanted(data, step)) return false;
      waiting = step;
      back = part.expect.getRootNode().activeElement;
      const { words } = data.talk;
      const see = el("button", { type: "submit", class: "primary" }, words.see);
      const ready = () => (see.disabled = fields.some(isOpen));
      const fields = fieldsOf(questions(data), words, () => ready());
      const form = el("form", { class: "asks" }, ...fields.map(({ root }) => root),
        el("span", { class: "ways" }, see,
          ...(data.talk.expect.optional ? [el("button", { type: "button", class: "later", onclick: () => skip(changed) }, words.skip)] : []), el("button", { type: "button", class: "later", onclick: () => close(changed) }, words.cancel)));
      form.onsubmit = (event) => {
        event.preventDefault();
        if (fields.some(isOpen)) return;
        const said = Object.fromEntries(fields.map(({ question, answer }) => [question.id, answer().number ?? answer().text]));
        if ("probability" in said) said.probability /= 100;
        const kept = waiting;
        put({ ...kept, expected: said });
        close(changed);
      };
      form.onkeydown = (event) => {
        if (event.key === "Escape") close(changed);
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
      };
      ready();
      part.expect.replaceChildren(el("p", { class: "lead", role: "status" }, el("b", {}, words.question), data.talk.expect.optional ? `${words.before} ${words.optional}` : words.before), form);
      mark(part.expect, "data-up", true);
      mark(bench, "data-expecting", true);
      changed();
      fields[0].first.focus();
      return true;
    },
    waiting: (component) => (waiting?.component === component ? waiting : null),
    open: () => waiting !== null,
  };
};
