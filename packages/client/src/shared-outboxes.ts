import type { OutboxRecord } from "./outbox.ts";

/** Also the name of the database, of the channel, and what the locks' names begin with. */
const name = "skep.outbox";
const table = "outboxes";

const asked = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** What others left goes behind what is our own, under the keys that it had. */
function merge(own: OutboxRecord, left: readonly OutboxRecord[]): void {
  for (const record of left) {
    for (const [conversation, lane] of Object.entries(record.lanes)) {
      if (lane.sends.length === 0) continue;
      own.lanes[conversation] ??= { next: 1, sends: [] };
      own.lanes[conversation].sends.push(...lane.sends);
    }
  }
}

/**
 * The outboxes of all tabs of an origin, in IndexedDB, by sender. A tab holds a lock on its own for as long as it lives; when it is gone, another
 * one (or the next that is opened) gets the lock and takes over what was left unsent. Tabs that are opened later tell their sender on a channel.
 */
export class SharedOutboxes {
  readonly #database: IDBDatabase;
  readonly #locks: LockManager;
  readonly #closing = new AbortController();
  /** Senders of other tabs. */
  readonly #others = new Set<string>();

  constructor(database: IDBDatabase, locks: LockManager) {
    this.#database = database;
    this.#locks = locks;
    // Another version of the page wants to change the database.
    database.onversionchange = () => database.close();
  }

  /** @returns null where the browser has no locks (a page that is not on a secure origin) or no database. */
  static async open(): Promise<SharedOutboxes | null> {
    const locks = globalThis.navigator?.locks as LockManager | undefined;
    if (!locks) return null;
    try {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(table, { keyPath: "sender" });
      return new SharedOutboxes(await asked(request), locks);
    } catch {
      return null;
    }
  }

  /** An outbox that no tab has, or a new one; with what all other such outboxes held. */
  async take(newSender: () => string): Promise<OutboxRecord> {
    const found: OutboxRecord[] = [];
    const senders = (await asked(this.#read().getAllKeys())) as string[];
    for (const sender of senders) {
      if (await this.#hold(sender)) {
        // Read once the lock is ours: its last owner may have written until then, or another heir have removed it.
        const record = await this.#get(sender);
        if (record) found.push(record);
      } else this.#others.add(sender);
    }
    let own = found.shift();
    if (!own) {
      own = { sender: newSender(), lanes: {} };
      await this.#hold(own.sender);
    }
    merge(own, found);
    const merged = found.map(({ sender }) => sender);
    this.#write(own, merged);
    return own;
  }

  save(record: OutboxRecord): void {
    this.#write(record, []);
  }

  /** Calls `take` with what each other tab has left unsent, when that tab is gone. */
  inherit(own: string, take: (left: OutboxRecord) => void): void {
    const awaitEnd = (sender: string): void => {
      const { signal } = this.#closing;
      const ended = this.#locks.request(`${name}.${sender}`, { signal }, async () => {
        this.#others.delete(sender);
        const left = await this.#get(sender);
        if (!left) return;
        take(left);
        // It is saved at the end of the tick, in a transaction before this one.
        await new Promise((resolve) => setTimeout(resolve));
        this.#write(null, [sender]);
      });
      ended.catch(() => {});
    };
    for (const sender of this.#others) awaitEnd(sender);
    const channel = new BroadcastChannel(name);
    this.#closing.signal.addEventListener("abort", () => channel.close());
    channel.onmessage = ({ data }) => {
      const sender = data as string;
      if (sender === own || this.#others.has(sender)) return;
      this.#others.add(sender);
      awaitEnd(sender);
      // Two that were opened at once may not have found each other in the database.
      channel.postMessage(own);
    };
    channel.postMessage(own);
  }

  /** Lets go of the locks. */
  close(): void {
    this.#closing.abort();
    this.#database.close();
  }

  /** Takes the lock until `close` or the end of the page. @returns false when another tab has it */
  #hold(sender: string): Promise<boolean> {
    return new Promise((resolve) => {
      const held = this.#locks.request(`${name}.${sender}`, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        if (lock === null) return undefined;
        return new Promise((release) => this.#closing.signal.addEventListener("abort", release));
      });
      held.catch(() => resolve(false));
    });
  }

  #read(): IDBObjectStore {
    return this.#database.transaction(table).objectStore(table);
  }

  #get(sender: string): Promise<OutboxRecord | undefined> {
    return asked(this.#read().get(sender) as IDBRequest<OutboxRecord | undefined>);
  }

  /** One transaction; they follow each other in the order in which they are begun. Never throws: see `OutboxStorage.save`. */
  #write(put: OutboxRecord | null, remove: readonly string[]): void {
    try {
      const transaction = this.#database.transaction(table, "readwrite");
      const outboxes = transaction.objectStore(table);
      if (put) outboxes.put(put);
      for (const sender of remove) outboxes.delete(sender);
      // The page may be gone in a moment: nothing more is coming.
      transaction.commit();
    } catch {
      // Full, forbidden or closed: the sends are still in memory, and go out as long as the page is there.
    }
  }
}
