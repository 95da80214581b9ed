import { mkdirSync, statfsSync, chmodSync } from "node:fs";
import { join } from "node:path";
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
 * the system lets it go when the process dies, however it dies.
 * @throws DataFolderError when it is taken, on a network file system, or not writable.
 */
export function openDataFolder(path: string, fileSystemType: (path: string) => number = (p) => statfsSync(p).type): DataFolder {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
  } catch (error) {
    throw new DataFolderError(`The data folder ${path} cannot be made: ${(error as Error).message}. Choose another one with --data.`);
  }
  const network = networkFileSystem(fileSystemType(path));
  if (network) {
    throw new DataFolderError(
      `The data folder ${path} is on ${network}, a network file system. Its locks and syncs cannot be trusted with messages. Put it on a local disk with --data, or use PostgreSQL.`,
    );
  }
  const lock = takeLock(path);
  return { path, database: join(path, "skep.db"), release: () => lock.close() };
}

function takeLock(path: string): { close(): void } {
  const lock = openDatabase(join(path, "skep.lock"));
  try {
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    if (sqliteCode(error) === sqliteErrors.busy) {
      throw new DataFolderError(
        `The data folder ${path} is in use by another Skep. Stop that one first, or choose another folder with --data.`,
      );
    }
    throw new DataFolderError(`The data folder ${path} cannot be locked: ${(error as Error).message}`);
  }
}
