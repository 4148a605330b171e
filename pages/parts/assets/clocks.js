// How far the browser's clock is from the server's: of several pings the one with the least round trip counts.
const PINGS = 8;
const PING_MS = 3000;
const CLOCK_EVERY_MS = 60_000;

const address = (path, query = {}) => {
  const url = new URL(`api/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
};

const ping = async () => {
  const [sent, left] = [performance.now(), Date.now()];
  const answer = await fetch(address("clock"), { cache: "no-store", signal: AbortSignal.timeout(PING_MS) });
  const [round, back] = [performance.now() - sent, Date.now()];
  if (!answer.ok) throw new Error(`clock: ${answer.status}`);
  const { utc_ms: server } = await answer.json();
  return { error_ms: round / 2, offset_ms: (left + back) / 2 - server };
};

const compareClocks = async (token) => {
  const pairs = [];
  for (let at = 0; at < PINGS; at++) pairs.push(await ping());
  const best = pairs.reduce((least, one) => (one.error_ms < least.error_ms ? one : least));
  await fetch(
    address("clock", {
      s: token,
      key: crypto.randomUUID(),
      pairs: PINGS,
      ...best,
      epoch_ms: Date.now(),
      perf_ms: performance.now(),
      origin_ms: performance.timeOrigin,
    }),
    { method: "POST", signal: AbortSignal.timeout(PING_MS) },
  );
};
