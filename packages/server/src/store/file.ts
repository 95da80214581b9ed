/** Files in the store: what is known of them. Their bytes are elsewhere, by their hash (`packages/server/src/files`). */

export interface StoredFile {
  publicId: string;
  /** Who uploaded it: nobody else may send it. */
  person: string;
  /** Hex SHA-256 of the bytes. */
  hash: string;
  /** Bytes. */
  size: number;
  name: string;
  type: string;
  createdAt: number;
}

/** Its bytes are on the disk already, under its hash. */
export interface PutFile {
  op: "put-file";
  file: StoredFile;
}

/** Forgets files that no message has ever named and that were uploaded before that time. */
export interface DropFiles {
  op: "drop-files";
  before: number;
}

/** `freed`: hashes that no file has any more; their bytes may be removed. Not there when there are none. */
export interface Freed {
  ok: true;
  changed: boolean;
  freed?: string[];
}
