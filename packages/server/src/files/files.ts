import { randomBytes } from "node:crypto";
import { limits } from "@skep/protocol";
import { Refusal } from "@skep/protocol/errors";
import type { Person } from "../conversations/api.ts";
import type { GroupCommit } from "../store/group-commit.ts";
import type { Freed, StoredFile } from "../store/file.ts";
import type { Store } from "../store/store.ts";
import type { Time } from "../time.ts";
import type { FilesApi, OpenedFile, Upload, UploadedFile } from "./api.ts";
import { ContentFolder, TooManyBytes } from "./content-folder.ts";
import type { Received } from "./content-folder.ts";
import { typeOf } from "./image-type.ts";

/** A file that no message has named in this time is forgotten. */
export const unnamedForMs = 3_600_000;
const uploadsAtOnce = 16;
const hashesAtOnce = 500;

export interface FilesOptions {
  store: Pick<Store, "file" | "heldHashes" | "fileBytes" | "oldestUnnamedFile">;
  commit: Pick<GroupCommit, "add">;
  time: Pick<Time, "now" | "after">;
  folder: string;
  /** Bytes of all files together, each content once. */
  filesBytes: number;
  onError(reason: string): void;
}

/**
 * Files of messages: bytes in a folder, what is known of them in the store. Bytes are on the disk before the row that names them is, and go after
 * the last row that does: a row without bytes never is, bytes without a row are taken away by the next start.
 */
export class Files implements FilesApi {
  readonly #o: FilesOptions;
  readonly #contents: ContentFolder;
  /** Work on one content, one after the other: what is being uploaded again must not be removed in between. */
  readonly #working = new Map<string, Promise<void>>();
  #uploads = 0;
  /** Bytes that uploads under way may still bring. */
  #expected = 0;
  #kept: Promise<number> | null = null;
  #takeBack: (() => void) | null = null;
  #stopped = false;

  constructor(options: FilesOptions) {
    this.#o = options;
    this.#contents = new ContentFolder(options.folder);
  }

  pathOf(hash: string): string {
    return this.#contents.pathOf(hash);
  }

