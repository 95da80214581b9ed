/**
 * The read side of branches. A branch has its own messages from some number on; those before it are its stem's, which may be a branch itself.
 * Numbers have no gaps (O1), so where the rows of a conversation do not begin at 1 the rest is the stem's: other conversations cost no look-up.
 */
import type { StoredFork } from "../branch.ts";
import type { Database } from "./database.ts";
import type { MessageRow } from "./rows.ts";

export const branchSql = {
  stem: "SELECT stem, seq FROM branches WHERE conversation = ?",
  name: "SELECT public_id, deleted_at FROM conversations WHERE id = ?",
  forks:
    "SELECT b.conversation, b.seq, c.public_id, c.deleted_at FROM branches b JOIN conversations c ON c.id = b.conversation WHERE b.stem = ? AND b.seq BETWEEN ? AND ? ORDER BY b.seq DESC, b.conversation DESC LIMIT ?",
} as const;

/** Rows of one conversation itself, from a number on in either direction; `below` is where the next one's begin. */
type Own = (conversation: number, from: number, limit: number, below: number) => Iterable<MessageRow>;

/** Whose messages a conversation shows: `from` (included) to `below` (not included), the newest part first. */
interface Part {
  conversation: number;
  from: number;
  below: number;
}

export class BranchReads {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: Database) {
    this.#statements = prepare(db);
  }

  /** Ascending. @param own its rows after a number @param between the same, for a stem */
  *after(conversation: number, after: number, limit: number, own: Own, between: Own): Generator<MessageRow, void> {
    let next = after + 1;
    let left = limit;
    for (const row of own(conversation, after, limit, Number.MAX_SAFE_INTEGER)) {
      if (row.seq > next) {
        for (const { conversation: stem, from, below } of this.#parts(conversation, next, row.seq).toReversed()) {
          for (const inherited of between(stem, Math.max(from, next) - 1, left, below)) {
            yield inherited;
            if (--left === 0) return;
          }
        }
      }
      yield row;
      if (--left === 0) return;
      next = row.seq + 1;
    }
  }

  /** Descending. @param own its rows before a number; rows may be left out of it */
  *before(conversation: number, before: number, limit: number, own: Own): Generator<MessageRow, void> {
    let below = before;
    let left = limit;
    for (let part = conversation; ;) {
      for (const row of own(part, below, left, below)) {
        yield row;
        if (--left === 0) return;
        below = row.seq;
      }
      const branch = below > 1 ? this.#statements.stem.get(part) : undefined;
      if (!branch) return;
      part = branch.stem;
      below = Math.min(below, branch.seq);
    }
  }

  /** What it shows from its stems in [from, below), nearest first; the last of them may be empty. */
  #parts(conversation: number, from: number, below: number): Part[] {
    const parts: Part[] = [];
    let branch = this.#statements.stem.get(conversation);
    for (let end = below; branch && end > from;) {
      const { stem } = branch;
      end = Math.min(end, branch.seq);
      branch = this.#statements.stem.get(stem);
      parts.push({ conversation: stem, from: branch?.seq ?? 1, below: end });
      end = branch?.seq ?? 1;
    }
    return parts;
  }

  forks(conversation: number, limit: number): StoredFork[] {
    const s = this.#statements;
    const asked = s.name.get(conversation)?.public_id;
    if (asked === undefined) return [];
    const own = { conversation, from: s.stem.get(conversation)?.seq ?? 1, below: Number.MAX_SAFE_INTEGER };
    const forks = new Map<number, StoredFork>();
    let left = limit;
    let child: number | null = null;
    for (const { conversation: stem, from, below } of [own, ...this.#parts(conversation, 0, Number.MAX_SAFE_INTEGER)]) {
      const found = s.forks.all(stem, from, below, left);
      left -= found.length;
      const { public_id: name = "", deleted_at: gone = null } = (found.length > 0 ? s.name.get(stem) : undefined) ?? {};
      for (const row of found.toReversed()) {
        let fork = forks.get(row.seq);
        if (!fork) {
          // Up to `below` it shows the stem's message, there that of the next branch on the way to it.
          const shows = row.seq < below;
          fork = { seq: row.seq, conversations: gone === null ? [name] : shows ? [asked] : [], shown: shows ? 0 : -1 };
          forks.set(row.seq, fork);
        }
        const isShown = row.conversation === child && row.seq === below;
        if (isShown) fork.shown = fork.conversations.length;
        if (row.deleted_at === null) fork.conversations.push(row.public_id);
        else if (isShown) fork.conversations.push(asked);
      }
      child = stem;
    }
    return [...forks.values()]
      .filter(({ shown, conversations }) => shown >= 0 && conversations.length > 1)
      .toSorted((a, b) => a.seq - b.seq);
  }
}

function prepare(db: Database) {
  return {
    stem: db.prepare<{ stem: number; seq: number }>(branchSql.stem),
    name: db.prepare<{ public_id: string; deleted_at: number | null }>(branchSql.name),
    forks: db.prepare<{ conversation: number; seq: number; public_id: string; deleted_at: number | null }>(branchSql.forks),
  };
}
