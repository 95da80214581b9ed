import type { Database } from "./database.ts";

/** Pages of the full-text index that one step merges, and such steps after each one that added to it at most: one and a quarter keeps pace, and falling behind ends in one merge of 100 ms. */
const mergePages = 8;
const mergesPerChange = 3;

/**
 * Work that the writer does in small steps when no batch waits: the full-text index follows the messages (indexing inside the message's own
 * transaction would cost more than the message), and deleted conversations are taken out row by row.
 */
export class Upkeep {
  readonly #db: Database;
  readonly #statements: ReturnType<typeof prepare>;
  #indexed: number;
  #mergesDue = 0;

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
    if (this.#mergesDue > 0) {
      this.#mergesDue--;
      if (!this.#merge()) this.#mergesDue = 0;
      return true;
    }
    if (this.#indexed < lastMessage) {
      const upTo = Math.min(lastMessage, this.#indexed + rows);
      this.#transaction(() => {
        this.#statements.index.run(this.#indexed, upTo);
        this.#statements.writeIndexed.run(String(upTo));
      });
      this.#indexed = upTo;
      this.#mergesDue = mergesPerChange;
      return true;
    }
    const deleted = this.#statements.nextDeleted.get();
    if (!deleted) return this.#fileTails(rows);
    this.#transaction(() => {
      // What its branches show stays, until the last of them goes too.
      const kept = this.#statements.shownByBranches.get(deleted.id)?.seq ?? 0;
      const messages = this.#statements.someMessages.all(deleted.id, kept, rows);
      for (const { id, seq, text, turn } of messages) {
        this.#statements.deleteEntry.run(deleted.id, seq);
        this.#statements.unindex.run(id, text);
        if (turn !== null) this.#statements.deleteTurn.run(turn);
        // The newest row stays, emptied: message ids are never given out twice.
        if (id < lastMessage) this.#statements.deleteMessage.run(id);
        else this.#statements.emptyMessage.run(id);
      }
      if (messages.length < rows) {
        this.#statements.deleteSenders.run(deleted.id);
        this.#statements.markPurged.run(deleted.id);
        if (kept === 0) this.#branchGone(deleted.id);
      }
    });
    this.#mergesDue = mergesPerChange;
    return true;
  }

  /** Nothing of it is left. What an erased conversation has kept for it alone can go now. */
  #branchGone(conversation: number): void {
    const branch = this.#statements.stem.get(conversation);
    if (!branch) return;
    this.#statements.deleteBranch.run(conversation);
    this.#statements.lookAgain.run(branch.stem);
  }

  /** @returns whether there was something to merge, which FTS5 tells only by its changes. */
  #merge(): boolean {
    const before = this.#statements.changes.get()?.n ?? 0;
    this.#transaction(() => this.#statements.merge.run(mergePages));
    return (this.#statements.changes.get()?.n ?? 0) - before >= 2;
  }

  /** Conversations that have gone quiet leave the tail, so that it stays small: the next ones to speak find it on a few pages. */
  #fileTails(rows: number): boolean {
    const upTo = this.#statements.tailUpTo.get(rows - 1) ?? this.#statements.tailEnd.get();
    if (!upTo) return false;
    this.#transaction(() => {
      this.#statements.fileTails.run(upTo.conversation, upTo.seq);
      this.#statements.dropTails.run(upTo.conversation, upTo.seq);
    });
    return true;
  }

  /** What upkeep does can be done again, so it waits for no sync of its own: the next commit of a message syncs the log with it. */
  #transaction(work: () => void): void {
    this.#db.exec("PRAGMA synchronous = NORMAL");
    try {
      this.#commit(work);
    } finally {
      this.#db.exec("PRAGMA synchronous = FULL");
    }
  }

  #commit(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      try {
        this.#db.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back by itself.
      }
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
    merge: db.prepare("INSERT INTO message_search (message_search, rank) VALUES ('merge', ?)"),
    changes: db.prepare<{ n: number }>("SELECT total_changes() AS n"),
    unindex: db.prepare("INSERT INTO message_search (message_search, rowid, text) VALUES ('delete', ?, ?)"),
    nextDeleted: db.prepare<{ id: number }>("SELECT id FROM conversations WHERE deleted_at IS NOT NULL AND purged = 0 ORDER BY id LIMIT 1"),
    someMessages: db.prepare<{ id: number; seq: number; text: string; turn: number | null }>(
      "SELECT m.id, l.seq, m.text, m.turn FROM log l JOIN messages m ON m.id = l.message WHERE l.conversation = ? AND l.seq > ? ORDER BY l.seq LIMIT ?",
    ),
    deleteEntry: db.prepare("DELETE FROM log WHERE conversation = ? AND seq = ?"),
    tailUpTo: db.prepare<{ conversation: number; seq: number }>(
      "SELECT conversation, seq FROM log_tail ORDER BY conversation, seq LIMIT 1 OFFSET ?",
    ),
    tailEnd: db.prepare<{ conversation: number; seq: number }>(
      "SELECT conversation, seq FROM log_tail ORDER BY conversation DESC, seq DESC LIMIT 1",
    ),
    fileTails: db.prepare(
      "INSERT INTO log (conversation, seq, message) SELECT conversation, seq, message FROM log_tail WHERE (conversation, seq) <= (?, ?) ORDER BY conversation, seq",
    ),
    dropTails: db.prepare("DELETE FROM log_tail WHERE (conversation, seq) <= (?, ?)"),
    deleteMessage: db.prepare("DELETE FROM messages WHERE id = ?"),
    emptyMessage: db.prepare(
      "UPDATE messages SET conversation = 0, seq = id, author = '', key = NULL, text = '', parts = NULL, files = NULL, turn = NULL WHERE id = ?",
    ),
    // The newest row stays, for the same reason; it holds no text.
    deleteTurn: db.prepare("DELETE FROM turns WHERE id = ? AND id < (SELECT max(id) FROM turns)"),
    deleteSenders: db.prepare("DELETE FROM senders WHERE conversation = ?"),
    shownByBranches: db.prepare<{ seq: number | null }>("SELECT max(seq) - 1 AS seq FROM branches WHERE stem = ?"),
    stem: db.prepare<{ stem: number }>("SELECT stem FROM branches WHERE conversation = ?"),
    deleteBranch: db.prepare("DELETE FROM branches WHERE conversation = ?"),
    lookAgain: db.prepare("UPDATE conversations SET purged = 0 WHERE id = ? AND deleted_at IS NOT NULL"),
    markPurged: db.prepare("UPDATE conversations SET purged = 1, title = '' WHERE id = ?"),
  };
}
