import type { OutboxRecord } from "./outbox.ts";

/** Where an outbox survives the end of the program. One outbox at a time may use one storage. */
export interface OutboxStorage {
  load(): OutboxRecord | null | Promise<OutboxRecord | null>;
  /** Called at most once per tick, before the sends in it go out. Must not throw; what could not be saved is only lost if the program ends. */
  save(record: OutboxRecord): void;
  /** Asked for once, after `load`: `take` is called with what another outbox has left behind, when its owner ends later on. */
  takeOver?(take: (left: OutboxRecord) => void): void;
}

export const memoryStorage = (): OutboxStorage => {
  let kept: OutboxRecord | null = null;
  return {
    load: () => kept,
    save: (record) => {
      kept = record;
    },
  };
};

const prefix = "skep.outbox.";
const nameOf = (sender: string): string => prefix + sender;

interface Locks {
  request(name: string, options: { ifAvailable?: boolean }, hold: (lock: unknown) => Promise<void> | undefined): Promise<unknown>;
}

/** Takes the lock until the page is gone. @returns false when another tab has it */
const hold = (locks: Locks, name: string): Promise<boolean> =>
  new Promise((resolve) => {
    const kept = locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise(() => {});
    });
    kept.catch(() => resolve(false));
  });

function read(storage: Storage, name: string): OutboxRecord | null {
  try {
    return JSON.parse(storage.getItem(name) ?? "null") as OutboxRecord | null;
  } catch {
    return null;
  }
}

function save(storage: Storage, record: OutboxRecord): void {
  try {
    storage.setItem(nameOf(record.sender), JSON.stringify(record));
  } catch {
    // Full or forbidden: the sends are still in memory, and go out as long as the page is there.
  }
}

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
 * One outbox per tab, in the browser's local storage. A tab holds a lock on its own outbox for as long as it lives; when it is gone,
 * another one (or the next that is opened) gets the lock, takes over what was left unsent, and sends it under the same keys: what
 * those keys had been accepted for already comes back as a duplicate (K3).
 * Where the browser has no locks (a page that is not on a secure origin), the outbox is the tab's alone and lives as long as the tab.
 */
export function browserStorage(newSender: () => string, locks: Locks | undefined = globalThis.navigator?.locks): OutboxStorage {
  const storage = locks ? globalThis.localStorage : globalThis.sessionStorage;
  const others = new Set<string>();
  let mine = "";

  const load = async (): Promise<OutboxRecord> => {
    const found: OutboxRecord[] = [];
    const names = Object.keys(storage).filter((name) => name.startsWith(prefix));
    for (const name of names.sort()) {
      if (locks && !(await hold(locks, name))) others.add(name);
      else found.push(read(storage, name) ?? { sender: name.slice(prefix.length), lanes: {} });
    }
    const own = found.shift() ?? { sender: newSender(), lanes: {} };
    if (names.length === others.size && locks) await hold(locks, nameOf(own.sender));
    mine = nameOf(own.sender);
    merge(own, found);
    // What was taken over is written down before where it came from is removed.
    save(storage, own);
    for (const { sender } of found) storage.removeItem(nameOf(sender));
    return own;
  };

  const takeOver = (take: (left: OutboxRecord) => void): void => {
    if (!locks) return;
    const awaitEnd = (name: string): void => {
      const ended = locks.request(name, {}, async () => {
        others.delete(name);
        const left = read(storage, name);
        if (left) take(left);
        // It is saved at the end of the tick; a crash before that leaves it where it is.
        await new Promise((resolve) => setTimeout(resolve));
        storage.removeItem(name);
      });
      ended.catch(() => {});
    };
    for (const name of others) awaitEnd(name);
    addEventListener("storage", ({ key }) => {
      if (key === null || !key.startsWith(prefix) || key === mine || others.has(key) || storage.getItem(key) === null) return;
      others.add(key);
      awaitEnd(key);
    });
  };

  return { load, takeOver, save: (record) => save(storage, record) };
}
