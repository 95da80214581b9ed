/** What the coding agent for tests remembers of a session. Kept at once, so that a crash in mid-answer finds it again. */
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Said {
  role: "user" | "agent";
  text: string;
}

export class AgentSession {
  readonly id: string;
  readonly said: Said[];
  readonly #file: string | null;
  cancelled = false;
  mode = "default";
  /** As the client named them when the session was opened. */
  servers: readonly unknown[] = [];
  /** Called when the client cancels. */
  onCancel: () => void = () => {};

  constructor(id: string, said: Said[], file: string | null) {
    this.id = id;
    this.said = said;
    this.#file = file;
  }

  add(role: Said["role"], text: string): void {
    const last = this.said.at(-1);
    if (role === "agent" && last?.role === "agent") last.text += text;
    else this.said.push({ role, text });
    if (this.#file) writeFileSync(this.#file, JSON.stringify(this.said));
  }
}

export class RememberedSessions {
  readonly #folder: string;
  readonly #open = new Map<string, AgentSession>();

  constructor(folder: string) {
    this.#folder = folder;
    if (folder !== "") mkdirSync(folder, { recursive: true });
  }

  #file(id: string): string | null {
    return this.#folder === "" ? null : join(this.#folder, `${id}.json`);
  }

  begin(): AgentSession {
    const id = `session-${randomUUID()}`;
    const session = new AgentSession(id, [], this.#file(id));
    this.#open.set(id, session);
    return session;
  }

  get count(): number {
    return this.#open.size;
  }

  close(id: string): void {
    this.#open.delete(id);
  }

  find(id: string): AgentSession | undefined {
    return this.#open.get(id);
  }

  /** From an earlier process; undefined when nothing is known of it. */
  recall(id: string): AgentSession | undefined {
    const file = this.#file(id);
    if (!file) return undefined;
    try {
      const session = new AgentSession(id, JSON.parse(readFileSync(file, "utf8")) as Said[], file);
      this.#open.set(id, session);
      return session;
    } catch {
      return undefined;
    }
  }
}
