// One bench per mounted element.
const benches = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let bench = benches.get(parentElement);
  const fresh = !bench;
  if (fresh) benches.set(parentElement, (bench = open(parentElement, data)));
  bench.draw(data, (acts) => setStateValue("acts", acts));
  if (fresh && bench.outbox.acts.length) bench.outbox.flush();
  return bench.close;
}
