import { Refusal } from "@skep/protocol/errors";
import { networkOf } from "./address-rates.ts";

const mostInAll = 100;
const mostOfOneAddress = 10;
/** So long somebody may be connected without having said who it is. */
export const authenticateWithinMs = 5000;
/** Somebody unknown has only a token to say. */
export const unknownBytes = 16 * 1024;

/** WebSockets of those who have not said yet who they are, at all doors together. */
export class UnknownSockets {
  #inAll = 0;
  readonly #ofAddress = new Map<string, number>();

  get size(): number {
    return this.#inAll;
  }

  /** @returns a function to call once, when it is known who it is, or when it is gone. @throws Refusal `busy` */
  enter(address: string): () => void {
    const name = networkOf(address);
    const count = this.#ofAddress.get(name) ?? 0;
    if (this.#inAll >= mostInAll || count >= mostOfOneAddress) {
      throw new Refusal("busy", "Too many connections are open that have not signed in", { retryAfterMs: authenticateWithinMs });
    }
    this.#inAll++;
    this.#ofAddress.set(name, count + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#inAll--;
      const rest = (this.#ofAddress.get(name) ?? 1) - 1;
      if (rest === 0) this.#ofAddress.delete(name);
      else this.#ofAddress.set(name, rest);
    };
  }
}
