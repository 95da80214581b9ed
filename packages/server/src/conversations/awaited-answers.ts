import type { Message } from "@skep/protocol";
import type { Time } from "../time.ts";

/** Callers who wait for the message that ends a turn. */
export class AwaitedAnswers {
  readonly #time: Pick<Time, "after">;
  readonly #waiting = new Map<number, Set<(message: Message | null) => void>>();

  constructor(time: Pick<Time, "after">) {
    this.#time = time;
  }

  /** null after `ms`, or when the waiting is ended from here. */
  wait(turn: number, ms: number): Promise<Message | null> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(turn) ?? new Set();
      this.#waiting.set(turn, waiting);
      const settle = (message: Message | null): void => {
        takeBack();
        waiting.delete(settle);
        if (waiting.size === 0) this.#waiting.delete(turn);
        resolve(message);
      };
      const takeBack = this.#time.after(ms, () => settle(null));
      waiting.add(settle);
    });
  }

  /** `message` is made only when somebody waits. */
  arrived(turn: number, message: () => Message): void {
    const waiting = this.#waiting.get(turn);
    if (!waiting) return;
    const made = message();
    for (const settle of waiting) settle(made);
  }

  end(): void {
    for (const waiting of this.#waiting.values()) for (const settle of waiting) settle(null);
  }
}
