/**
 * Finds out that the database in a data folder is not the one that was last run there, but a restored one (D5).
 * A small file beside the database holds what the last run had reached; a database that is behind it has lost history that clients may have seen.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Life {
  /** Number of the start. */
  generation: number;
  /** The newest message's id. */
  lastMessage: number;
}

/**
 * Is the history in the database another one than clients may have seen? `stored` is what the database says before this start.
 * A database that is starts ahead of the file was killed between the two writes of a start, perhaps several times: that is the same history.
 */
export function wasRestored(stored: Life, file: Life | null): boolean {
  if (stored.generation === 0) return false;
  if (!file) return true;
  return file.generation > stored.generation || file.lastMessage > stored.lastMessage;
}

const fileIn = (folder: string): string => join(folder, "skep.life");

export function readLife(folder: string): Life | null {
  try {
    const value = JSON.parse(readFileSync(fileIn(folder), "utf8")) as Partial<Life>;
    return typeof value.generation === "number" && typeof value.lastMessage === "number"
      ? { generation: value.generation, lastMessage: value.lastMessage }
      : null;
  } catch {
    return null;
  }
}

export function writeLife(folder: string, life: Life): void {
  const file = fileIn(folder);
  writeFileSync(`${file}.new`, JSON.stringify(life), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
