import { Refusal } from "@skep/protocol/errors";
import type { Time } from "../time.ts";
import type { Answer, AnswerOf, Operation, Store } from "./store.ts";
import { StoreFailure } from "./store.ts";

/** What the caller of an operation learns when its batch failed: a refusal (not stored), or that the outcome is not known (K2). */
export class OutcomeUnknown extends Error {
  override name = "OutcomeUnknown";
}

export interface GroupCommitOptions {
  store: Pick<Store, "commit">;
  time: Pick<Time, "soon">;
  /** Operations of one transaction at most. */
  maxBatch?: number;
  /** Batches given to the store before it has answered the first of them. */
  maxUnderWay?: number;
  /** Operations that may wait; a send beyond is refused with `busy` (K5). Answers of bots and the like always get in. */
  maxWaiting?: number;
  onFailure?: (failure: StoreFailure) => void;
  /** Milliseconds from an arbitrary beginning, with fractions. */
  clock?: () => number;
  /** So many operations are on the disk, `ms` after the first of them came; called once per transaction. */
  onStored?: (ms: number, operations: number) => void;
}

interface Waiting {
  operation: Operation;
  done(answer: Answer): void;
  fail(error: Error): void;
}

/**
 * Many operations share one transaction (K4). One batch is under way at a time: what comes meanwhile forms the next one, and an idle store
 * commits in the same turn of the event loop. No timer: under load the commit itself is the window (measured: a 2 ms timer cost 40 % at 100 connections).
 *
 * open -> (a failure that is final) -> broken: everything is refused with `store_unavailable`, because nobody knows what is on the disk (D1).
 */
export class GroupCommit {
  readonly #options: Required<Omit<GroupCommitOptions, "onFailure" | "onStored">> & Pick<GroupCommitOptions, "onFailure" | "onStored">;
  #waiting: Waiting[] = [];
  /** When the first of those that wait came, or one before it. */
  #waitingSince = 0;
  /** Batches that the store has. */
  #underWay = 0;
  #scheduled = false;
  #committed = 0;
  #broken: StoreFailure | null = null;
  #idle: (() => void)[] = [];

  constructor(options: GroupCommitOptions) {
    this.#options = { maxBatch: 512, maxUnderWay: 2, maxWaiting: 50_000, clock: () => performance.now(), ...options };
  }

  get broken(): StoreFailure | null {
    return this.#broken;
  }

  /** Batches committed so far. */
  get committed(): number {
    return this.#committed;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** So many may wait before sends are refused. */
  get mostWaiting(): number {
    return this.#options.maxWaiting;
  }

  /** @throws (as rejection) Refusal: not stored and never will be. OutcomeUnknown: nothing may be said. */
  add<O extends Operation>(operation: O): Promise<AnswerOf<O>> {
    if (this.#broken) return Promise.reject(refusalFor(this.#broken));
    if (operation.op === "append" && this.#waiting.length >= this.#options.maxWaiting) {
      return Promise.reject(new Refusal("busy", "Too many messages wait for the disk", { retryAfterMs: 1000 }));
    }
    if (this.#waiting.length === 0) this.#waitingSince = this.#options.clock();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operation, done: resolve as (answer: Answer) => void, fail: reject });
      this.#schedule();
    });
  }

  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void> {
    if (this.#underWay === 0 && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    // A full batch does not wait for the rest of this turn of the loop: the store works on it meanwhile.
    if (this.#waiting.length >= this.#options.maxBatch) this.#next();
    if (this.#scheduled || this.#underWay > 0) return;
    this.#scheduled = true;
    this.#options.time.soon(() => {
      this.#scheduled = false;
      this.#next();
    });
  }

  #next(): void {
    const { maxBatch, maxUnderWay, store, clock, onStored } = this.#options;
    if (this.#waiting.length === 0) {
      if (this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    // Only a full batch goes out beside another one: a small one grows until the store is free.
    if (this.#underWay >= maxUnderWay || (this.#underWay > 0 && this.#waiting.length < maxBatch)) return;
    const batch = this.#waiting.length <= maxBatch ? this.#waiting : this.#waiting.slice(0, maxBatch);
    this.#waiting = batch === this.#waiting ? [] : this.#waiting.slice(maxBatch);
    const since = this.#waitingSince;
    this.#underWay++;
    store.commit(batch.map((one) => one.operation)).then(
      (answers) => {
        this.#underWay--;
        this.#committed++;
        onStored?.(clock() - since, batch.length);
        this.#next();
        for (const [i, one] of batch.entries()) one.done(answers[i] as Answer);
      },
      (error: unknown) => {
        this.#underWay--;
        this.#fail(batch, error instanceof StoreFailure ? error : new StoreFailure("io", "unknown", true, String(error)));
        this.#next();
      },
    );
    if (this.#waiting.length > 0) this.#next();
  }

  #fail(batch: readonly Waiting[], failure: StoreFailure): void {
    if (failure.final) this.#broken = failure;
    this.#options.onFailure?.(failure);
    const error = failure.outcome === "unknown" ? new OutcomeUnknown(failure.message) : refusalFor(failure);
    for (const one of batch) one.fail(error);
    if (failure.final) for (const one of this.#waiting.splice(0)) one.fail(refusalFor(failure));
  }
}

function refusalFor(failure: StoreFailure): Refusal {
  if (failure.reason === "full" && !failure.final) {
    return new Refusal("store_full", "The disk is full: nothing can be stored until there is room. What is stored can be read.", {
      retryAfterMs: 5000,
    });
  }
  return new Refusal(
    "store_unavailable",
    `The store stopped after a failed write (${failure.message}). Restart Skep once the disk is in order.`,
    {
      retryAfterMs: 5000,
    },
  );
}
