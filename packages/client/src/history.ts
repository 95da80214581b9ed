import { Refusal } from "@skep/protocol/errors";
import type { Message } from "@skep/protocol/wire";
import { fullJitter } from "./back-off.ts";
import type { ServerCaller } from "./call-server.ts";
import type { Clock } from "./clock.ts";
import { HistoryReset } from "./history-reset.ts";

/** `head` is the seq of the newest message there is. */
export interface HistoryPage {
  epoch: string;
  head: number;
  messages: Message[];
}

export interface HistoryHost {
  readonly clock: Clock;
  readonly random: () => number;
  readonly call: ServerCaller;
  /** Aborted when the client is closed. */
  readonly closing: AbortSignal;
}

const pageSize = 500;

/** The log of one conversation, in pages. */
export class History {
  readonly #path: string;
  readonly #host: HistoryHost;

  constructor(path: string, host: HistoryHost) {
    this.#path = path;
    this.#host = host;
  }

  /** The messages before one, oldest first. @throws Refusal · TypeError when there is no connection */
  async before(seq: number, limit: number): Promise<HistoryPage> {
    return (await this.#host.call("GET", `${this.#path}/messages?before=${seq}&limit=${limit}`)) as HistoryPage;
  }

  /**
   * The messages after one. Tries until there is an answer: a reader does not end because a connection did. Nothing once the signal is aborted or the client
   * closed.
   * @throws HistoryReset when the log is in another epoch · Refusal for good
   */
  async after(seq: number, epoch: string, signal?: AbortSignal): Promise<Message[]> {
    const { call, closing, random } = this.#host;
    const stop = signal ? AbortSignal.any([signal, closing]) : closing;
    for (let tries = 1; ; tries++) {
      try {
        const page = (await call("GET", `${this.#path}/messages?after=${seq}&limit=${pageSize}`, undefined, stop)) as HistoryPage;
        if (page.epoch !== epoch) throw new HistoryReset("epoch");
        return page.messages;
      } catch (error) {
        if (stop.aborted) return [];
        if (error instanceof HistoryReset || (error instanceof Refusal && error.status < 500 && error.code !== "busy")) throw error;
        await this.#rest(fullJitter(tries, random()), stop);
      }
    }
  }

  #rest(ms: number, stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        callOff();
        stop.removeEventListener("abort", end);
        resolve();
      };
      const callOff = this.#host.clock.after(ms, end);
      stop.addEventListener("abort", end);
    });
  }
}
