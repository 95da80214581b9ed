/** The read side: every query that history, lists, search and the start need. Runs on connections of its own, never behind a commit. */
import type {
  ConversationFilter,
  Credential,
  CredentialKind,
  Found,
  MessagePage,
  SearchFilter,
  SearchResult,
  StoredBot,
  StoredBotEntry,
  StoredConversation,
  StoredMessage,
  StoredTurn,
} from "../store.ts";
import type { StoredFork } from "../branch.ts";
import { BranchReads } from "./branch-reads.ts";
import type { Database, Value } from "./database.ts";
import type { MessageRow, TurnRow } from "./rows.ts";
import { messageColumns, messageFrom, roleNumber, turnFrom } from "./rows.ts";
import type { PermissionPage, StoredPermission } from "../permission.ts";
import type { PermissionRow } from "./permission-rows.ts";
import { permissionColumns, permissionFrom } from "./permission-rows.ts";
import type { StoredFile } from "../file.ts";
import type { FileRow } from "./file-rows.ts";
import { fileFrom, fileSql } from "./file-rows.ts";
import { findWords, matchExpressions, searchWords } from "./search-words.ts";

interface ConversationRow {
  id: number;
  public_id: string;
  bot: string;
  person: string;
  title: string;
  head: number;
  created_at: number;
  active_at: number;
  origin: string | null;
  branch_seq: number | null;
}
/** The head of a log: its newest entries are in the tail, unless all were filed. */
export const headOf = (conversation: string): string =>
  `coalesce((SELECT max(seq) FROM log_tail WHERE conversation = ${conversation}), (SELECT max(seq) FROM log WHERE conversation = ${conversation}), 0)`;
const conversationColumns = `c.id, c.public_id, c.bot, c.person, c.title, c.created_at, c.active_at, ${headOf("c.id")} AS head, b.seq AS branch_seq, (SELECT public_id FROM conversations WHERE id = b.origin AND deleted_at IS NULL) AS origin`;
const conversationsWithBranches = "conversations c LEFT JOIN branches b ON b.conversation = c.id";
const turnColumns =
  "t.id AS turn, t.conversation, c.public_id, t.seq, t.bot, c.person, t.state, t.attempt, t.base_attempt, t.generation, t.cancel_requested";

/**
 * Messages of a conversation in the order of their numbers: both parts of the log in one statement, because entries move from one to the
 * other, and each part is read only as far as the page goes.
 */
function logPage(where: string, order: "ASC" | "DESC", parts = "m.parts"): string {
  const part = (table: string): string =>
    `SELECT m.id, l.seq AS seq, m.role, m.author, m.key, m.text, m.turn, m.outcome, m.created_at, ${parts} AS parts, m.files FROM ${table} l JOIN messages m ON m.id = l.message WHERE l.conversation = ?1 AND ${where}`;
  return `${part("log")} UNION ALL ${part("log_tail")} ORDER BY seq ${order} LIMIT ?3`;
}

/** Messages that are not in the full-text index yet are looked through one by one, up to this many. */
const unindexedScan = 2000;
/** A clock may have been set back or forward by this much without hiding a message from a search by time (O5). */
const clockSlackMs = 12 * 3_600_000;

/** The conversation in which a message is found: its own, or, once that is erased, a branch (or a branch of one) that still shows it. */
const shownIn = `JOIN conversations home ON home.id = m.conversation JOIN conversations c ON c.id = CASE WHEN home.deleted_at IS NULL THEN home.id ELSE (
  WITH RECURSIVE shows (id) AS (SELECT conversation FROM branches WHERE stem = home.id AND seq > m.seq UNION ALL SELECT b.conversation FROM shows JOIN branches b ON b.stem = shows.id)
  SELECT s.id FROM shows CROSS JOIN conversations s ON s.id = shows.id WHERE s.deleted_at IS NULL LIMIT 1) END`;

