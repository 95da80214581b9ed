/** What the doors may ask of files. Throws `Refusal` for what the caller can be told. */
import type { MessageFile } from "@skep/protocol";
import type { Readable } from "node:stream";
import type { Person } from "../conversations/api.ts";

export interface Upload {
  name: string;
  /** What the sender says that it is. */
  type: string;
  /** Bytes, as announced; null: not announced. */
  length: number | null;
  body: AsyncIterable<Uint8Array>;
}

export interface UploadedFile extends MessageFile {
  /** Hex. */
  sha256: string;
}

export interface OpenedFile extends UploadedFile {
  body: Readable;
}

export interface FilesApi {
  /** Resolves when the file is on the disk, and known. Refused with `body_too_large`, `files_full`, `store_full`, `busy`, `field_invalid`. */
  upload(person: Person, upload: Upload): Promise<UploadedFile>;
  /** Refused with `not_found`, also where somebody may not read it. Who opens it must read it to its end or destroy it. */
  open(person: Person, id: string): Promise<OpenedFile>;
}
