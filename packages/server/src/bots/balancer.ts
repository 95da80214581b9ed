/**
 * Which of a bot's workers gets a turn.
 *
 * - `least-busy`: the one with the least work for its weight that has a free place; when none has, the turn waits for the first place anywhere.
 * - `round-robin`, `weighted`: dealt in a fixed round (`rotation.ts`). A turn that is dealt to a worker without a free place waits for it, so that
 *   the shares are exact whatever the load; turns behind it go on to the other workers.
 * - `sticky-conversation`, `sticky-person`: the worker of the first turn, while that process lives and is healthy, also when it has to wait for
 *   a place; then another one, which stays. First ones are dealt by weight.
 *
 * In all of them: workers that are drained or do not run get nothing; those that are out (`health.ts`) get nothing while another one is fit;
 * a turn that has failed at a worker goes to another one where there is one, unless it is sticky.
 */
import type { Balance } from "@skep/protocol";
import { Rotation } from "./rotation.ts";
import type { Lane, Life, Seat } from "./seat.ts";
import { Sticky } from "./sticky.ts";

export const keysRemembered = 10_000;

export interface Balancer {
  /** @param not a worker that should not get it while another one can. @returns null: the turn has to wait until there is room. */
  choose(conversation: string, person: string, not: Lane | null): Seat | null;
}

export function createBalancer(balance: Balance, seats: readonly Seat[]): Balancer {
  const [only] = seats;
  if (only && seats.length === 1) return { choose: () => (only.there && only.worker.free > 0 ? only : null) };
  switch (balance) {
    case "least-busy":
      return { choose: (_conversation, _person, not) => leastBusy(seats, not) };
    case "round-robin":
      return dealt(
        seats,
        seats.map(() => 1),
      );
    case "weighted":
      return dealt(
        seats,
        seats.map(({ plan }) => plan.weight),
      );
    case "sticky-conversation":
      return sticky(seats, (conversation) => conversation);
    case "sticky-person":
      return sticky(seats, (_conversation, person) => person);
  }
}

/** Least work for its weight, the turn itself counted. */
export function leastBusy(seats: readonly Seat[], not: Lane | null): Seat | null {
  const desperate = !seats.some((seat) => seat.fit);
  let best: Seat | null = null;
  for (const seat of seats) {
    if (!(desperate ? seat.there : seat.fit) || seat.worker.free <= 0) continue;
    if (!best || best === not || (seat !== not && strain(seat) < strain(best))) best = seat;
  }
  return best;
}

const strain = ({ worker, plan }: Seat): number => (worker.load + 1) / plan.weight;

function dealt(seats: readonly Seat[], weights: readonly number[]): Balancer {
  const deal = dealer(seats, weights);
  return { choose: (_conversation, _person, not) => deal(not) };
}

function dealer(seats: readonly Seat[], weights: readonly number[]): (not: Lane | null) => Seat | null {
  const rotation = new Rotation(weights);
  const next = (mayBe: (seat: Seat) => boolean): Seat | null => {
    const index = rotation.next((i) => mayBe(seats[i] as Seat));
    return index === null ? null : (seats[index] as Seat);
  };
  return (not) =>
    (not === null ? null : next((seat) => seat !== not && seat.fit)) ?? next((seat) => seat.fit) ?? next((seat) => seat.there);
}

function sticky(seats: readonly Seat[], keyOf: (conversation: string, person: string) => string): Balancer {
  const lives = new Sticky<Life>(keysRemembered);
  const deal = dealer(
    seats,
    seats.map(({ plan }) => plan.weight),
  );
  return {
    choose: (conversation, person) =>
      lives.of(
        keyOf(conversation, person),
        (life) => life.seat.life === life && life.seat.open,
        (before) => deal(before?.seat ?? null)?.life ?? null,
      )?.seat ?? null,
  };
}
