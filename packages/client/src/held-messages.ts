import type { Message } from "@skep/protocol/wire";

/** The newest messages of a log without a gap, up to its position. Readers that are further behind fetch pages. */
export class HeldMessages {
  readonly #limit: number;
  #messages: Message[] = [];

  /** @param limit of messages; up to twice as many are held for a while */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(message: Message): void {
    this.#messages.push(message);
    if (this.#messages.length > 2 * this.#limit) this.#messages = this.#messages.slice(-this.#limit);
  }

  /** @param head seq of the newest @returns the message that follows `seq`, if it is held */
  after(seq: number, head: number): Message | undefined {
    return this.#messages[seq - (head - this.#messages.length)];
  }

  clear(): void {
    this.#messages = [];
  }
}
