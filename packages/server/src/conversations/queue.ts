import type { Tick } from "../tick.ts";
import { BotQueue } from "./bot-queue.ts";
import type { Suspects } from "./suspects.ts";
import type { Lane, Place, Turn, Workers } from "./turn.ts";

export interface TurnQueueOptions {
  tick: Pick<Tick, "deliver">;
  workers: Pick<Workers, "assign" | "down">;
  suspects: Pick<Suspects<Turn>, "keepsBack" | "given">;
  start(turn: Turn, place: Place): void;
  /** The bot is down: gives the turn to one that stands in, whose queue it is in then. @returns false when there is none */
  elsewhere(turn: Turn, why: string): boolean;
}

/** Turns whose conversation has nothing before them, and the free places of their bots' workers. */
export class TurnQueue {
  readonly #o: TurnQueueOptions;
  readonly #runnable = new Map<string, BotQueue>();
  /** One function a bot, so that a tick runs it once. */
  readonly #pumps = new Map<string, () => void>();
  /** Bots with turns that might go to a stand-in: looked at now and then. */
  readonly #stuck = new Set<string>();
  #stopped = false;
  readonly #assign = (turn: Turn): Lane | null =>
    this.#o.workers.assign(turn.bot, turn.active.publicId, turn.person, turn.tries > 0 ? turn.lane : null);
  readonly #keepsBack = (turn: Turn): boolean => turn.suspect && this.#o.suspects.keepsBack(turn);
  readonly #start = (turn: Turn, place: Place): void => {
    if (turn.suspect) this.#o.suspects.given(turn);
    this.#o.start(turn, place);
  };

  constructor(options: TurnQueueOptions) {
    this.#o = options;
  }

  add(turn: Turn): void {
    let queue = this.#runnable.get(turn.bot);
    if (!queue) {
      queue = new BotQueue(turn.bot, this.#keepsBack);
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
    queue.pump(this.#assign, this.#start);
    if (queue.next()) this.#standIn(bot, queue);
    else this.#stuck.delete(bot);
  }

  /** Nobody works on what waits for this bot: if it is down, others do. */
  #standIn(bot: string, queue: BotQueue): void {
    const why = this.#o.workers.down(bot);
    if (why === null) return void this.#stuck.delete(bot);
    queue.giveAway((turn) => this.#o.elsewhere(turn, why));
    if (queue.next()) this.#stuck.add(bot);
    else this.#stuck.delete(bot);
  }

  /** Looks again at what waits for bots that are down: by now there may be one that stands in. */
  lookAgain(): void {
    for (const bot of this.#stuck) this.roomFor(bot);
  }

  /** Nothing is started any more. */
  stop(): void {
    this.#stopped = true;
  }
}
