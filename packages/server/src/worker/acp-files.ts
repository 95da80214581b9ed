/**
 * Files that an agent may have read and written for it: inside one folder, and nowhere else, whatever the path says (R-B8). A path is resolved
 * with its symbolic links before it is opened; its folder is looked at again once it is open, so that a link that is put in the way in between is found out.
 */
import { constants, realpathSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readlink, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

const readLimit = 8 * 1024 * 1024;
const writeLimit = 8 * 1024 * 1024;

/** Why a file request was refused, for the agent. */
export class FileRefusal extends Error {
  /** There is no such file, and there might be one. */
  readonly missing: boolean;

  constructor(message: string, missing = false) {
    super(message);
    this.missing = missing;
  }
}

export class FolderFiles {
  readonly #root: string;

  /** @param root an existing folder */
  constructor(root: string) {
    this.#root = realpathSync(root);
  }

  #inside(path: string): boolean {
    const way = relative(this.#root, path);
    return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
  }

  /** @returns where the path really leads; its last parts need not exist. @throws FileRefusal when that is outside */
  async place(path: string): Promise<string> {
    if (path === "" || path.includes("\0")) throw new FileRefusal("The path is empty or has a NUL character");
    if (path.split(/[/\\]/).includes("..")) throw new FileRefusal(`The path must not contain "..": ${shown(path)}`);
    const missing: string[] = [];
    let at = resolve(this.#root, path);
    for (;;) {
      const real = await realpath(at).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return null;
        throw new FileRefusal(`The path cannot be followed (${error.code ?? "unknown"}): ${shown(path)}`);
      });
      if (real !== null) {
        const whole = join(real, ...missing);
        if (!this.#inside(whole)) throw new FileRefusal(`The path is outside the working folder: ${shown(path)}`);
        return whole;
      }
      // A link that leads nowhere is a way out too: a file made through it would be elsewhere.
      if ((await readlink(at).catch(() => null)) !== null) throw new FileRefusal(`The path leads through a broken link: ${shown(path)}`);
      missing.unshift(at.slice(dirname(at).length).replace(/^[/\\]+/, ""));
      at = dirname(at);
    }
  }

  /**
   * By way of its folder, which is opened first and looked at: what happens to the path afterwards does not matter any more. Where the system does
   * not tell what was opened, the path counts.
   */
  async #open(path: string, flags: number): Promise<FileHandle> {
    const place = await this.place(path);
    const folder = await opened(dirname(place), path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const really = await readlink(`/proc/self/fd/${folder.fd}`).catch(() => null);
      if (really !== null && !this.#inside(really)) throw new FileRefusal(`The path is outside the working folder: ${shown(path)}`);
      const file = await opened(really === null ? place : `/proc/self/fd/${folder.fd}/${basename(place)}`, path, flags);
      if ((await file.stat()).isFile()) return file;
      await file.close();
      throw new FileRefusal(`It is not a regular file: ${shown(path)}`);
    } finally {
      await folder.close();
    }
  }

  /** @param line the first line, from 1 @param limit the most lines @throws FileRefusal */
  async read(path: string, line: number | null = null, limit: number | null = null): Promise<string> {
    const file = await this.#open(path, constants.O_RDONLY);
    try {
      const { size } = await file.stat();
      if (size > readLimit) throw new FileRefusal(`The file has ${size} bytes, the limit is ${readLimit}: ${shown(path)}`);
      const text = await file.readFile("utf8");
      if (line === null && limit === null) return text;
      const first = Math.max(0, (line ?? 1) - 1);
      return text
        .split(/(?<=\n)/)
        .slice(first, limit === null ? undefined : first + limit)
        .join("");
    } finally {
      await file.close();
    }
  }

  /** Makes the file and the folders on its way where they are missing. @throws FileRefusal */
  async write(path: string, text: string): Promise<void> {
    if (Buffer.byteLength(text) > writeLimit) throw new FileRefusal(`More than ${writeLimit} bytes are not written: ${shown(path)}`);
    await mkdir(dirname(await this.place(path)), { recursive: true });
    const file = await this.#open(path, constants.O_WRONLY | constants.O_CREAT);
    try {
      await file.truncate(0);
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  }
}

/** A link at its end is not followed; without O_NONBLOCK, opening a named pipe would wait for somebody at its other end. */
async function opened(place: string, path: string, flags: number): Promise<FileHandle> {
  try {
    return await open(place, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o644);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new FileRefusal(`There is no such file: ${shown(path)}`, true);
    throw new FileRefusal(`The file cannot be opened (${code}): ${shown(path)}`);
  }
}

const shown = (path: string): string => JSON.stringify(path.slice(0, 300));