/** Every statement text, so that a test can ask for the plan of each. */
export const readSql = {
  conversation: `SELECT ${conversationColumns} FROM ${conversationsWithBranches} WHERE c.public_id = ? AND c.deleted_at IS NULL`,
  conversationsByPerson: `SELECT ${conversationColumns} FROM ${conversationsWithBranches} WHERE c.person = ? AND c.deleted_at IS NULL AND (c.active_at, c.id) < (?, ?) AND instr(lower(c.title), lower(?)) > 0 ORDER BY c.active_at DESC, c.id DESC LIMIT ?`,
  conversationsByBot: `SELECT ${conversationColumns} FROM ${conversationsWithBranches} WHERE c.bot = ? AND c.person = ? AND c.deleted_at IS NULL AND (c.active_at, c.id) < (?, ?) AND instr(lower(c.title), lower(?)) > 0 ORDER BY c.active_at DESC, c.id DESC LIMIT ?`,
  head: `SELECT ${headOf("?1")} AS seq`,
  messagesAfter: logPage("l.seq > ?2", "ASC"),
  messagesBetween: logPage("l.seq > ?2 AND l.seq < ?4", "ASC"),
  messagesBefore: logPage("l.seq < ?2", "DESC"),
  contextBefore: logPage(`l.seq < ?2 AND m.role <> ${roleNumber.system}`, "DESC", "NULL"),
  turn: `SELECT ${turnColumns} FROM turns t JOIN conversations c ON c.id = t.conversation WHERE t.id = ? AND c.deleted_at IS NULL`,
  pendingTurns: `SELECT ${turnColumns} FROM turns t JOIN conversations c ON c.id = t.conversation WHERE t.state = 0 AND t.id > ? ORDER BY t.id LIMIT ?`,
  draft: "SELECT attempt, start, text FROM drafts WHERE turn = ? ORDER BY attempt, start",
  permission: `SELECT ${permissionColumns} FROM permissions p JOIN conversations c ON c.id = p.conversation WHERE p.id = ? AND c.deleted_at IS NULL`,
  pendingPermissions: `SELECT ${permissionColumns} FROM permissions p INDEXED BY permissions_pending JOIN conversations c ON c.id = p.conversation WHERE p.state = 0 AND c.deleted_at IS NULL AND (?1 IS NULL OR c.person = ?1) ORDER BY p.id`,
  permissions: `SELECT ${permissionColumns} FROM permissions p JOIN conversations c ON c.id = p.conversation WHERE p.conversation = ? AND c.deleted_at IS NULL AND p.id < ? ORDER BY p.id DESC LIMIT ?`,
  ...fileSql,
  firstAfter: "SELECT id FROM messages WHERE created_at > ? ORDER BY created_at, id LIMIT 1",
  lastBefore: "SELECT id FROM messages WHERE created_at < ? ORDER BY created_at DESC, id DESC LIMIT 1",
  search: `SELECT ${messageColumns}, c.public_id, c.title, c.bot FROM message_search JOIN messages m ON m.id = message_search.rowid ${shownIn} WHERE message_search MATCH ? AND message_search.rowid BETWEEN ? AND ? AND m.created_at BETWEEN ? AND ? AND c.person = ? AND c.deleted_at IS NULL AND (? IS NULL OR c.bot = ?) ORDER BY message_search.rowid DESC LIMIT ?`,
  unindexed: `SELECT ${messageColumns}, c.public_id, c.title, c.bot, c.person FROM messages m ${shownIn} WHERE m.id BETWEEN ? AND ? AND +m.created_at BETWEEN ? AND ? AND c.deleted_at IS NULL ORDER BY m.id DESC LIMIT ?`,
  indexed: "SELECT value FROM meta WHERE name = 'search_indexed'",
  newest: "SELECT max(id) AS id FROM messages",
  bots: "SELECT name, kind, definition, wanted, created_at FROM bots ORDER BY name",
  botEntries: "SELECT id, at, entry FROM bot_entries WHERE bot = ? AND id < ? ORDER BY id DESC LIMIT ?",
  credentials: "SELECT id, kind, hash, person, role, name, created_at, expires_at FROM credentials",
  conversationCount: "SELECT count(*) AS n FROM conversations WHERE deleted_at IS NULL",
  size: "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()",
} as const;

/** UTF-16 units of one page of messages, after the first of them. */
const pageUnits = 8 * 1024 * 1024;

function withinBudget(found: Iterable<MessageRow>): MessageRow[] {
  const rows: MessageRow[] = [];
  let units = 0;
  for (const row of found) {
    units += row.text.length + (row.parts?.length ?? 0);
    if (units > pageUnits && rows.length > 0) break;
    rows.push(row);
  }
  return rows;
}

type FoundRow = MessageRow & { public_id: string; title: string; bot: string };

export class Reads {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #branches: BranchReads;

  constructor(db: Database) {
    this.#statements = prepare(db);
    this.#branches = new BranchReads(db);
  }

  conversation(publicId: string): StoredConversation | null {
    const row = this.#statements.conversation.get(publicId);
    return row ? conversationFrom(row) : null;
  }

  conversations(filter: ConversationFilter): StoredConversation[] {
    const from = filter.before ?? { activeAt: Number.MAX_SAFE_INTEGER, conversation: 0 };
    const rest: Value[] = [filter.person, from.activeAt, from.conversation, filter.query ?? "", filter.limit];
    const rows =
      filter.bot === undefined
        ? this.#statements.conversationsByPerson.all(...rest)
        : this.#statements.conversationsByBot.all(filter.bot, ...rest);
    return rows.map(conversationFrom);
  }

