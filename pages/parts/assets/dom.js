// Small words for building and filling elements; nothing here knows what the bench is about.

// The sentences on the screen come with the data, in the participant's language.
let WORDS = {};
const speak = (words) => (WORDS = words ?? WORDS);
const w = (key, values = {}) => (WORDS[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
};

// Writing only what differs keeps focus, selection and the painted frame where they are.
const say = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};
const mark = (node, name, value) => {
  const wanted = value === true ? "true" : value === false ? "false" : String(value);
  if (node.getAttribute(name) !== wanted) node.setAttribute(name, wanted);
};

const MINUS = "\u2212";
// Figures are written as the page's language writes them; staff pages, which have no words here, read English.
const figure = (text) => String(text).replace(".", WORDS["figures.point"] ?? ".");
const fixed = (value, digits = 2) => figure(value.toFixed(digits));
const hundredths = (text) => (WORDS["figures.percent"] ?? "{number}%").replace("{number}", text);
const signed = (value, digits = 2) => {
  const size = Math.abs(value).toFixed(digits);
  return Number(size) === 0 ? figure(size) : (value > 0 ? "+" : MINUS) + figure(size);
};
const percent = (share) => {
  if (share > 0 && share < 0.005) return hundredths("<1");
  if (share < 1 && share > 0.995) return hundredths(">99");
  return hundredths(Math.round(share * 100));
};
const number = (value) => (value === null ? "\u2013" : fixed(value));
const times = (strength) => (strength === 0 ? w("steer.off") : `${figure(Number(strength.toFixed(2)))}\u00d7`);
// Staff read English, and their pages may quote before any catalogue has come.
const quoted = (label) => (WORDS.quote ? w("quote", { text: label }) : `\u201c${label}\u201d`);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