  /** Takes away what an earlier run has left behind, and what nobody has named in time, now and from now on. Never rejects. */
  async run(): Promise<void> {
    try {
      const hashes = await this.#contents.sweep();
      for (let i = 0; i < hashes.length && !this.#stopped; i += hashesAtOnce) {
        const some = hashes.slice(i, i + hashesAtOnce);
        const held = new Set(await this.#o.store.heldHashes(some));
        await this.#remove(some.filter((hash) => !held.has(hash)));
      }
      await this.#dropUnnamed();
    } catch (error) {
      this.#o.onError(String(error));
    }
  }

  close(): void {
    this.#stopped = true;
    this.#takeBack?.();
  }

  async #dropUnnamed(): Promise<void> {
    this.#takeBack?.();
    this.#takeBack = null;
    if (this.#stopped) return;
    const before = this.#o.time.now() - unnamedForMs;
    let oldest = await this.#o.store.oldestUnnamedFile();
    if (oldest !== null && oldest < before) {
      await this.freed(await this.#o.commit.add({ op: "drop-files", before }));
      oldest = await this.#o.store.oldestUnnamedFile();
    }
    if (oldest !== null) this.#lookAgain(oldest + unnamedForMs + 1 - this.#o.time.now());
  }

  #lookAgain(ms: number): void {
    if (this.#takeBack || this.#stopped) return;
    this.#takeBack = this.#o.time.after(Math.min(Math.max(ms, 0), unnamedForMs), () => {
      this.#takeBack = null;
      this.#dropUnnamed().catch((error: unknown) => {
        this.#o.onError(String(error));
        this.#lookAgain(unnamedForMs);
      });
    });
  }

  /** Removes the bytes that no file has any more. Never rejects: the next start tries again. */
  async freed({ freed }: Freed): Promise<void> {
    try {
      if (freed) await this.#remove(freed);
    } catch (error) {
      this.#o.onError(String(error));
    }
  }

  async #remove(hashes: readonly string[]): Promise<void> {
    for (const hash of hashes) {
      await this.#alone(hash, async () => {
        const held = await this.#o.store.heldHashes([hash]);
        if (held.length === 0) await this.#contents.remove(hash);
      });
    }
    this.#kept = null;
  }

  async #alone<T>(hash: string, work: () => Promise<T>): Promise<T> {
    const before = this.#working.get(hash) ?? Promise.resolve();
    const done = before.then(work);
    const settled = done.then(
      () => {},
      () => {},
    );
    this.#working.set(hash, settled);
    try {
      return await done;
    } finally {
      if (this.#working.get(hash) === settled) this.#working.delete(hash);
    }
  }

  async upload(person: Person, { name, type, length, body }: Upload): Promise<UploadedFile> {
    if (length === 0) throw new Refusal("field_invalid", "The file is empty: its bytes are the body of the request", { field: "body" });
    if (length !== null && length > limits.fileBytes) throw tooLarge();
    if (this.#uploads >= uploadsAtOnce) throw new Refusal("busy", "Too many uploads at a time", { retryAfterMs: 1000 });
    const expected = length ?? limits.fileBytes;
    this.#uploads++;
    this.#expected += expected;
    try {
      await this.#checkRoom();
      const received = await this.#contents.receive(body, limits.fileBytes);
      try {
        return await this.#take(person, name, type, received);
      } finally {
        await this.#contents.forget(received);
      }
    } catch (error) {
      throw refusalOf(error);
    } finally {
      this.#uploads--;
      this.#expected -= expected;
    }
  }

  async #checkRoom(): Promise<void> {
    const kept = await (this.#kept ??= this.#o.store.fileBytes());
    if (kept + this.#expected <= this.#o.filesBytes) return;
    const detail = `Files have ${kept} bytes together, of ${this.#o.filesBytes} that may be kept: erase conversations with files, or start Skep with a larger --files-bytes`;
    throw new Refusal("files_full", detail);
  }

  async #take(person: Person, name: string, type: string, received: Received): Promise<UploadedFile> {
    const { hash, size, beginning } = received;
    if (size === 0) throw new Refusal("field_invalid", "The file is empty: its bytes are the body of the request", { field: "body" });
    const file: StoredFile = {
      publicId: `f${randomBytes(12).toString("hex")}`,
      person: person.id,
      hash,
      size,
      name,
      type: typeOf(beginning, type),
      createdAt: this.#o.time.now(),
    };
    await this.#alone(hash, async () => {
      await this.#contents.keep(received);
      await this.#o.commit.add({ op: "put-file", file });
    });
    this.#kept = null;
    this.#lookAgain(unnamedForMs + 1);
    return describe(file);
  }

  async open(person: Person, id: string): Promise<OpenedFile> {
    const file = await this.#o.store.file(id, person.id);
    if (!file) throw new Refusal("not_found", "There is no such file");
    const body = await this.#contents.read(file.hash);
    if (!body) throw new Refusal("not_found", "The bytes of this file are not on the disk any more");
    return { ...describe(file), body };
  }
}

const describe = ({ publicId: id, name, type, size, hash: sha256 }: StoredFile): UploadedFile => ({ id, name, type, size, sha256 });

const tooLarge = (): Refusal => new Refusal("body_too_large", `A file may have ${limits.fileBytes} bytes at most`, { field: "body" });

function refusalOf(error: unknown): unknown {
  if (error instanceof TooManyBytes) return tooLarge();
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new Refusal("store_full", "The disk is full: the file was not stored. What is stored can be read.", { retryAfterMs: 5000 });
  }
  // Nobody hears it: who sent the file has gone.
  if (code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ABORT_ERR")
    return new Refusal("field_invalid", "The upload broke off", { field: "body" });
  return error;
}
