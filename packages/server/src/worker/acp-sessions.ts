/**
 * Which session of the agent belongs to which conversation, kept in the bot's own folder: one small file a conversation, so that workers of
 * one bot do not write over each other. Written beside and renamed: after a crash there is the old file or the new one.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseFields, textOf } from "./json-fields.ts";

export interface KeptSession {
  session: string;
  /** The process that worked in it last: another one's memory of it is out of date. */
  by: string;
}

export class KeptSessions {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  #file(conversation: string): string {
    return join(this.#folder, `${encodeURIComponent(conversation)}.json`);
  }

  /** @returns null when there is none that can be read */
  get(conversation: string): KeptSession | null {
    let text: string;
    try {
      text = readFileSync(this.#file(conversation), "utf8");
    } catch {
      return null;
    }
    const fields = parseFields(text);
    const session = textOf(fields?.["session"]);
    return session === "" ? null : { session, by: textOf(fields?.["by"]) };
  }

  /** @throws Error when it could not be written */
  set(conversation: string, kept: KeptSession): void {
    const file = this.#file(conversation);
    const beside = `${file}.${process.pid}`;
    const open = openSync(beside, "w", 0o600);
    try {
      writeSync(open, JSON.stringify(kept));
      fsyncSync(open);
    } finally {
      closeSync(open);
    }
    renameSync(beside, file);
  }

  delete(conversation: string): void {
    rmSync(this.#file(conversation), { force: true });
  }
}
