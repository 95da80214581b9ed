import { Fifo } from "./fifo.ts";
import type { Lane, Place, Turn } from "./turn.ts";

const refusedAtMost = 1024;

/**
 * The turns that wait for one bot: each either for a certain worker, in that one's lane, or for anyone. A lane whose worker is busy holds up
 * nobody but those in it. What is no longer to be worked on is passed over when its time comes.
 */
export class BotQueue {
  readonly #bot: string;
  #unassigned = new Fifo<Turn>();
  readonly #lanes = new Map<Lane, Fifo<Turn>>();

  readonly #keepsBack: (turn: Turn) => boolean;

  /** @param keepsBack whether a turn is put aside; whoever does so pushes it again later */
  constructor(bot: string, keepsBack: (turn: Turn) => boolean = () => false) {
    this.#bot = bot;
    this.#keepsBack = keepsBack;
  }

  push(turn: Turn): void {
    this.#unassigned.push(turn);
  }

  /** Starts what can be started. Each turn is looked at once, and once more when its worker is gone. */
  pump(assign: (turn: Turn) => Lane | null, start: (turn: Turn, place: Place) => void): void {
    if (this.#lanes.size > 0) this.#pumpLanes(start);
    for (let turn = this.next(); turn; turn = this.next()) {
      const lane = assign(turn);
      if (!lane) return;
      this.#unassigned.shift();
      turn.lane = lane;
      const place = lane.waiting === 0 ? lane.place() : null;
      if (place) start(turn, place);
      else this.#wait(turn, lane);
    }
  }

  /** The first one that waits for anyone. */
  next(): Turn | undefined {
    for (let turn = this.#unassigned.peek(); turn; turn = this.#unassigned.peek()) {
      if (this.#waits(turn) && !this.#keepsBack(turn)) return turn;
      this.#unassigned.shift();
    }
    return undefined;
  }

  /** Offers those that wait for anyone to `take`. What it takes is another bot's then, and passed over here. Ends when it has refused many. */
  giveAway(take: (turn: Turn) => boolean): void {
    let refused = 0;
    for (let i = 0; i < this.#unassigned.length && refused < refusedAtMost; i++) {
      const turn = this.#unassigned.at(i);
      if (!turn || !this.#waits(turn) || !take(turn)) refused++;
    }
  }

  #waits(turn: Turn): boolean {
    const { active } = turn;
    return turn.phase === "queued" && turn.bot === this.#bot && active.turns[0] === turn && active.lettingGo === 0;
  }

  #wait(turn: Turn, lane: Lane): void {
    let waiting = this.#lanes.get(lane);
    if (!waiting) {
      waiting = new Fifo();
      this.#lanes.set(lane, waiting);
    }
    waiting.push(turn);
    lane.waiting++;
  }

  #pumpLanes(start: (turn: Turn, place: Place) => void): void {
    let homeless: Turn[] | null = null;
    for (const [lane, waiting] of this.#lanes) {
      const { open } = lane;
      for (let turn = waiting.peek(); turn; turn = waiting.peek()) {
        if (this.#waits(turn) && !this.#keepsBack(turn)) {
          const place = open ? lane.place() : null;
          if (open && !place) break;
          if (place) start(turn, place);
          else (homeless ??= []).push(turn);
        }
        waiting.shift();
        lane.waiting--;
      }
      if (waiting.length === 0) this.#lanes.delete(lane);
    }
    // Before those who came later.
    if (homeless) this.#putInFront(homeless.sort((a, b) => a.number - b.number));
  }

  /** Costs as much as there is in the queue: only when a worker is gone. */
  #putInFront(turns: readonly Turn[]): void {
    const later = this.#unassigned;
    this.#unassigned = new Fifo();
    for (const turn of turns) this.#unassigned.push(turn);
    for (let turn = later.shift(); turn; turn = later.shift()) this.#unassigned.push(turn);
  }
}
