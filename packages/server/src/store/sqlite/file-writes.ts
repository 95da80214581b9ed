/** The part of the write side that knows files: uploaded -> named by messages -> gone with the last conversation that names it, or when none did in time. */
import { limits } from "@skep/protocol/limits";
import type { MessageFile } from "@skep/protocol";
import type { Freed, StoredFile } from "../file.ts";
import type { Done, Refused } from "../store.ts";
import type { Database } from "./database.ts";
import type { FileRow } from "./file-rows.ts";
import { fileSql } from "./file-rows.ts";

/** The files of a message that is being added. */
export interface NamedFiles {
  rows: readonly FileRow[];
  /** As the message keeps them. */
  json: string;
}

export class FileWrites {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: Database) {
    this.#statements = prepare(db);
  }

  put({ publicId, person, hash, size, name, type, createdAt }: StoredFile): Done {
    this.#statements.put.run(publicId, person, hash, size, name, type, createdAt);
    return { ok: true, changed: true };
  }

  /** May this person send these? */
  named(publicIds: readonly string[], person: string): NamedFiles | Refused {
    const rows: FileRow[] = [];
    let size = 0;
    for (const id of publicIds) {
      const row = this.#statements.byId.get(id);
      if (!row || row.person !== person) {
        return { ok: false, code: "not_found", detail: `There is no file "${id}" of yours (any more): upload it again` };
      }
      rows.push(row);
      size += row.size;
    }
    if (size > limits.fileBytes) {
      const detail = `The files of this message have ${size} bytes together, the limit is ${limits.fileBytes}: send them in several messages`;
      return { ok: false, code: "message_too_large", detail };
    }
    const files = rows.map((row): MessageFile => ({ id: row.public_id, name: row.name, type: row.type, size: row.size }));
    return { rows, json: JSON.stringify(files) };
  }

  use(message: number, conversation: number, { rows, json }: NamedFiles): void {
    this.#statements.putIntoMessage.run(json, message);
    for (const { id } of rows) {
      this.#statements.use.run(conversation, id);
      this.#statements.markNamed.run(id);
    }
  }

  conversationDeleted(conversation: number): Freed {
    const s = this.#statements;
    const used = s.usedIn.all(conversation);
    if (used.length === 0) return { ok: true, changed: true };
    s.dropUses.run(conversation);
    return this.#free(used.filter(({ id }) => s.isUsed.get(id) === undefined));
  }

  drop(before: number): Freed {
    const unnamed = this.#statements.unnamed.all(before);
    return unnamed.length === 0 ? { ok: true, changed: false } : this.#free(unnamed);
  }

  #free(files: readonly { id: number; hash: string }[]): Freed {
    for (const { id } of files) this.#statements.forget.run(id);
    const freed = [...new Set(files.map(({ hash }) => hash))].filter((hash) => this.#statements.held.get(hash) === undefined);
    return freed.length === 0 ? { ok: true, changed: true } : { ok: true, changed: true, freed };
  }
}

/** Are these the files of that message, in that order? @param stored as the message keeps them */
export function sameFiles(stored: string | null, asked: readonly string[] | undefined): boolean {
  if (stored === null || asked === undefined) return stored === null && asked === undefined;
  const ids = (JSON.parse(stored) as MessageFile[]).map(({ id }) => id);
  return ids.length === asked.length && ids.every((id, i) => id === asked[i]);
}

function prepare(db: Database) {
  return {
    put: db.prepare("INSERT INTO files (public_id, person, hash, size, name, type, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)"),
    byId: db.prepare<FileRow>(fileSql.fileById),
    held: db.prepare(fileSql.heldHash),
    putIntoMessage: db.prepare("UPDATE messages SET files = ? WHERE id = ?"),
    use: db.prepare("INSERT INTO file_uses (conversation, file) VALUES (?, ?) ON CONFLICT DO NOTHING"),
    markNamed: db.prepare("UPDATE files SET named = 1 WHERE id = ? AND named = 0"),
    usedIn: db.prepare<{ id: number; hash: string }>(
      "SELECT f.id, f.hash FROM file_uses u JOIN files f ON f.id = u.file WHERE u.conversation = ?",
    ),
    dropUses: db.prepare("DELETE FROM file_uses WHERE conversation = ?"),
    isUsed: db.prepare("SELECT 1 AS n FROM file_uses WHERE file = ? LIMIT 1"),
    unnamed: db.prepare<{ id: number; hash: string }>("SELECT id, hash FROM files WHERE named = 0 AND created_at < ?"),
    forget: db.prepare("DELETE FROM files WHERE id = ?"),
  };
}
