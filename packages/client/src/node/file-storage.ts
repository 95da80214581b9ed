/** `@skep/client/node`: what browsers do not have. */
import { DatabaseSync } from "node:sqlite";
import type { MessageFile } from "@skep/protocol/wire";
import type { OutboxRecord } from "../outbox.ts";
import type { OutboxStorage } from "../outbox-storage.ts";

export interface FileStorageOptions {
  /** The file could not be written: the sends go out all the same, but would be lost with the process. Called for each failed try. */
  onError?: (error: Error) => void;
}

export interface FileStorage extends OutboxStorage {
  load(): OutboxRecord | null;
  /** Lets another process have the file. A client that is closed calls it. */
  close(): void;
}

/** 2: sends may have files. */
const format = 2;
interface SendRow {
  place: number;
  conversation: string;
  key: string;
  text: string;
  files: string | null;
}
const schema = `
  CREATE TABLE IF NOT EXISTS outbox (sender TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS lanes (conversation TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sends (place INTEGER PRIMARY KEY, conversation TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, files TEXT) STRICT;
  PRAGMA user_version = ${format};`;
const busy = 5;

const warn = (error: Error): void => process.emitWarning(`The outbox could not be saved: ${error.message}`, "SkepOutbox");

/**
 * An outbox in a file (SQLite), which survives `kill -9` of the process: what had no final answer is sent by the next process that opens it, under the same
 * key. A save costs what has changed, not what waits. Without a sync: a power cut may take the sends of its last moments.
 * The file belongs to one process at a time; the system lets go of it when that process ends, however it ends.
 * @throws Error when another process has it, when a newer version of this package wrote it, or when it cannot be opened
 */
export function fileStorage(file: string, { onError = warn }: FileStorageOptions = {}): FileStorage {
  const database = open(file);
  const putSender = database.prepare("INSERT INTO outbox (sender) VALUES (?)");
  const putLane = database.prepare("INSERT INTO lanes (conversation, next) VALUES (?, ?) ON CONFLICT DO UPDATE SET next = excluded.next");
  const putSend = database.prepare("INSERT INTO sends (place, conversation, key, text, files) VALUES (?, ?, ?, ?, ?)");
  const dropSend = database.prepare("DELETE FROM sends WHERE place = ?");
  /** What the file holds. A send keeps its place: a lane only grows at its end. */
  let sender: string | null = null;
  const lanes = new Map<string, { next: number; places: Map<string, number> }>();
  let lastPlace = 0;

  const load = (): OutboxRecord | null => {
    const owner = database.prepare("SELECT sender FROM outbox").get() as { sender: string } | undefined;
    if (!owner) return null;
    sender = owner.sender;
    const record: OutboxRecord = { sender, lanes: {} };
    for (const row of database.prepare("SELECT conversation, next FROM lanes").iterate()) {
      const { conversation, next } = row as { conversation: string; next: number };
      record.lanes[conversation] = { next, sends: [] };
      lanes.set(conversation, { next, places: new Map() });
    }
    for (const row of database.prepare("SELECT place, conversation, key, text, files FROM sends ORDER BY place").iterate()) {
      const { place, conversation, key, text, files } = row as unknown as SendRow;
      record.lanes[conversation]?.sends.push({ key, text, ...(files === null ? {} : { files: JSON.parse(files) as MessageFile[] }) });
      lanes.get(conversation)?.places.set(key, place);
      lastPlace = place;
    }
    return record;
  };

  /** @returns what to remember once it is written */
  const write = (record: OutboxRecord): (() => void)[] => {
    const done: (() => void)[] = [];
    if (sender === null) {
      putSender.run(record.sender);
      done.push(() => (sender = record.sender));
    }
    for (const [conversation, { next, sends }] of Object.entries(record.lanes)) {
      const known = lanes.get(conversation) ?? { next: 0, places: new Map<string, number>() };
      const gone = new Set(known.places.keys());
      for (const { key, text, files } of sends) {
        if (gone.delete(key)) continue;
        const place = ++lastPlace;
        putSend.run(place, conversation, key, text, files ? JSON.stringify(files) : null);
        done.push(() => known.places.set(key, place));
      }
      for (const key of gone) {
        dropSend.run(known.places.get(key) as number);
        done.push(() => known.places.delete(key));
      }
      if (known.next !== next) putLane.run(conversation, next);
      done.push(
        () => lanes.set(conversation, known),
        () => (known.next = next),
      );
    }
    return done;
  };

  const save = (record: OutboxRecord): void => {
    try {
      database.exec("BEGIN");
      const done = write(record);
      database.exec("COMMIT");
      for (const remember of done) remember();
    } catch (error) {
      // What is not remembered as written is written by the next save.
      if (database.isTransaction) database.exec("ROLLBACK");
      onError(error as Error);
    }
  };

  return { load, save, close: () => database.close() };
}

function open(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    // Exclusive: the lock that the first write takes is kept until the process ends.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE");
    const { user_version: found } = database.prepare("PRAGMA user_version").get() as { user_version: number };
    if (found > format) throw new Error(`The outbox ${file} was written by a newer @skep/client (format ${found}); update this one.`);
    if (found === 1) database.exec("ALTER TABLE sends ADD COLUMN files TEXT");
    database.exec(`${schema} COMMIT`);
    return database;
  } catch (error) {
    database.close();
    if (((error as { errcode?: number }).errcode ?? 0) % 256 !== busy) throw error;
    throw new Error(`The outbox ${file} is in use by another process; give each process a file of its own.`, { cause: error });
  }
}
