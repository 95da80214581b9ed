/**
 * A fixed round through a bot's workers, in which each stands as often as its weight says (R-D1, R-D2).
 *
 * The round is smooth (weights 5, 3, 2: A B C A A B A C B A) and made once. Turns are dealt by going on along it; a worker that is out is stepped
 * over. So what one gets beside another never depends on who else comes and goes: in every full round each worker that is there gets exactly its
 * weight, and nobody starves. With equal weights it is plain round robin.
 */
export class Rotation {
  readonly #round: Uint8Array;
  #next = 0;

  /** @param weights whole numbers from 1; at most 256 of them */
  constructor(weights: readonly number[]) {
    this.#round = smoothRound(weights);
  }

  /** The next one of those that may be chosen, by its place in the list of weights; null when there is none. */
  next(mayBe: (index: number) => boolean): number | null {
    const round = this.#round;
    for (let step = 0; step < round.length; step++) {
      const index = round[this.#next] as number;
      this.#next = this.#next + 1 === round.length ? 0 : this.#next + 1;
      if (mayBe(index)) return index;
    }
    return null;
  }
}

/** Smooth weighted round robin over one cycle: each step everybody gains its weight, the richest is chosen and pays the sum of all weights. */
export function smoothRound(weights: readonly number[]): Uint8Array {
  const shared = weights.reduce(greatestCommonDivisor, 0);
  const gains = weights.map((weight) => weight / shared);
  const length = gains.reduce((sum, gain) => sum + gain, 0);
  const credit = gains.map(() => 0);
  return Uint8Array.from({ length }, () => {
    let richest = 0;
    for (const [i, gain] of gains.entries()) {
      credit[i] = (credit[i] ?? 0) + gain;
      if ((credit[i] ?? 0) > (credit[richest] ?? 0)) richest = i;
    }
    credit[richest] = (credit[richest] ?? 0) - length;
    return richest;
  });
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));
