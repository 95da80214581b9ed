import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { signatureBytes } from "./image-type.ts";

/** What was named in it is found after a power loss. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const unfinished = ".part";
const isHash = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

/** Bytes that have come in and are on the disk, under a name of their own. */
export interface Received {
  hash: string;
  size: number;
  /** How they begin. */
  beginning: Uint8Array;
  path: string;
}

/** More bytes than allowed have come. */
export class TooManyBytes extends Error {
  override name = "TooManyBytes";
}

/**
 * A folder of contents, each under its SHA-256.
 *
 *   receiving (a file `*.part`) --end, synced--> received --kept: renamed, folder synced--> kept --removed--> gone
 *   receiving, received --failure, too large--> gone; what a killed program has left of them, `sweep` takes away
 *
 * What is kept under a name never changes.
 */
export class ContentFolder {
  readonly #path: string;
  /** Names of what is being received. */
  readonly #receiving = new Set<string>();
  #made: Promise<unknown> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  pathOf(hash: string): string {
    return join(this.#path, hash);
  }

  /** Never holds more than a piece of the body. @throws TooManyBytes, or what the disk or the body throws; nothing is left then */
  async receive(body: AsyncIterable<Uint8Array>, limit: number): Promise<Received> {
    await (this.#made ??= this.#make());
    const name = `${randomUUID()}${unfinished}`;
    const path = join(this.#path, name);
    this.#receiving.add(name);
    try {
      const file = await open(path, "wx", 0o400);
      try {
        const hash = createHash("sha256");
        const beginning: number[] = [];
        let size = 0;
        for await (const piece of body) {
          size += piece.length;
          if (size > limit) throw new TooManyBytes();
          if (beginning.length < signatureBytes) beginning.push(...piece.subarray(0, signatureBytes - beginning.length));
          hash.update(piece);
          for (let at = 0; at < piece.length;) at += (await file.write(piece, at)).bytesWritten;
        }
        await file.sync();
        return { hash: hash.digest("hex"), size, beginning: Uint8Array.from(beginning), path };
      } finally {
        await file.close();
      }
    } catch (error) {
      await this.#drop(path);
      this.#receiving.delete(name);
      throw error;
    }
  }

  /** Resolves when it would be found after a power loss. */
  async keep({ hash, path }: Received): Promise<void> {
    await rename(path, this.pathOf(hash));
    await syncFolder(this.#path);
  }

  async #make(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    await syncFolder(dirname(this.#path));
  }

  /** What was received is not wanted, or was kept. */
  async forget({ path }: Received): Promise<void> {
    await this.#drop(path);
    this.#receiving.delete(path.slice(this.#path.length + 1));
  }

  async remove(hash: string): Promise<void> {
    await this.#drop(this.pathOf(hash));
  }

  /** @returns null when it is not there */
  async read(hash: string): Promise<Readable | null> {
    try {
      const file = await open(this.pathOf(hash), "r");
      return createReadStream("", { fd: file });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  }

  /** Takes away what a killed program has left half received. @returns the hashes that are there */
  async sweep(): Promise<string[]> {
    const names = await readdir(this.#path).catch((): string[] => []);
    for (const name of names) if (name.endsWith(unfinished) && !this.#receiving.has(name)) await this.#drop(join(this.#path, name));
    return names.filter(isHash);
  }

  #drop(path: string): Promise<void> {
    return rm(path, { force: true });
  }
}
