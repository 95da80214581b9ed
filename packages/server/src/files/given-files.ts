import { copyFile, link, mkdir, readFile, readdir, rm } from "node:fs/promises";
import { extname, join } from "node:path";
import type { TurnFile } from "@skep/protocol/bot";
import type { Given, TurnFiles } from "../conversations/turn-files.ts";
import { FilesNotGiven } from "../conversations/turn-files.ts";
import type { StoredFile } from "../store/file.ts";
import type { Store } from "../store/store.ts";
import { isImage } from "./image-type.ts";

/** Where a bot finds the files of its turns, in its own folder. */
export const givenFolder = "given";
/** Images of earlier messages go with a turn up to so many bytes together. */
const earlierBytes = 10 * 1024 * 1024;
/** To a program elsewhere all of it goes as text, in one line, which it takes up to 4 MiB. */
const elsewhereBytes = 2.5 * 1024 * 1024;

export interface GivenFilesOptions {
  store: Pick<Store, "files">;
  /** Of a content, by its hash. */
  pathOf(hash: string): string;
  /** Bots' own folders are in it. */
  bots: string;
  /** Is the program of this bot elsewhere? */
  elsewhere(bot: string): boolean;
}

/** Makes files readable for one attempt at a turn, and for nothing else: a process gets names of their own for them, a program elsewhere their bytes. */
export class GivenFiles implements TurnFiles {
  readonly #o: GivenFilesOptions;
  /** One after the other: however many turns with files begin at once, the bytes of one are in memory. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: GivenFilesOptions) {
    this.#o = options;
  }

  /** What a killed program has left. */
  async clear(): Promise<void> {
    for (const bot of await readdir(this.#o.bots).catch((): string[] => [])) await remove(join(this.#o.bots, bot, givenFolder));
  }

  give(bot: string, token: string, own: readonly string[], earlier: readonly string[]): Promise<Given> {
    const given = this.#last.then(() => this.#give(bot, token, own, earlier));
    this.#last = given.catch(() => {});
    return given;
  }

  async #give(bot: string, token: string, own: readonly string[], earlier: readonly string[]): Promise<Given> {
    const elsewhere = this.#o.elsewhere(bot);
    const folder = join(this.#o.bots, bot, givenFolder, token);
    const takeBack = (): void => void remove(folder);
    const files = new Map<string, TurnFile>();
    const found = new Map((await this.#o.store.files([...own, ...earlier])).map((file) => [file.publicId, file]));
    let left = elsewhere ? elsewhereBytes : Number.POSITIVE_INFINITY;
    const take = async (id: string, file: StoredFile): Promise<void> => {
      left -= file.size;
      files.set(id, { ...described(file), ...(await (elsewhere ? this.#inline(file) : this.#link(file, folder, files.size + 1))) });
    };
    try {
      if (!elsewhere) await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const id of own) {
        const file = found.get(id);
        if (!file) throw new FilesNotGiven("A file of this message is not there any more");
        if (file.size > left) {
          const megabytes = elsewhereBytes / 1024 / 1024;
          throw new FilesNotGiven(`The files of this message are too large for a program elsewhere: it is given ${megabytes} MiB at most`);
        }
        await take(id, file);
      }
      left = Math.min(left, earlierBytes);
      for (const id of earlier) {
        const file = found.get(id);
        if (!file || files.has(id)) continue;
        if (isImage(file.type) && file.size <= left) await take(id, file);
        else files.set(id, described(file));
      }
      return { files, takeBack };
    } catch (error) {
      takeBack();
      throw (error as NodeJS.ErrnoException).code === "ENOENT"
        ? new FilesNotGiven("The bytes of a file of this message are not on the disk any more")
        : error;
    }
  }

  async #inline({ hash }: StoredFile): Promise<Pick<TurnFile, "data">> {
    return { data: await readFile(this.#o.pathOf(hash), "base64") };
  }

  async #link({ hash, name }: StoredFile, folder: string, place: number): Promise<Pick<TurnFile, "path">> {
    // Of the sender's name only what tells programs how to open it.
    const path = join(folder, `${place}${/^\.[A-Za-z0-9]{1,10}$/.exec(extname(name))?.[0] ?? ""}`);
    const from = this.#o.pathOf(hash);
    await link(from, path).catch((error: NodeJS.ErrnoException) => {
      // File systems without links.
      if (error.code === "EPERM" || error.code === "ENOTSUP" || error.code === "EMLINK" || error.code === "EXDEV")
        return copyFile(from, path);
      throw error;
    });
    return { path };
  }
}

const described = ({ name, type, size, hash: sha256 }: StoredFile): TurnFile => ({ name, type, size, sha256 });
const remove = (path: string): Promise<void> => rm(path, { recursive: true, force: true }).catch(() => {});
