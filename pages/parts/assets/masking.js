// What masking each patch costs the margin: asked of the server when it is first to be drawn, patch by patch there.
const maskingPart = (view) => {
  const known = new Map();
  let waiting = null; // the question on its way: its key, and what stops it
  const far = { done: 0, of: 0, falls: null, failed: false };
  const keyOf = (data) => [data.picture.url, data.target, data.against].join("\n");

  const rest = () => {
    waiting?.stop.abort();
    waiting = null;
  };

  const ask = (data) => {
    rest();
    const mine = (waiting = { key: keyOf(data), stop: new AbortController() });
    Object.assign(far, { done: 0, of: data.picture.grid ** 2, failed: false });
    const where = new URL(data.replayed ? data.replayed.replace(/ripple$/, "masking") : "api/masking", document.baseURI);
    const { target, against } = data;
    where.search = new URLSearchParams({ ...(data.replayed ? {} : { s: new URLSearchParams(location.search).get("s") ?? "" }), target, against });
    fetch(where, { signal: mine.stop.signal, cache: "no-store" })
      .then((answer) => (answer.ok && answer.body ? answer : Promise.reject(answer.status)))
      .then((answer) => readLines(answer, (seen) => {
        if (mine !== waiting) return;
        Object.assign(far, seen);
        if (seen.falls) known.set(mine.key, seen.falls);
        view.redraw();
      }))
      .then(() => known.has(mine.key) || Promise.reject(0))
      .catch((error) => {
        if (error?.name === "AbortError" || mine !== waiting) return;
        far.failed = true;
        view.redraw();
      });
  };

  return {
    // The falls of this picture's patches, or how far they have come.
    of: (data) => {
      const falls = known.get(keyOf(data));
      if (!falls && waiting?.key !== keyOf(data)) ask(data);
      return falls ? { falls } : far;
    },
    // Nobody looks any more; what is done stays on the server for the next who asks.
    rest,
    again: () => {
      if (!far.failed) return;
      rest();
      view.redraw();
    },
  };
};
