/** Which attempts a worker's process has, and how many conversations it has room for. No I/O. */

/** An attempt that a process has. */
export interface Held {
  /** Nobody wants to hear of it any more; called once the process has let go of it. */
  onLetGo: (() => void) | null;
  line: TurnLine;
}

/** Turns of one conversation, one behind the other at one worker: it works on the first of them. */
export interface TurnLine {
  turns: number;
  conversation: string;
  /** When something about it was heard last; Infinity while it waits for a person. */
  heardAt: number;
}

export class HeldTurns {
  #busy = 0;
  readonly #tokens = new Map<string, Held>();

  /** Conversations that it works on, or is about to: each takes one place, however many turns wait behind each other in it. */
  get busy(): number {
    return this.#busy;
  }

  /** Attempts; a cancelled one counts until the process has let go of it. */
  get size(): number {
    return this.#tokens.size;
  }

  get(token: string): Held | undefined {
    return this.#tokens.get(token);
  }

  newLine(): TurnLine {
    this.#busy++;
    return { turns: 0, conversation: "", heardAt: 0 };
  }

  leave(line: TurnLine): void {
    if (--line.turns === 0) this.#busy--;
  }

  add(token: string, line: TurnLine, conversation: string, now: number): void {
    if (line.conversation === "") {
      line.conversation = conversation;
      line.heardAt = now;
    }
    this.#tokens.set(token, { onLetGo: null, line });
  }

  /** @returns whether somebody wants to hear it. */
  heard(token: string, now: number): boolean {
    const held = this.#tokens.get(token);
    if (!held) return false;
    held.line.heardAt = now;
    return held.onLetGo === null;
  }

  /** A person was asked, and may take as long as a person takes: the next line about the turn ends that. */
  waitsForPerson(token: string): void {
    const held = this.#tokens.get(token);
    if (held) held.line.heardAt = Number.POSITIVE_INFINITY;
  }

  /** The process has ended its work on it. @returns whether somebody still wants to know. */
  letGo(token: string, now: number): boolean {
    const held = this.#tokens.get(token);
    if (!held) return false;
    held.line.heardAt = now;
    this.#tokens.delete(token);
    this.leave(held.line);
    held.onLetGo?.();
    return held.onLetGo === null;
  }

  /** The process is gone. @returns what it had, oldest first, and of how many conversations that was */
  loseAll(): { held: [string, Held][]; conversations: number } {
    const held = [...this.#tokens];
    this.#tokens.clear();
    for (const [, { line }] of held) this.leave(line);
    return { held, conversations: new Set(held.map(([, { line }]) => line)).size };
  }

  /** Attempts in work of which nothing was heard for so long. */
  silentFor(ms: number, now: number): { token: string; conversation: string }[] {
    const seen = new Set<TurnLine>();
    const silent: { token: string; conversation: string }[] = [];
    for (const [token, { line, onLetGo }] of this.#tokens) {
      // The first of a line is the one in work; those behind it wait.
      if (seen.has(line)) continue;
      seen.add(line);
      if (onLetGo === null && now - line.heardAt >= ms) silent.push({ token, conversation: line.conversation });
    }
    return silent;
  }
}
