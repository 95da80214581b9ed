/**
 * The write side: runs a batch of operations in one transaction. All SQL that changes conversations is here.
 * It is the only writer, so heads, counters and the last number of each sender may be cached; a batch that fails clears the cache.
 */
import type { Answer, Answers, Append, CloseTurn, Operation, Refused } from "../store.ts";
import { StoreFailure } from "../store.ts";
import type { Database } from "./database.ts";
import { sqliteCode, sqliteErrors } from "./database.ts";
import { Bounded } from "./bounded.ts";
import { BranchWrites } from "./branch-writes.ts";
import { FileWrites, sameFiles } from "./file-writes.ts";
import { firstLine } from "./first-line.ts";
import { PermissionWrites } from "./permission-writes.ts";
import { headOf } from "./reads.ts";
import { roleNumber, turnStateNumber } from "./rows.ts";

interface Head {
  seq: number;
  /** Second of the last noted activity, so that the list of conversations costs one write a second, not one a message. */
  activeSecond: number;
  untitled: boolean;
  /** Entries of its log in the tail, or more than there are. */
  tail: number;
}

const headsKept = 50_000;
const sendersKept = 50_000;
/** Entries of one log that are filed at once. Measured: 4 costs 15 % more than 16, 64 no less. */
const tailLength = 16;

const refused = (code: Refused["code"], detail: string, expected?: number): Refused => ({
  ok: false,
  code,
  detail,
  ...(expected === undefined ? {} : { expected }),
});
const gone = (what: string): Refused => refused("not_found", `This ${what} does not exist`);

export class Writes {
  readonly #db: Database;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #heads = new Bounded<number, Head>(headsKept);
  readonly #lastNumbers = new Bounded<string, number>(sendersKept);
  /** Turns with saved text, so that ending any other turn costs no look-up. */
  readonly #drafted = new Set<number>();
  readonly #permissions: PermissionWrites;
  readonly #branches: BranchWrites;
  readonly #files: FileWrites;
  #nextMessage = 1;
  #nextTurn = 1;
  /** Set once a write or sync has failed: from then on nobody knows what is on the disk, and nothing more is written (D1). */
  #broken: StoreFailure | null = null;

  constructor(db: Database) {
    this.#db = db;
    this.#statements = prepare(db);
    this.#permissions = new PermissionWrites(db);
    this.#branches = new BranchWrites(db);
    this.#files = new FileWrites(db);
    this.#reload();
  }

  get lastMessage(): number {
    return this.#nextMessage - 1;
  }

  #reload(): void {
    this.#heads.clear();
    this.#lastNumbers.clear();
    this.#drafted.clear();
    this.#nextMessage = (this.#statements.lastMessage.get()?.id ?? 0) + 1;
    this.#nextTurn = (this.#statements.lastTurn.get()?.id ?? 0) + 1;
    for (const row of this.#statements.draftedTurns.all()) this.#drafted.add(row.turn);
    this.#permissions.reload();
  }

  /** @throws StoreFailure: the batch is not stored, or (after a failed sync) may be found after a restart. */
  commit(batch: readonly Operation[]): Answer[] {
    if (this.#broken) throw this.#broken;
    let committing = false;
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      const answers = batch.map((operation) => this.#run(operation));
      committing = true;
      this.#db.exec("COMMIT");
      return answers;
    } catch (error) {
      throw this.#failed(error, committing);
    }
  }

  /** A transaction of somebody else on this connection failed. @returns whether more may be written. */
  survives(error: unknown): boolean {
    this.#failed(error, false);
    return this.#broken === null;
  }

  #failed(error: unknown, committing: boolean): StoreFailure {
    const code = sqliteCode(error);
    let rolledBack = true;
    try {
      this.#db.exec("ROLLBACK");
    } catch (rollbackError) {
      // SQLite has rolled back by itself after some errors; then there is no transaction to end.
      rolledBack = /no transaction is active/.test(String(rollbackError));
    }
    const message = error instanceof Error ? error.message : String(error);
    // Not the disk: it is full, another connection holds a lock, or an operation broke a rule of the schema. Nothing of the batch is stored.
    const survivable = code === sqliteErrors.full || code === sqliteErrors.busy || code === sqliteErrors.constraint;
    if (survivable && rolledBack) {
      try {
        this.#reload();
        return new StoreFailure(code === sqliteErrors.full ? "full" : "io", "not-stored", false, message);
      } catch {
        // Not even readable: treated as a failed write below.
      }
    }
    // A sync that failed once may have dropped the pages: going on would be pretending (D1).
    const reason = code === sqliteErrors.full ? "full" : "io";
    this.#broken = new StoreFailure(reason, "not-stored", true, message);
    return new StoreFailure(reason, committing ? "unknown" : "not-stored", true, message);
  }

