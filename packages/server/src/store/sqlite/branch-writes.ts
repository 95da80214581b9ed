import type { BeginBranch, Branched } from "../branch.ts";
import { deepestBranch } from "../branch.ts";
import type { Append, Appended, Refused } from "../store.ts";
import type { Database } from "./database.ts";

/** The head that a new branch begins with. */
interface FirstHead {
  seq: number;
  activeSecond: number;
  untitled: boolean;
}
/** @param head null: the conversation is there already */
type AppendFirst = (first: Append, head: FirstHead | null) => Appended | Refused;

/** The write side of branches: costs the same however long the conversation is, since nothing is copied. */
export class BranchWrites {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: Database) {
    this.#statements = prepare(db);
  }

  /** @param originHead null: the conversation to branch from does not exist */
  begin(b: BeginBranch, originHead: number | null, append: AppendFirst): Branched | Refused {
    const s = this.#statements;
    const before = s.byPublicId.get(b.publicId);
    if (before) return this.#again(b, before, append);
    if (originHead === null) return { ok: false, code: "not_found", detail: "This conversation does not exist" };
    if (b.seq < 1 || b.seq > originHead)
      return { ok: false, code: "field_invalid", detail: `There is no message ${b.seq}; the last one is ${originHead}` };
    const stem = this.#stem(b.origin, b.seq);
    if (this.#isDeepest(stem)) {
      const detail = `This is a branch of a branch ${deepestBranch} times over; begin a new conversation`;
      return { ok: false, code: "state_conflict", detail };
    }
    // A branch from the first message has nothing before it: it is named by what it says itself.
    const title = b.seq === 1 ? "" : (s.title.get(b.origin)?.title ?? "");
    const conversation = s.create.run(b.publicId, b.bot, b.person, title, b.at, b.at).lastInsertRowid;
    s.addBranch.run(conversation, b.origin, stem, b.seq);
    s.shareFiles.run(conversation, b.origin);
    const head = { seq: b.seq - 1, activeSecond: Math.floor(b.at / 1000), untitled: title === "" };
    return withConversation(conversation, append(first(b, conversation), head));
  }

  #again(b: BeginBranch, known: { id: number; deleted_at: number | null }, append: AppendFirst): Branched | Refused {
    if (known.deleted_at !== null)
      return { ok: false, code: "state_conflict", detail: "The branch that was begun with this key was erased" };
    const branch = this.#statements.branch.get(known.id);
    if (branch?.origin !== b.origin || branch.seq !== b.seq)
      return { ok: false, code: "key_conflict", detail: "This key was used for another branch" };
    return withConversation(known.id, append(first(b, known.id), null));
  }

  #isDeepest(stem: number): boolean {
    let branch = this.#statements.branch.get(stem);
    for (let depth = 1; branch; depth++) {
      if (depth >= deepestBranch) return true;
      branch = this.#statements.branch.get(branch.stem);
    }
    return false;
  }

  /** Whose own messages reach up to `seq`: the conversation itself, or what it is a branch of. */
  #stem(origin: number, seq: number): number {
    let stem = origin;
    for (;;) {
      const branch = this.#statements.branch.get(stem);
      if (!branch || branch.seq < seq) return stem;
      stem = branch.stem;
    }
  }
}

const first = ({ person, key, text, files, bot, at }: BeginBranch, conversation: number): Append => ({
  op: "append",
  conversation,
  person,
  key,
  sender: "",
  n: null,
  text,
  bot,
  at,
  ...(files ? { files } : {}),
});

function withConversation(conversation: number, answer: Appended | Refused): Branched | Refused {
  if (!answer.ok) return answer;
  const { id, turn, duplicate } = answer;
  return { ok: true, conversation, id, turn, duplicate };
}

function prepare(db: Database) {
  return {
    byPublicId: db.prepare<{ id: number; deleted_at: number | null }>("SELECT id, deleted_at FROM conversations WHERE public_id = ?"),
    title: db.prepare<{ title: string }>("SELECT title FROM conversations WHERE id = ?"),
    create: db.prepare("INSERT INTO conversations (public_id, bot, person, title, created_at, active_at) VALUES (?, ?, ?, ?, ?, ?)"),
    addBranch: db.prepare("INSERT INTO branches (conversation, origin, stem, seq) VALUES (?, ?, ?, ?)"),
    shareFiles: db.prepare("INSERT INTO file_uses (conversation, file) SELECT ?, file FROM file_uses WHERE conversation = ?"),
    branch: db.prepare<{ origin: number; stem: number; seq: number }>("SELECT origin, stem, seq FROM branches WHERE conversation = ?"),
  };
}
