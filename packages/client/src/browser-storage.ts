import { newId } from "./new-id.ts";
import type { OutboxRecord } from "./outbox.ts";
import type { OutboxStorage } from "./outbox-storage.ts";
import { SharedOutboxes } from "./shared-outboxes.ts";

const name = "skep.outbox";

/**
 * One outbox per tab, in IndexedDB. What a tab leaves unsent when it is closed or dies is sent by another tab or by the next that is
 * opened, under the same keys: what those keys had been accepted for already comes back as a duplicate (K3).
 * Where the browser has no locks (a page that is not on a secure origin) or no database, the outbox is the tab's alone, and lives as long as the
 * tab, in its session storage.
 */
export function browserStorage(newSender: () => string = newId): OutboxStorage {
  let shared: SharedOutboxes | null = null;
  let own = "";

  const load = async (): Promise<OutboxRecord> => {
    shared = await SharedOutboxes.open();
    const record = shared ? await shared.take(newSender) : readSession(newSender());
    own = record.sender;
    return record;
  };
  return {
    load,
    save: (record) => (shared ? shared.save(record) : saveSession(record)),
    takeOver: (take) => shared?.inherit(own, take),
    close: () => shared?.close(),
  };
}

/** What is left goes out under another sender: a tab that was copied has the same session storage, and must not share the numbers of the first. */
function readSession(sender: string): OutboxRecord {
  const lanes: OutboxRecord["lanes"] = {};
  try {
    const left = JSON.parse(sessionStorage.getItem(name) ?? "null") as OutboxRecord | null;
    for (const [conversation, { sends }] of Object.entries(left?.lanes ?? {}))
      if (sends.length > 0) lanes[conversation] = { next: 1, sends };
  } catch {
    // Forbidden, or not ours.
  }
  return { sender, lanes };
}

function saveSession(record: OutboxRecord): void {
  try {
    sessionStorage.setItem(name, JSON.stringify(record));
  } catch {
    // Full or forbidden: the sends are still in memory, and go out as long as the page is there.
  }
}