  messages(conversation: number, page: { after: number; limit: number } | { before: number; limit: number }): MessagePage {
    const { messagesAfter, messagesBetween, messagesBefore } = this.#statements;
    const rows =
      "after" in page
        ? withinBudget(
            this.#branches.after(
              conversation,
              page.after,
              page.limit,
              (...own) => messagesAfter.iterate(own[0], own[1], own[2]),
              (...stem) => messagesBetween.iterate(...stem),
            ),
          )
        : withinBudget(
            this.#branches.before(conversation, page.before, page.limit, (...own) => messagesBefore.iterate(own[0], own[1], own[2])),
          ).toReversed();
    const last = rows.at(-1)?.seq ?? 0;
    return { head: Math.max(last, this.#statements.head.get(conversation)?.seq ?? 0), messages: rows.map(messageFrom) };
  }

  context(conversation: number, beforeSeq: number, maxMessages: number, maxCharacters: number): StoredMessage[] {
    const chosen: StoredMessage[] = [];
    let characters = 0;
    const { contextBefore } = this.#statements;
    const newest = this.#branches.before(conversation, beforeSeq, maxMessages, (...own) => contextBefore.iterate(own[0], own[1], own[2]));
    for (const row of newest) {
      characters += row.text.length;
      if (characters > maxCharacters) break;
      chosen.push(messageFrom(row));
    }
    return chosen.toReversed();
  }

  forks(conversation: number, limit: number): StoredFork[] {
    return this.#branches.forks(conversation, limit);
  }

  turn(turn: number): StoredTurn | null {
    const row = this.#statements.turn.get(turn);
    return row ? turnFrom(row) : null;
  }

  pendingTurns(after: number, limit: number): StoredTurn[] {
    return this.#statements.pendingTurns.all(after, limit).map(turnFrom);
  }

  draft(turn: number): { attempt: number; text: string } | null {
    const rows = this.#statements.draft.all(turn);
    // A text whose beginning was not saved is none: that of the attempt before it is shown.
    const attempt = rows.findLast((row) => row.start === 0)?.attempt;
    if (attempt === undefined) return null;
    let text = "";
    for (const row of rows) if (row.attempt === attempt && row.start <= text.length) text = text.slice(0, row.start) + row.text;
    return { attempt, text };
  }

  permission(id: number): StoredPermission | null {
    const row = this.#statements.permission.get(id);
    return row ? permissionFrom(row) : null;
  }

  pendingPermissions(person: string | null): StoredPermission[] {
    return this.#statements.pendingPermissions.all(person).map(permissionFrom);
  }

  permissions(conversation: number, page: PermissionPage): StoredPermission[] {
    return this.#statements.permissions.all(conversation, page.before, page.limit).toReversed().map(permissionFrom);
  }

  file(publicId: string, person: string): StoredFile | null {
    const row = this.#statements.file.get(publicId, person);
    return row ? fileFrom(row) : null;
  }

  files(publicIds: readonly string[]): StoredFile[] {
    return publicIds.flatMap((id) => this.#statements.fileById.all(id).map(fileFrom));
  }

  heldHashes(hashes: readonly string[]): string[] {
    return hashes.filter((hash) => this.#statements.heldHash.get(hash) !== undefined);
  }

  fileBytes(): number {
    return this.#statements.fileBytes.get()?.bytes ?? 0;
  }

  oldestUnnamedFile(): number | null {
    return this.#statements.oldestUnnamedFile.get()?.created_at ?? null;
  }

  search(filter: SearchFilter): SearchResult {
    const words = searchWords(filter.query);
    if (words.length === 0) return { found: [], complete: true };
    const s = this.#statements;
    const newest = s.newest.get()?.id ?? 0;
    const { since = 0, until = Number.MAX_SAFE_INTEGER } = filter;
    const from = since === 0 ? 0 : (s.lastBefore.get(since - clockSlackMs)?.id ?? 0) + 1;
    const to = until > Number.MAX_SAFE_INTEGER - clockSlackMs ? newest : (s.firstAfter.get(until + clockSlackMs)?.id ?? newest + 1) - 1;
    const indexed = Number(s.indexed.get()?.value ?? 0);
    const found: Found[] = [];
    for (const row of s.unindexed.all(Math.max(from, indexed + 1), to, since, until, unindexedScan)) {
      if (row.person !== filter.person || (filter.bot !== undefined && row.bot !== filter.bot)) continue;
      const { places, all } = findWords(row.text, words);
      if (all && found.length < filter.limit) found.push(foundFrom(row, places));
    }
    // Whole words first: they are found in a millisecond, while the beginning of a common word has to gather all that begin so.
    const known = new Set(found.map(({ message }) => message.id));
    for (const expression of matchExpressions(words)) {
      if (found.length >= filter.limit) break;
      const bot = filter.bot ?? null;
      const wanted = filter.limit - found.length + known.size;
      for (const row of s.search.all(expression, from, Math.min(to, indexed), since, until, filter.person, bot, bot, wanted)) {
        if (known.has(row.id) || found.length >= filter.limit) continue;
        known.add(row.id);
        found.push(foundFrom(row, findWords(row.text, words).places));
      }
    }
    found.sort((a, b) => b.message.id - a.message.id);
    return { found, complete: newest - indexed <= unindexedScan };
  }

  bots(): StoredBot[] {
    return this.#statements.bots.all().map((row) => ({
      name: row.name,
      kind: row.kind,
      definition: row.definition,
      wanted: row.wanted !== 0,
      createdAt: row.created_at,
    }));
  }

