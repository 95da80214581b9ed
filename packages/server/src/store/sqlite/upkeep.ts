import type { Database } from "./database.ts";

/**
 * Work that the writer does in small steps when no batch waits: the full-text index follows the messages (indexing inside the message's own
 * transaction would cost more than the message), and deleted conversations are taken out row by row.
 */
export class Upkeep {
  readonly #db: Database;
  readonly #statements: ReturnType<typeof prepare>;
  #indexed: number;

  constructor(db: Database) {
    this.#db = db;
    this.#statements = prepare(db);
    this.#indexed = Number(this.#statements.readIndexed.get()?.value ?? 0);
  }

  /**
   * One step, a transaction of its own. @param lastMessage the newest message's id. @returns whether there is more to do.
   * @throws whatever SQLite throws; nothing of the step is stored then.
   */
  step(lastMessage: number, rows: number): boolean {
    if (this.#indexed < lastMessage) {
      const upTo = Math.min(lastMessage, this.#indexed + rows);
      this.#transaction(() => {
        this.#statements.index.run(this.#indexed, upTo);
        this.#statements.writeIndexed.run(String(upTo));
      });
      this.#indexed = upTo;
      return true;
    }
    const deleted = this.#statements.nextDeleted.get();
    if (!deleted) return false;
    let remaining = true;
    this.#transaction(() => {
      const ids = this.#statements.someMessages.all(deleted.id, lastMessage, rows);
      for (const { id, text } of ids) {
        this.#statements.unindex.run(id, text);
        this.#statements.deleteMessage.run(id);
      }
      if (ids.length < rows) {
        this.#statements.deleteTurns.run(deleted.id);
        this.#statements.deleteSenders.run(deleted.id);
        // The newest message's row stays until a newer one exists: message ids are never given out twice.
        remaining = this.#statements.someMessages.get(deleted.id, lastMessage + 1, 1) === undefined;
        if (remaining) this.#statements.markPurged.run(deleted.id);
      }
    });
    return remaining;
  }

  #transaction(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}

function prepare(db: Database) {
  return {
    readIndexed: db.prepare<{ value: string }>("SELECT value FROM meta WHERE name = 'search_indexed'"),
    writeIndexed: db.prepare(
      "INSERT INTO meta (name, value) VALUES ('search_indexed', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    ),
    index: db.prepare("INSERT INTO message_search (rowid, text) SELECT id, text FROM messages WHERE id > ? AND id <= ?"),
    unindex: db.prepare("INSERT INTO message_search (message_search, rowid, text) VALUES ('delete', ?, ?)"),
    nextDeleted: db.prepare<{ id: number }>("SELECT id FROM conversations WHERE deleted_at IS NOT NULL AND purged = 0 ORDER BY id LIMIT 1"),
    someMessages: db.prepare<{ id: number; text: string }>(
      "SELECT id, text FROM messages WHERE conversation = ? AND id < ? ORDER BY seq LIMIT ?",
    ),
    deleteMessage: db.prepare("DELETE FROM messages WHERE id = ?"),
    deleteTurns: db.prepare("DELETE FROM turns WHERE conversation = ? AND id < (SELECT max(id) FROM turns)"),
    deleteSenders: db.prepare("DELETE FROM senders WHERE conversation = ?"),
    markPurged: db.prepare("UPDATE conversations SET purged = 1, title = '' WHERE id = ?"),
  };
}
