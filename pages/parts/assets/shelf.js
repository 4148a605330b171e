// Pieces of sound lie in the browser's own database from the moment they are recorded until the server has them.
// Without that database, as in some private windows, they are held in memory alone.
const KEPT_DAYS = 7;

const settledRequest = (request) =>
  new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });

class Shelf {
  constructor(owner) {
    this.owner = owner;
    this.db = null;
  }

  // Resolves to what ends it, once this window alone has the shelf.
  turn() {
    return new Promise((mine) => {
      const hold = () => new Promise((release) => mine(release));
      if (navigator.locks) navigator.locks.request(`tiller-sound-${this.owner}`, hold);
      else hold();
    });
  }

  async open() {
    try {
      const asked = indexedDB.open("tiller-sound", 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore("pieces", { keyPath: ["media", "chunk"] });
        asked.result.createObjectStore("recordings", { keyPath: "media" });
      };
      this.db = await settledRequest(asked);
      await this.tidy();
    } catch {
      this.db = null;
    }
  }

  // Whoever never comes back to this browser leaves no voice in it for long.
  async tidy() {
    const long = Date.now() - KEPT_DAYS * 86_400_000;
    for (const one of await this.all("pieces")) if (one.began_ms < long) await this.remove("pieces", [one.media, one.chunk]);
    for (const one of await this.all("recordings")) if (one.at < long) await this.remove("recordings", one.media);
  }

  async all(store) {
    return this.db ? settledRequest(this.db.transaction(store).objectStore(store).getAll()) : [];
  }

  // What another window has left behind, in the order in which it is to be sent.
  async left() {
    const pieces = await this.mine("pieces");
    const recordings = (await this.mine("recordings")).sort((a, b) => a.at - b.at);
    return recordings.flatMap((one) => [
      ...pieces.filter(({ media }) => media === one.media).sort((a, b) => a.chunk - b.chunk),
      { end: true, ...one },
    ]);
  }

  async mine(store) {
    return (await this.all(store)).filter(({ owner }) => owner === this.owner);
  }

  // Kept means kept: the promise is settled once the disk has it.
  change(store, what) {
    if (!this.db) return Promise.resolve();
    return new Promise((done) => {
      const transaction = this.db.transaction(store, "readwrite", { durability: "strict" });
      transaction.oncomplete = transaction.onabort = done; // a full disk: memory still holds it
      what(transaction.objectStore(store));
    });
  }

  put(store, value) {
    return this.change(store, (kept) => kept.put({ ...value, owner: this.owner }));
  }

  remove(store, key) {
    return this.change(store, (kept) => kept.delete(key));
  }
}