  #run(operation: Operation): Answer {
    const s = this.#statements;
    switch (operation.op) {
      case "append":
        return this.#append(operation);
      case "close-turn":
        return this.#closeTurn(operation);
      case "start-attempt": {
        const changed = s.startAttempt.run(
          operation.attempt,
          operation.generation,
          operation.turn,
          operation.attempt,
          operation.generation,
        );
        return changed.changes > 0 ? { ok: true, changed: true } : refused("fenced", "A newer attempt exists, or the turn has ended");
      }
      case "save-draft": {
        const turn = s.turn.get(operation.turn);
        if (!turn || turn.state !== 0 || turn.attempt > operation.attempt || turn.generation > operation.generation)
          return { ok: true, changed: false };
        if (turn.attempt < operation.attempt)
          s.startAttempt.run(operation.attempt, operation.generation, operation.turn, operation.attempt, operation.generation);
        if (operation.offset === 0) s.deleteDrafts.run(operation.turn);
        else s.cutDraft.run(operation.turn, operation.attempt, operation.offset);
        s.saveDraft.run(operation.turn, operation.attempt, operation.offset, operation.text);
        this.#drafted.add(operation.turn);
        return { ok: true, changed: true };
      }
      case "request-cancel": {
        const turn = s.turn.get(operation.turn);
        if (!turn || !this.#head(turn.conversation)) return gone("turn");
        return { ok: true, changed: s.requestCancel.run(operation.turn).changes > 0 };
      }
      case "retry-turn": {
        const turn = s.turn.get(operation.turn);
        if (!turn || !this.#head(turn.conversation)) return gone("turn");
        if (turn.state === turnStateNumber.pending) return { ok: true, changed: false };
        if (turn.state === turnStateNumber.completed)
          return refused("state_conflict", "This turn has its answer; there is nothing to try again");
        s.retryTurn.run(operation.turn);
        return { ok: true, changed: true };
      }
      case "ask-permission":
        return this.#permissions.ask(operation);
      case "decide-permission":
        return this.#permissions.decide(operation);
      case "create-conversation": {
        const { publicId, bot, person, title, at } = operation;
        return { ok: true, conversation: s.createConversation.run(publicId, bot, person, title, at, at).lastInsertRowid };
      }
      case "begin-branch":
        return this.#branches.begin(operation, this.#head(operation.origin)?.seq ?? null, (first, head) => {
          if (head) this.#heads.set(first.conversation, { ...head, tail: 0 });
          return this.#append(first);
        });
      case "rename-conversation":
        this.#heads.delete(operation.conversation);
        return { ok: true, changed: s.renameConversation.run(operation.title, operation.conversation).changes > 0 };
      case "delete-conversation": {
        this.#heads.delete(operation.conversation);
        if (s.deleteConversation.run(operation.conversation).changes === 0) return { ok: true, changed: false };
        this.#file(operation.conversation);
        s.dropDrafts.run(operation.conversation);
        s.dropPending.run(operation.conversation);
        this.#permissions.conversationDeleted(operation.conversation);
        return this.#files.conversationDeleted(operation.conversation);
      }
      case "put-file":
        return this.#files.put(operation.file);
      case "drop-files":
        return this.#files.drop(operation.before);
      case "put-bot": {
        const { name, kind, definition, wanted, createdAt } = operation.bot;
        if (operation.create) {
          const created = s.createBot.run(name, kind, definition, wanted ? 1 : 0, createdAt).changes > 0;
          return created ? { ok: true, changed: true } : refused("bot_exists", `A bot named "${name}" exists`);
        }
        return { ok: true, changed: s.updateBot.run(kind, definition, wanted ? 1 : 0, name).changes > 0 };
      }
      case "delete-bot":
        s.dropBotEntries.run(operation.name);
        return { ok: true, changed: s.deleteBot.run(operation.name).changes > 0 };
      case "note-bot": {
        const { bot, at, entry, keep } = operation;
        const changed = s.addBotEntry.run(bot, at, entry, bot).changes > 0;
        if (changed) s.cutBotEntries.run(bot, bot, keep);
        return { ok: true, changed };
      }
      case "put-credential": {
        const c = operation.credential;
        s.putCredential.run(c.id, c.kind, c.hash, c.person, c.role, c.name, c.createdAt, c.expiresAt);
        return { ok: true, changed: true };
      }
      case "delete-credential":
        return { ok: true, changed: s.deleteCredential.run(operation.id).changes > 0 };
    }
  }

  #head(conversation: number): Head | null {
    const known = this.#heads.get(conversation);
    if (known) return known;
    const row = this.#statements.head.get(conversation);
    if (!row) return null;
    const head = { seq: row.seq, activeSecond: Math.floor(row.active_at / 1000), untitled: row.title === "", tail: row.tail };
    this.#heads.set(conversation, head);
    return head;
  }

  #append(a: Append): Answers["append"] {
    const s = this.#statements;
    const head = this.#head(a.conversation);
    if (!head) return gone("conversation");
    // The length keeps apart names that would read the same when put together.
    const numbered = a.n === null ? null : `${a.conversation} ${a.person.length} ${a.person}${a.sender}`;
    if (numbered !== null && a.n !== null) {
      let last = this.#lastNumbers.get(numbered);
      if (last === undefined) last = s.lastNumber.get(a.conversation, a.person, a.sender)?.last_n ?? 0;
      if (a.n !== last + 1) {
        // A key that is known was accepted before, under whatever number: the answer is the same (K3).
        return this.#duplicate(a) ?? refused("send_gap", `Expected send number ${last + 1}, got ${a.n}`, last + 1);
      }
    }
    const files = a.files === undefined ? null : (this.#duplicate(a) ?? this.#files.named(a.files, a.person));
    if (files && "ok" in files) return files;
    const id = this.#nextMessage;
    const seq = head.seq + 1;
    const turn = a.bot === null ? null : this.#nextTurn;
    const inserted = s.insertMessage.run(id, a.conversation, seq, roleNumber.person, a.person, a.key, a.text, turn, null, a.at, null);
    if (inserted.changes === 0) {
      const duplicate = this.#duplicate(a);
      if (!duplicate) throw new Error(`message ${a.conversation}/${seq} exists without its key`);
      return duplicate;
    }
    if (turn !== null && a.bot !== null) {
      s.insertTurn.run(turn, a.conversation, seq, a.bot);
      this.#nextTurn++;
    }
    if (numbered !== null && a.n !== null) {
      s.putNumber.run(a.conversation, a.person, a.sender, a.n);
      this.#lastNumbers.set(numbered, a.n);
    }
    if (head.untitled) {
      const title = firstLine(a.text) || firstLine(files?.rows[0]?.name ?? "");
      s.renameConversation.run(title, a.conversation);
      head.untitled = title === "";
    }
    this.#advance(head, a.conversation, id, a.at);
    if (files === null) return { ok: true, seq, id, turn, duplicate: false };
    this.#files.use(id, a.conversation, files);
    return { ok: true, seq, id, turn, duplicate: false, files: files.json };
  }

  /** The message is the next of its conversation's log. */
  #advance(head: Head, conversation: number, id: number, at: number): void {
    this.#nextMessage++;
    head.seq++;
    head.tail++;
    this.#statements.insertTail.run(conversation, head.seq, id);
    if (head.tail >= tailLength) {
      this.#file(conversation);
      head.tail = 0;
    }
    const second = Math.floor(at / 1000);
    if (second > head.activeSecond) {
      this.#statements.noteActivity.run(second * 1000, conversation);
      head.activeSecond = second;
    }
  }

  #file(conversation: number): void {
    this.#statements.fileTail.run(conversation);
    this.#statements.dropTail.run(conversation);
  }

  #duplicate(a: Append): Answers["append"] | null {
    if (a.key === null) return null;
    const first = this.#statements.byKey.get(a.key, a.conversation, a.person);
    if (!first) return null;
    if (first.text !== a.text) return refused("key_conflict", "This key was used for a message with another text");
    if (!sameFiles(first.files, a.files)) return refused("key_conflict", "This key was used for a message with other files");
    return { ok: true, seq: first.seq, id: first.id, turn: first.turn, duplicate: true };
  }

  #closeTurn(c: CloseTurn): Answers["close-turn"] {
    const s = this.#statements;
    // One statement both checks and writes: an older attempt or generation, or an ended turn, changes no row (B3, B4).
    const closed = s.closeTurn.get(turnStateNumber[c.outcome], c.attempt, c.generation, c.turn, c.attempt, c.generation);
    if (!closed) return s.turn.get(c.turn) ? refused("fenced", "A newer attempt exists, or the turn has ended") : gone("turn");
    const head = this.#head(closed.conversation);
    if (!head) return gone("conversation");
    const id = this.#nextMessage;
    const seq = head.seq + 1;
    s.insertMessage.run(
      id,
      closed.conversation,
      seq,
      roleNumber[c.role],
      c.author,
      null,
      c.text,
      c.turn,
      turnStateNumber[c.outcome],
      c.at,
      c.parts,
    );
    this.#permissions.turnEnded(c.turn, c.at);
    if (this.#drafted.delete(c.turn)) s.deleteDrafts.run(c.turn);
    this.#advance(head, closed.conversation, id, c.at);
    return { ok: true, conversation: closed.conversation, seq, id };
  }
}

