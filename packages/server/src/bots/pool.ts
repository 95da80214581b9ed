import { Refusal } from "@skep/protocol";
import type { Balance, BotState, BotWorker } from "@skep/protocol";
import type { Balancer } from "./balancer.ts";
import { createBalancer } from "./balancer.ts";
import type { Channel, ChannelEvents } from "./channel.ts";
import type { Lane } from "./seat.ts";
import { Seat } from "./seat.ts";
import type { WorkerPlan } from "./worker-spec.ts";
import type { WorkerOptions } from "./worker.ts";

export interface PoolOptions extends Omit<WorkerOptions, "open" | "botOptions"> {
  /** Each with all of its options: those of the bot, and its own over them. */
  plans: readonly WorkerPlan[];
  balance: Balance;
  /** Names of those that were taken out by hand. */
  drained: readonly string[];
  open(options: Record<string, unknown>, events: ChannelEvents): Channel;
}

/** The workers of one bot, and which of them gets a turn. */
export class WorkerPool {
  readonly #seats: readonly Seat[];
  #balancer: Balancer;
  readonly #o: PoolOptions;
  /** Started and not stopped by hand: what does not run then has failed. */
  #wanted = false;
  #restarting = false;

  constructor(options: PoolOptions) {
    this.#o = options;
    const { plans, balance, drained } = options;
    this.#seats = plans.map((plan) => {
      const seat = new Seat({
        ...options,
        plan,
        all: () => this.#seats,
        botOptions: plan.options,
        open: (events) => options.open(plan.options, events),
      });
      seat.drained = drained.includes(plan.name);
      return seat;
    });
    this.#balancer = this.#balancerFor(balance);
  }

  #balancerFor(balance: Balance): Balancer {
    for (const seat of this.#seats) seat.dealt = this.#seats.length > 1 && (balance === "round-robin" || balance === "weighted");
    return createBalancer(balance, this.#seats);
  }

  /** Deals turns by other weights or in another way from now on; the processes go on. @param weights of all workers, in their order */
  deal(weights: readonly number[], balance: Balance): void {
    for (const [i, seat] of this.#seats.entries()) seat.plan = { ...seat.plan, weight: weights[i] ?? seat.plan.weight };
    this.#balancer = this.#balancerFor(balance);
    this.#o.changed();
    this.#o.room();
  }

  /** Conversations that are worked on. */
  get load(): number {
    return this.#seats.reduce((sum, { worker }) => sum + worker.load, 0);
  }

  /** How many conversations those that run can work on at a time. */
  get places(): number {
    return this.#seats.reduce((sum, { there, worker }) => sum + (there ? worker.load + Math.max(0, worker.free) : 0), 0);
  }

  get statuses(): BotWorker[] {
    return this.#seats.map((seat) => seat.status);
  }

  get processCount(): number {
    return this.#seats.reduce((sum, { worker }) => sum + (worker.status.pid === null ? 0 : 1), 0);
  }

  /** A bot is as well as its best worker; the reason is that of the worst one. */
  get state(): { state: BotState; reason: string } {
    const state = order.find((one) => this.#seats.some(({ worker }) => worker.state === one)) ?? "stopped";
    const worst = this.#seats.find(({ worker }) => worker.reason !== "" && (worker.state === state || worker.state === "failed"));
    return { state, reason: worst?.worker.reason ?? "" };
  }

  /** Why no worker will run again by itself: they crash, or their policy says so. Null while one may, and after a stop by hand. */
  get down(): string | null {
    if (!this.#wanted || this.#restarting) return null;
    for (const { worker } of this.#seats) if (worker.state !== "failed" && worker.state !== "stopped") return null;
    return this.state.reason;
  }

  /** Runs, or soon will: what it is given will be worked on. */
  get up(): boolean {
    return this.#wanted && this.down === null && this.#seats.some(({ drained }) => !drained);
  }

  start(): void {
    this.#wanted = true;
    for (const seat of this.#seats) seat.start();
  }

  /** Resolves when all are gone. */
  async stop(reason: string): Promise<void> {
    this.#wanted = false;
    await Promise.all(this.#seats.map(({ worker }) => worker.stop(reason)));
  }

  /** One after the other, so that the others go on. */
  async restart(reason: string): Promise<void> {
    this.#restarting = true;
    for (const seat of this.#seats) {
      await seat.worker.stop(reason);
      seat.start();
    }
    this.#restarting = false;
    this.#wanted = true;
  }

  check(now: number): void {
    for (const seat of this.#seats) {
      seat.worker.check(now);
      seat.tellHealth();
    }
  }

  /** Takes a worker out, or back in: it ends what it has and gets nothing new. @returns the names of all that are out. @throws Refusal `not_found` */
  drain(name: string, drained: boolean): string[] {
    const seat = this.#seats.find(({ plan }) => plan.name === name);
    if (!seat) {
      const names = this.#seats.map(({ plan }) => plan.name).join(", ");
      throw new Refusal("not_found", `This bot has no worker "${name}"; it has ${names}`);
    }
    seat.drained = drained;
    this.#o.changed();
    // Who waits for it goes elsewhere; or it is there for those who wait.
    this.#o.room();
    return this.#seats.filter((one) => one.drained).map(({ plan }) => plan.name);
  }

  /** The worker for a turn, which may have to wait for it. Null: for now there is none; `room` is called when there may be. */
  assign(conversation: string, person: string, not: Lane | null): Lane | null {
    return this.#balancer.choose(conversation, person, not);
  }
}

const order: readonly BotState[] = ["ready", "login-needed", "starting", "hung", "backoff", "stopping", "failed", "stopped"];
