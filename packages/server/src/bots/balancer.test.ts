import type { Balance } from "@skep/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createBalancer, leastBusy } from "./balancer.ts";
import type { Seat } from "./seat.ts";

interface Given {
  weight: number;
  load: number;
  free: number;
  health: "in" | "out" | "absent";
}
const seatOf = ({ weight, load, free, health }: Given): Seat =>
  ({
    plan: { weight },
    worker: { load, free },
    there: health !== "absent",
    fit: health === "in",
    open: health === "in",
  }) as unknown as Seat;

const anySeat = fc.record<Given>({
  weight: fc.integer({ min: 1, max: 5 }),
  load: fc.nat(5),
  free: fc.nat(2),
  health: fc.constantFrom("in", "in", "in", "out", "absent"),
});
const anySeats = fc.array(anySeat, { minLength: 1, maxLength: 8 });

test("[R-D4] least busy: nobody who might get it has less work for its weight; it goes back where it failed only when nobody else has a place", () => {
  fc.assert(
    fc.property(anySeats, fc.option(fc.nat(7)), (given, failedAt) => {
      const seats = given.map(seatOf);
      const not = failedAt === null ? null : (seats[failedAt] ?? null);
      const chosen = leastBusy(seats, not);
      const fit = seats.filter((seat) => seat.fit);
      const may = (fit.length > 0 ? fit : seats.filter((seat) => seat.there)).filter(({ worker }) => worker.free > 0);
      const others = may.filter((seat) => seat !== not);
      const strain = ({ worker, plan }: Seat): number => (worker.load + 1) / plan.weight;
      if (may.length === 0) expect(chosen).toBeNull();
      else if (others.length === 0) expect(chosen).toBe(not);
      else {
        expect(others).toContain(chosen);
        expect(strain(chosen as Seat)).toBe(Math.min(...others.map(strain)));
      }
    }),
  );
});

test("[R-D5] whatever the policy: who does not run gets nothing, who is out gets nothing while another is fit, and somebody is found whenever one runs", () => {
  const policies = fc.constantFrom<Balance>("least-busy", "round-robin", "weighted", "sticky-conversation", "sticky-person");
  fc.assert(
    fc.property(policies, fc.array(anySeat, { minLength: 2, maxLength: 8 }), fc.option(fc.nat(7)), (policy, given, failedAt) => {
      const seats = given.map((one) => seatOf({ ...one, free: 1 }));
      for (const seat of seats) Object.assign(seat, { life: { seat } });
      const balancer = createBalancer(policy, seats);
      const not = failedAt === null ? null : (seats[failedAt] ?? null);
      for (const key of ["a", "b", "a", "c", "a"]) {
        const chosen = balancer.choose(key, key, not);
        if (!seats.some(({ there }) => there)) expect(chosen).toBeNull();
        else expect(seats.some(({ fit }) => fit) ? chosen?.fit : chosen?.there).toBe(true);
        if (!policy.startsWith("sticky") && chosen === not && not !== null) expect(seats.filter(({ fit }) => fit).length).toBeLessThan(2);
      }
    }),
  );
});