function prepare(db: Database) {
  return {
    lastMessage: db.prepare<{ id: number | null }>("SELECT max(id) AS id FROM messages"),
    lastTurn: db.prepare<{ id: number | null }>("SELECT max(id) AS id FROM turns"),
    draftedTurns: db.prepare<{ turn: number }>("SELECT DISTINCT turn FROM drafts"),
    head: db.prepare<{ seq: number; active_at: number; title: string; tail: number }>(
      `SELECT ${headOf("?1")} AS seq, active_at, title, (SELECT count(*) FROM log_tail WHERE conversation = ?1) AS tail FROM conversations WHERE id = ?1 AND deleted_at IS NULL`,
    ),
    insertTail: db.prepare("INSERT INTO log_tail (conversation, seq, message) VALUES (?, ?, ?)"),
    fileTail: db.prepare(
      "INSERT INTO log (conversation, seq, message) SELECT conversation, seq, message FROM log_tail WHERE conversation = ? ORDER BY seq",
    ),
    dropTail: db.prepare("DELETE FROM log_tail WHERE conversation = ?"),
    lastNumber: db.prepare<{ last_n: number }>("SELECT last_n FROM senders WHERE conversation = ? AND person = ? AND sender = ?"),
    putNumber: db.prepare(
      "INSERT INTO senders (conversation, person, sender, last_n) VALUES (?, ?, ?, ?) ON CONFLICT (conversation, person, sender) DO UPDATE SET last_n = excluded.last_n",
    ),
    insertMessage: db.prepare(
      "INSERT INTO messages (id, conversation, seq, role, author, key, text, turn, outcome, created_at, parts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key, conversation, author) WHERE key IS NOT NULL DO NOTHING",
    ),
    byKey: db.prepare<{ id: number; seq: number; text: string; turn: number | null; files: string | null }>(
      "SELECT id, seq, text, turn, files FROM messages WHERE key = ? AND conversation = ? AND author = ?",
    ),
    insertTurn: db.prepare(
      "INSERT INTO turns (id, conversation, seq, bot, state, attempt, base_attempt, generation, cancel_requested) VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0)",
    ),
    turn: db.prepare<{ conversation: number; state: number; attempt: number; generation: number }>(
      "SELECT conversation, state, attempt, generation FROM turns WHERE id = ?",
    ),
    closeTurn: db.prepare<{ conversation: number }>(
      "UPDATE turns SET state = ?, attempt = ?, generation = ? WHERE id = ? AND state = 0 AND attempt <= ? AND generation <= ? RETURNING conversation",
    ),
    startAttempt: db.prepare("UPDATE turns SET attempt = ?, generation = ? WHERE id = ? AND state = 0 AND attempt < ? AND generation <= ?"),
    requestCancel: db.prepare("UPDATE turns SET cancel_requested = 1 WHERE id = ? AND state = 0 AND cancel_requested = 0"),
    retryTurn: db.prepare(
      // One further than any attempt that was: what those still write is refused (B4).
      "UPDATE turns SET state = 0, attempt = attempt + 1, base_attempt = attempt + 1, cancel_requested = 0 WHERE id = ?",
    ),
    saveDraft: db.prepare(
      "INSERT INTO drafts (turn, attempt, start, text) VALUES (?, ?, ?, ?) ON CONFLICT (turn, attempt, start) DO UPDATE SET text = excluded.text",
    ),
    cutDraft: db.prepare("DELETE FROM drafts WHERE turn = ? AND attempt = ? AND start >= ?"),
    deleteDrafts: db.prepare("DELETE FROM drafts WHERE turn = ?"),
    createConversation: db.prepare(
      "INSERT INTO conversations (public_id, bot, person, title, created_at, active_at) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    renameConversation: db.prepare("UPDATE conversations SET title = ? WHERE id = ? AND deleted_at IS NULL"),
    noteActivity: db.prepare("UPDATE conversations SET active_at = ? WHERE id = ?"),
    deleteConversation: db.prepare("UPDATE conversations SET deleted_at = unixepoch() * 1000 WHERE id = ? AND deleted_at IS NULL"),
    dropDrafts: db.prepare(
      "DELETE FROM drafts WHERE turn IN (SELECT id FROM turns INDEXED BY turns_pending WHERE conversation = ? AND state = 0)",
    ),
    dropPending: db.prepare("UPDATE turns INDEXED BY turns_pending SET state = 2 WHERE conversation = ? AND state = 0"),
    createBot: db.prepare(
      "INSERT INTO bots (name, kind, definition, wanted, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
    ),
    updateBot: db.prepare("UPDATE bots SET kind = ?, definition = ?, wanted = ? WHERE name = ?"),
    deleteBot: db.prepare("DELETE FROM bots WHERE name = ?"),
    addBotEntry: db.prepare("INSERT INTO bot_entries (bot, at, entry) SELECT ?, ?, ? WHERE EXISTS (SELECT 1 FROM bots WHERE name = ?)"),
    cutBotEntries: db.prepare(
      "DELETE FROM bot_entries WHERE bot = ? AND id <= (SELECT id FROM bot_entries WHERE bot = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
    ),
    dropBotEntries: db.prepare("DELETE FROM bot_entries WHERE bot = ?"),
    putCredential: db.prepare(
      "INSERT INTO credentials (id, kind, hash, person, role, name, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at",
    ),
    deleteCredential: db.prepare("DELETE FROM credentials WHERE id = ?"),
  };
}
