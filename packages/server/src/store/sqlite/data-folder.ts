import { chmodSync, mkdirSync, readdirSync, statSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "./database.ts";
import { openDatabase, sqliteCode, sqliteErrors } from "./database.ts";

/** The folder cannot be used; the text says what to do. */
export class DataFolderError extends Error {
  override name = "DataFolderError";
}

/** File systems on which locks or syncs are not what they promise, by the magic number of statfs(2). */
const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x01021997, "9P"],
  [0x5346414f, "AFS"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x65735546, "FUSE"],
  [0x73757245, "Coda"],
  [0x013111a8, "GlusterFS"],
]);

/** @returns the name of the network file system, or null for a local one. */
export const networkFileSystem = (type: number): string | null => networkFileSystems.get(type >>> 0) ?? null;

export interface DataFolder {
  path: string;
  database: string;
  /** Lets another program open the folder. */
  release(): void;
}

/**
 * Makes the folder if it is missing (0700) and takes it for this process alone (D2). The lock is an SQLite transaction on a file of its own:
 * the system lets it go when the process dies, however it dies. It also goes when this process opens and closes that file by any other way,
 * so nothing here may copy or read `skep.lock`.
 * @throws DataFolderError when it is taken, on a network file system, not writable, or holds other files that others can read.
 */
export function openDataFolder(path: string, fileSystemType: (path: string) => number = (p) => statfsSync(p).type): DataFolder {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DataFolderError(`The data folder ${path} cannot be made: ${(error as Error).message}. Choose another one with --data.`);
  }
  keepPrivate(path);
  const network = networkFileSystem(fileSystemType(path));
  if (network) {
    throw new DataFolderError(
      `The data folder ${path} is on ${network}, a network file system. Its locks and syncs cannot be trusted with messages. Put it on a local disk with --data, or use PostgreSQL.`,
    );
  }
  const lock = takeLock(path);
  return { path, database: join(path, "skep.db"), release: () => lock.close() };
}

/** A folder of somebody else is never changed: a slip like `--data /tmp` would lock everybody out of it. */
function keepPrivate(path: string): void {
  const open = (statSync(path).mode & 0o077) !== 0;
  if (!open) return;
  const files = readdirSync(path);
  if (files.length > 0 && !files.includes("skep.lock") && !files.includes("skep.db")) {
    throw new DataFolderError(
      `The data folder ${path} holds other files and is open to other users. Choose an empty folder with --data, or close this one (chmod 700).`,
    );
  }
  chmodSync(path, 0o700);
}

function takeLock(path: string): { close(): void } {
  let lock: Database | null = null;
  try {
    lock = openDatabase(join(path, "skep.lock"));
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    if (sqliteCode(error) === sqliteErrors.busy) {
      throw new DataFolderError(
        `The data folder ${path} is in use by another Skep. Stop that one first, or choose another folder with --data.`,
      );
    }
    throw new DataFolderError(`The data folder ${path} cannot be locked: ${(error as Error).message}`);
  }
}