  botEntries(bot: string, before: number, limit: number): StoredBotEntry[] {
    return this.#statements.botEntries
      .all(bot, before, limit)
      .map(({ id, at, entry }) => ({ number: id, at, entry }))
      .toReversed();
  }

  credentials(): Credential[] {
    return this.#statements.credentials.all().map((row) => ({
      id: row.id,
      kind: row.kind,
      hash: row.hash,
      person: row.person,
      role: row.role,
      name: row.name,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    }));
  }

  /** `messages` is the number of the newest one: counting a million rows would take as long as reading them. */
  counts(): { messages: number; conversations: number; bytes: number } {
    const s = this.#statements;
    return {
      messages: s.newest.get()?.id ?? 0,
      conversations: s.conversationCount.get()?.n ?? 0,
      bytes: s.size.get()?.bytes ?? 0,
    };
  }
}

const conversationFrom = (row: ConversationRow): StoredConversation => ({
  conversation: row.id,
  publicId: row.public_id,
  bot: row.bot,
  person: row.person,
  title: row.title,
  head: row.head,
  createdAt: row.created_at,
  activeAt: row.active_at,
  from: row.branch_seq === null ? null : { origin: row.origin, seq: row.branch_seq },
});

const foundFrom = (row: FoundRow, places: Found["places"]): Found => ({
  publicId: row.public_id,
  title: row.title,
  bot: row.bot,
  message: messageFrom(row),
  places,
});

function prepare(db: Database) {
  return {
    conversation: db.prepare<ConversationRow>(readSql.conversation),
    conversationsByPerson: db.prepare<ConversationRow>(readSql.conversationsByPerson),
    conversationsByBot: db.prepare<ConversationRow>(readSql.conversationsByBot),
    head: db.prepare<{ seq: number }>(readSql.head),
    messagesAfter: db.prepare<MessageRow>(readSql.messagesAfter),
    messagesBetween: db.prepare<MessageRow>(readSql.messagesBetween),
    messagesBefore: db.prepare<MessageRow>(readSql.messagesBefore),
    contextBefore: db.prepare<MessageRow>(readSql.contextBefore),
    turn: db.prepare<TurnRow>(readSql.turn),
    pendingTurns: db.prepare<TurnRow>(readSql.pendingTurns),
    draft: db.prepare<{ attempt: number; start: number; text: string }>(readSql.draft),
    permission: db.prepare<PermissionRow>(readSql.permission),
    pendingPermissions: db.prepare<PermissionRow>(readSql.pendingPermissions),
    permissions: db.prepare<PermissionRow>(readSql.permissions),
    file: db.prepare<FileRow>(readSql.file),
    fileById: db.prepare<FileRow>(readSql.fileById),
    heldHash: db.prepare<{ n: number }>(readSql.heldHash),
    fileBytes: db.prepare<{ bytes: number }>(readSql.fileBytes),
    oldestUnnamedFile: db.prepare<{ created_at: number }>(readSql.oldestUnnamedFile),
    firstAfter: db.prepare<{ id: number }>(readSql.firstAfter),
    lastBefore: db.prepare<{ id: number }>(readSql.lastBefore),
    search: db.prepare<FoundRow>(readSql.search),
    unindexed: db.prepare<FoundRow & { person: string }>(readSql.unindexed),
    indexed: db.prepare<{ value: string }>(readSql.indexed),
    newest: db.prepare<{ id: number | null }>(readSql.newest),
    bots: db.prepare<{ name: string; kind: string; definition: string; wanted: number; created_at: number }>(readSql.bots),
    botEntries: db.prepare<{ id: number; at: number; entry: string }>(readSql.botEntries),
    credentials: db.prepare<{
      id: string;
      kind: CredentialKind;
      hash: string;
      person: string;
      role: string;
      name: string;
      created_at: number;
      expires_at: number | null;
    }>(readSql.credentials),
    conversationCount: db.prepare<{ n: number }>(readSql.conversationCount),
    size: db.prepare<{ bytes: number }>(readSql.size),
  };
}
