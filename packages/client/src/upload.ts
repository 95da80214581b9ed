import type { MessageFile } from "@skep/protocol/wire";
import type { ServerCaller } from "./call-server.ts";

/** A file to send: one that was uploaded before, what a browser calls a file, or bytes with a name. */
export type FileToSend = MessageFile | Blob | { name: string; type?: string; bytes: Uint8Array<ArrayBuffer> };

/** @throws Refusal what the server said; TypeError when there was no answer */
export async function upload(call: ServerCaller, file: FileToSend, signal?: AbortSignal): Promise<MessageFile> {
  if ("id" in file) return file;
  const blob = file instanceof Blob ? file : new Blob([file.bytes], { type: file.type ?? "" });
  const name = "name" in file && file.name !== "" ? file.name : "file";
  const { id, type, size, name: called } = (await call("POST", `/api/files?name=${encodeURIComponent(name)}`, blob, signal)) as MessageFile;
  return { id, name: called, type, size };
}
