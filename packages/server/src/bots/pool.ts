import type { BotState, WorkerStatus } from "@skep/protocol";
import type { WorkerOptions, WorkerPlace } from "./worker.ts";
import { Worker } from "./worker.ts";

export interface PoolOptions extends WorkerOptions {
  workers: number;
}

/** The turn that a place is asked for. */
export interface PlaceWanted {
  conversation: string;
  person: string;
}

/** The workers of one bot, and which of them gets a turn. */
export class WorkerPool {
  readonly #workers: Worker[];

  constructor({ workers, ...options }: PoolOptions) {
    this.#workers = Array.from({ length: workers }, () => new Worker(options));
  }

  /** Conversations that are worked on. */
  get load(): number {
    return this.#workers.reduce((sum, worker) => sum + worker.load, 0);
  }

  get statuses(): WorkerStatus[] {
    return this.#workers.map((worker) => worker.status);
  }

  get processCount(): number {
    return this.#workers.reduce((sum, worker) => sum + (worker.status.pid === null ? 0 : 1), 0);
  }

  /** A bot is as well as its best worker; the reason is that of the worst one. */
  get state(): { state: BotState; reason: string } {
    const state = order.find((one) => this.#workers.some((worker) => worker.state === one)) ?? "stopped";
    const worst = this.#workers.find((worker) => worker.reason !== "" && (worker.state === state || worker.state === "failed"));
    return { state, reason: worst?.reason ?? "" };
  }

  start(): void {
    for (const worker of this.#workers) worker.start();
  }

  /** Resolves when all are gone. */
  async stop(reason: string): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop(reason)));
  }

  /** One after the other, so that the others go on. */
  async restart(reason: string): Promise<void> {
    for (const worker of this.#workers) {
      await worker.stop(reason);
      worker.start();
    }
  }

  check(now: number): void {
    for (const worker of this.#workers) worker.check(now);
  }

  /** The least busy worker that has a free place (R-D4). */
  place(_wanted: PlaceWanted): WorkerPlace | null {
    let chosen: Worker | null = null;
    for (const worker of this.#workers) {
      if (worker.free > 0 && (!chosen || worker.load < chosen.load)) chosen = worker;
    }
    return chosen?.reserve() ?? null;
  }
}

const order: readonly BotState[] = ["ready", "login-needed", "starting", "hung", "backoff", "stopping", "failed", "stopped"];
