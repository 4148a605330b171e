// The ledger's keys: they count wherever nothing else has the focus.
const KEYS = [["\u2191 \u2193", "move"], ["n", "next without a code"], ["m", "memo"], ["a code's key", "give it, or take it off"], ["/", "search"], ["Esc", "back to the list"]];
const STEPS = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 };

// `does` says what comes of a key: `leave` a field, `move` by so many units, `next`, `memo`, `search`, `code` by its
// key; each returns false where there is nothing to do, and the key is left to the page. Returns what ends it.
const keyboard = (root, does) => {
  const keys = (event) => {
    const at = event.composedPath()[0];
    const within = root.contains(at);
    if (event.key === "Escape" && within && at.matches?.("input, textarea")) {
      at.blur();
      does.leave();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (at.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    // Elsewhere on the page a key belongs to what has the focus.
    if (!within && at !== document.body && at !== document.documentElement) return;
    const { key } = event;
    let done;
    if (key in STEPS) done = does.move(STEPS[key]);
    else if (key === "n") done = does.next();
    else if (key === "m") done = does.memo();
    else if (key === "/") done = does.search();
    else done = key.length === 1 && !event.repeat && does.code(key.toLowerCase());
    if (done !== false) event.preventDefault();
  };
  document.addEventListener("keydown", keys);
  return () => document.removeEventListener("keydown", keys);
};
