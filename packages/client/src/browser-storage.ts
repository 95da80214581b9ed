import { newId } from "./new-id.ts";
import type { OutboxRecord } from "./outbox.ts";
import type { OutboxStorage } from "./outbox-storage.ts";
import { SharedOutboxes } from "./shared-outboxes.ts";

const name = "skep.outbox";
/** A browser that does not give its database and its locks in this time must not keep the page from connecting. */
const openWithinMs = 2000;

/**
 * One outbox per tab, in IndexedDB. What a tab leaves unsent when it is closed or dies is sent by another tab or by the next that is
 * opened, under the same keys: what those keys had been accepted for already comes back as a duplicate (K3).
 * Where the browser has no locks (a page that is not on a secure origin) or no database, or gives them too late, the outbox is the tab's alone, and lives as long as the
 * tab, in its session storage.
 */
export function browserStorage(newSender: () => string = newId): OutboxStorage {
  let shared: SharedOutboxes | null = null;
  let own = "";

  const load = async (): Promise<OutboxRecord> => {
    const opening = open(newSender);
    const opened = await Promise.race([opening, new Promise<null>((resolve) => setTimeout(() => resolve(null), openWithinMs))]);
    // One that comes too late is let go of: another tab takes over what it holds.
    if (!opened) void opening.then((late) => late?.outboxes.close());
    shared = opened?.outboxes ?? null;
    const record = opened?.record ?? readSession(newSender());
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

async function open(newSender: () => string): Promise<{ outboxes: SharedOutboxes; record: OutboxRecord } | null> {
  const outboxes = await SharedOutboxes.open();
  if (!outboxes) return null;
  try {
    return { outboxes, record: await outboxes.take(newSender) };
  } catch {
    outboxes.close();
    return null;
  }
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
