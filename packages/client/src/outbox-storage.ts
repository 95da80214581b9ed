import type { OutboxRecord } from "./outbox.ts";

/** Where an outbox survives the end of the program. One outbox at a time may use one storage. */
export interface OutboxStorage {
  load(): OutboxRecord | null | Promise<OutboxRecord | null>;
  /** Called at most once per tick, before the sends in it go out. Must not throw; what could not be saved is only lost if the program ends. */
  save(record: OutboxRecord): void;
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

interface Locks {
  request(name: string, options: { ifAvailable: true }, hold: (lock: unknown) => Promise<void> | undefined): Promise<unknown>;
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

const read = (storage: Storage, name: string): OutboxRecord | null => {
  try {
    return JSON.parse(storage.getItem(name) ?? "null") as OutboxRecord | null;
  } catch {
    return null;
  }
};

/**
 * One outbox per tab in the browser's local storage. A tab that starts takes over what closed tabs have left unsent, under the
 * same keys; what those keys had been accepted for already comes back as a duplicate. Each tab holds a lock on its own.
 * Where the browser has no locks (a page that is not on a secure origin), the outbox is the tab's alone and lives as long as the tab.
 */
export function browserStorage(newSender: () => string, locks: Locks | undefined = globalThis.navigator?.locks): OutboxStorage {
  const storage = locks ? globalThis.localStorage : globalThis.sessionStorage;
  const mine = (sender: string): string => prefix + sender;
  return {
    load: async () => {
      const found: OutboxRecord[] = [];
      const names = Object.keys(storage).filter((name) => name.startsWith(prefix));
      for (const name of names.sort()) {
        if (locks && !(await hold(locks, name))) continue;
        const record = read(storage, name);
        if (record) found.push(record);
      }
      const [own, ...left] = found;
      if (!own) {
        const sender = newSender();
        if (locks) await hold(locks, mine(sender));
        return { sender, lanes: {} };
      }
      for (const record of left) {
        for (const [conversation, lane] of Object.entries(record.lanes)) {
          if (lane.sends.length === 0) continue;
          own.lanes[conversation] ??= { next: 1, sends: [] };
          own.lanes[conversation].sends.push(...lane.sends);
        }
      }
      // What was taken over is written down before where it came from is removed.
      if (trySave(storage, mine(own.sender), own)) for (const { sender } of left) storage.removeItem(mine(sender));
      return own;
    },
    save: (record) => {
      trySave(storage, mine(record.sender), record);
    },
  };
}

function trySave(storage: Storage, name: string, record: OutboxRecord): boolean {
  try {
    storage.setItem(name, JSON.stringify(record));
    return true;
  } catch {
    return false;
  }
}
