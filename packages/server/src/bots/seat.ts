import type { BotWorker, WorkerHealth } from "@skep/protocol";
import type { Health } from "./health.ts";
import { afterFailure, healthy, stateOf } from "./health.ts";
import type { WorkerPlan } from "./worker-spec.ts";
import type { WorkerPlace } from "./worker-place.ts";
import type { WorkerOptions } from "./worker.ts";
import { Worker } from "./worker.ts";

export interface SeatOptions extends WorkerOptions {
  plan: WorkerPlan;
  /** All workers of its bot. */
  all(): readonly Seat[];
}

/** A worker that a turn is meant for. Turns wait for it in the order in which they were given to it. */
export interface Lane {
  /** False once it has died, was taken out or is gone: who waits for it should ask for another one. */
  readonly open: boolean;
  /** May the next turn of a conversation be given to it without asking? Not where each turn is dealt by itself. */
  readonly takesAhead: boolean;
  /** How many wait for it; counted by the queue that holds them. */
  waiting: number;
  /** A free place, or null. */
  place(): WorkerPlace | null;
  /** A turn failed at it, or its process has ended. */
  failed(): void;
}

/** One process of a seat's worker, from ready to its end. */
export interface Life {
  readonly seat: Seat;
}

/** A worker as one of its bot's: its share, its health, and whether it was taken out by hand. */
export class Seat implements Lane {
  plan: WorkerPlan;
  /** Is every turn dealt by itself? */
  dealt = false;
  readonly worker: Worker;
  drained = false;
  waiting = 0;
  /** Another object for every process: who was bound to an earlier one can tell. */
  life: Life = { seat: this };
  readonly #o: SeatOptions;
  #health: Health = healthy;
  #told: WorkerHealth = "in";

  constructor(options: SeatOptions) {
    const { turns } = options;
    this.#o = options;
    this.plan = options.plan;
    this.worker = new Worker({
      ...options,
      turns: {
        ...turns,
        answer: (token, text) => {
          this.#works();
          turns.answer(token, text);
        },
        failed: (token, failure) => {
          // That its process has ended was counted then.
          if (!failure.lost) {
            if (failure.retry) this.failed();
            else this.#works();
          }
          turns.failed(token, failure);
        },
      },
      changed: () => this.#moved(),
    });
  }

  get status(): BotWorker {
    const { name, weight } = this.plan;
    const { drained, health, waiting } = this;
    return { name, weight, health, drained, load: this.worker.load, waiting, ...this.worker.status };
  }

  get health(): WorkerHealth {
    return this.#health.outUntil === 0 ? "in" : stateOf(this.#health, this.#o.time.now());
  }

  /** Runs, and was not taken out by hand. */
  get there(): boolean {
    return !this.drained && this.worker.state === "ready";
  }

  /** May get another turn as far as its health goes. */
  get fit(): boolean {
    if (!this.there) return false;
    const { health } = this;
    return health === "in" || (health === "trial" && this.worker.load + this.waiting === 0);
  }

  /** Where no worker is fit, those that are out are better than none. */
  get open(): boolean {
    return this.there && (this.health !== "out" || !this.#o.all().some((seat) => seat.fit));
  }

  get takesAhead(): boolean {
    return !this.dealt && this.there && this.health === "in";
  }

  place(): WorkerPlace | null {
    return this.worker.free > 0 ? this.worker.reserve() : null;
  }

  start(): void {
    this.#health = healthy;
    this.worker.start();
  }

  failed(): void {
    // The only one is never taken out: that would help nobody.
    if (this.#o.all().length === 1) return;
    this.#health = afterFailure(this.#health, this.#o.time.now());
    this.tellHealth();
  }

  #works(): void {
    if (this.#health === healthy) return;
    this.#health = healthy;
    this.tellHealth();
  }

  /** Called now and then, too: a pause ends by itself. */
  tellHealth(): void {
    const { health } = this;
    if (health === this.#told) return;
    this.#told = health;
    this.#o.changed();
    this.#o.room();
  }

  #moved(): void {
    const { state } = this.worker;
    if (state === "backoff" || state === "failed") this.failed();
    if (state !== "ready") {
      this.life = { seat: this };
      // Who waits for it goes elsewhere; who waits for this bot may go to another one.
      if (this.waiting > 0 || state === "failed" || state === "stopped") this.#o.room();
    }
    this.#o.changed();
  }
}
