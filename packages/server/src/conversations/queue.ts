import type { Tick } from "../tick.ts";
import { Fifo } from "./fifo.ts";
import type { Place, Turn, Workers } from "./turn.ts";

export interface TurnQueueOptions {
  tick: Pick<Tick, "deliver">;
  workers: Pick<Workers, "place">;
  start(turn: Turn, place: Place): void;
}

/** Turns whose conversation has nothing before them, and the free places of their bots' workers. */
export class TurnQueue {
  readonly #o: TurnQueueOptions;
  readonly #runnable = new Map<string, Fifo<Turn>>();
  /** One function a bot, so that a tick runs it once. */
  readonly #pumps = new Map<string, () => void>();
  #stopped = false;

  constructor(options: TurnQueueOptions) {
    this.#o = options;
  }

  add(turn: Turn): void {
    let queue = this.#runnable.get(turn.bot);
    if (!queue) {
      queue = new Fifo();
      this.#runnable.set(turn.bot, queue);
    }
    queue.push(turn);
    this.roomFor(turn.bot);
  }

  /** A worker of this bot may have a free place. What it gets leaves in the same turn of the loop. */
  roomFor(bot: string): void {
    let pump = this.#pumps.get(bot);
    if (!pump) {
      pump = () => this.#pump(bot);
      this.#pumps.set(bot, pump);
    }
    this.#o.tick.deliver(pump);
  }

  #pump(bot: string): void {
    const queue = this.#runnable.get(bot);
    if (!queue || this.#stopped) return;
    for (let turn = queue.peek(); turn; turn = queue.peek()) {
      if (turn.phase !== "queued" || turn.active.turns[0] !== turn || turn.active.lettingGo > 0) {
        queue.shift();
        continue;
      }
      const place = this.#o.workers.place(bot, { conversation: turn.active.publicId, person: turn.person });
      if (!place) return;
      queue.shift();
      this.#o.start(turn, place);
    }
  }

  /** Nothing is started any more. */
  stop(): void {
    this.#stopped = true;
  }
}
