/** When the program is killed, and what else happens to it: everything drawn from one seed beforehand, so that it can be replayed. */
import type { SeededRandom } from "../seeded-random.ts";

export interface Kill {
  /**
   * `starting`: counted from the spawn, often before it is ready; `times` in a row. `serving`: counted from `ready`.
   * `stopping`: counted from a SIGTERM, in the middle of a graceful end.
   */
  phase: "starting" | "serving" | "stopping";
  afterMs: number;
  times: number;
  /** How long it serves before the SIGTERM (phase `stopping`). */
  servesMs: number;
  /** Bot processes that are killed meanwhile, counted from `ready`. */
  botKillsAfterMs: number[];
}

export function killSchedule(random: SeededRandom, kills: number, servingMs: number): Kill[] {
  return Array.from({ length: kills }, () => {
    const draw = random.next();
    const phase = draw < 0.15 ? "starting" : draw < 0.25 ? "stopping" : "serving";
    // A third right after `ready`, while what the last kill left behind is being taken up again.
    const serves = random.chance(0.33) ? random.between(0, 60) : random.between(60, servingMs);
    const afterMs = phase === "starting" ? random.between(1, 300) : phase === "stopping" ? random.between(0, 60) : serves;
    const botKillsAfterMs = Array.from({ length: random.between(0, 2) }, () => random.between(0, servingMs)).sort((a, b) => a - b);
    const times = phase === "starting" ? random.between(1, 3) : 1;
    return { phase, afterMs, times, servesMs: serves, botKillsAfterMs };
  });
}
