/** The clock, timers and randomness as a parameter, so that the core can be run on simulated time. */
export interface Time {
  /** Milliseconds since the Unix epoch. For people and time limits, never for order (O5). */
  now: () => number;
  /** Runs once after `ms`. @returns a function that takes it back. */
  after(ms: number, run: () => void): () => void;
  /** Runs once when the work at hand is done, before anything that has to wait. */
  soon(run: () => void): void;
  /** In [0, 1). */
  random(): number;
}

export const realTime: Time = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon: (run) => {
    setImmediate(run);
  },
  random: () => Math.random(),
};
