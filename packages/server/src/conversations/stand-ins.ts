import type { PendingTurns } from "./pending-turns.ts";
import { placeAfterRestart, standInFor } from "./stand-in.ts";
import type { Others } from "./stand-in.ts";
import type { Suspects } from "./suspects.ts";
import type { Turn, TurnSettings, Workers } from "./turn.ts";

/** Turns of bots that cannot work on them, given to those that stand in. Who that is stands in `stand-in.ts`. */
export class StandIns {
  readonly #workers: Pick<Workers, "settings" | "up">;
  readonly #pending: PendingTurns;
  readonly #suspects: Pick<Suspects<Turn>, "ended">;
  readonly #others: Others;

  constructor(workers: Pick<Workers, "settings" | "up">, pending: PendingTurns, suspects: Pick<Suspects<Turn>, "ended">) {
    this.#workers = workers;
    this.#pending = pending;
    this.#suspects = suspects;
    this.#others = {
      settings: (bot) => workers.settings(bot),
      up: (bot) => workers.up(bot),
      full: (bot) => pending.of(bot) >= (workers.settings(bot)?.queue ?? 0),
    };
  }

  /** Gives the turn to another bot, if there is one. It is not in any queue then. */
  take(turn: Turn, why: string): boolean {
    const { asked, bot: at, tried } = turn;
    const fallback = this.#workers.settings(asked)?.fallback ?? [];
    const bot = standInFor({ asked, fallback, at, tried }, this.#others);
    if (bot === null) return false;
    if (turn.suspect) this.#suspects.ended(turn);
    turn.tried ??= new Map();
    turn.tried.set(at, turn.attemptsMade);
    turn.baseAttempt = turn.attempt - (turn.tried.get(bot) ?? 0);
    // Whether it kills its worker is to be seen anew.
    turn.suspect = false;
    turn.forgiven = 0;
    this.#pending.move(turn, bot);
    turn.lane = null;
    turn.alone = false;
    turn.attempts = this.#workers.settings(bot)?.attempts ?? turn.attempts;
    turn.takeBackPause?.();
    turn.takeBackPause = null;
    turn.phase = "queued";
    turn.note = { state: "retrying", reason: `"${at}" did not answer (${why}); "${bot}" answers instead` };
    turn.announce();
    return true;
  }

  /** After a restart: whose attempts were those that the store knows of? */
  placeAgain(turn: Turn, settings: TurnSettings): void {
    if (settings.fallback.length === 0) return;
    const place = placeAfterRestart(turn.attemptsMade, [turn.asked, ...settings.fallback], (bot) => this.#workers.settings(bot));
    if (!place || place.bot === turn.asked) return;
    this.#pending.move(turn, place.bot);
    turn.tried = place.tried;
    turn.baseAttempt = turn.attempt - place.attemptsMade;
    turn.attempts = this.#workers.settings(place.bot)?.attempts ?? turn.attempts;
  }
}
