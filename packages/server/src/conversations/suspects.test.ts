import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Suspects, lost } from "./suspects.ts";

interface Message {
  bot: string;
  id: number;
  suspect: boolean;
  forgiven: number;
  losses: number;
  readonly attemptsMade: number;
}

const message = (id: number): Message => ({
  bot: "b",
  id,
  suspect: false,
  forgiven: 0,
  losses: 0,
  get attemptsMade() {
    return this.losses - this.forgiven;
  },
});

/** Timers by hand. */
class Clock {
  now = 0;
  readonly #timers = new Set<{ at: number; run: () => void }>();

  readonly after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: this.now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  pass(ms: number): void {
    this.now += ms;
    for (const timer of this.#timers) {
      if (timer.at > this.now) continue;
      this.#timers.delete(timer);
      timer.run();
    }
  }

  get size(): number {
    return this.#timers.size;
  }
}

test("[B5] lost in company does not count, once; lost alone, lost again, and the only attempt count", () => {
  const one = message(1);
  one.losses = 1;
  lost(one, 3, 5);
  expect(one.attemptsMade).toBe(0);
  one.losses = 2;
  lost(one, 3, 5);
  expect(one.attemptsMade).toBe(1);
  const alone = message(2);
  alone.losses = 1;
  lost(alone, 1, 5);
  expect(alone).toMatchObject({ suspect: true, attemptsMade: 1 });
  const single = message(3);
  single.losses = 1;
  lost(single, 3, 1);
  expect(single.attemptsMade).toBe(1);
});

test("[B5] suspects are given one after the other: the next when the one before has ended or its time is over", () => {
  const clock = new Clock();
  const mayGo: number[] = [];
  const suspects = new Suspects<Message>(clock, ({ id }) => mayGo.push(id));
  const [a, b, c] = [message(1), message(2), message(3)].map((each) => ({ ...each, suspect: true, attemptsMade: 0 })) as [
    Message,
    Message,
    Message,
  ];
  expect(suspects.keepsBack(a)).toBe(false);
  suspects.given(a);
  expect(suspects.keepsBack(a)).toBe(false);
  expect([suspects.keepsBack(b), suspects.keepsBack(c), suspects.keepsBack(b)]).toEqual([true, true, true]);
  suspects.ended(b);
  expect(mayGo).toEqual([]);
  suspects.ended(a);
  expect(mayGo.splice(0)).toEqual([2, 3]);
  suspects.given(b);
  expect(suspects.keepsBack(c)).toBe(true);
  clock.pass(249);
  expect(mayGo).toEqual([]);
  clock.pass(1);
  expect(mayGo).toEqual([3]);
  suspects.given(c);
  suspects.stop();
  expect(clock.size).toBe(0);
});

test("[B5] of any messages on one worker, those that kill it fail, nobody else does, and it ends", () => {
  fc.assert(
    fc.property(
      // How long each works, and whether it kills its worker then.
      fc.array(fc.record({ ms: fc.integer({ min: 1, max: 200 }), kills: fc.boolean() }), { minLength: 1, maxLength: 12 }),
      (plan) => {
        const attempts = 5;
        const clock = new Clock();
        const queue = plan.map((_, id) => message(id));
        const outcome = new Map<number, "answered" | "failed">();
        const working = new Map<Message, number>();
        const suspects = new Suspects<Message>(clock, (turn) => queue.push(turn));
        let deaths = 0;
        for (let step = 0; outcome.size < plan.length; step++) {
          if (step > 100_000) throw new Error("it never ends");
          for (const turn of queue.splice(0)) {
            if (turn.suspect && suspects.keepsBack(turn)) continue;
            if (turn.suspect) suspects.given(turn);
            working.set(turn, clock.now + (plan[turn.id]?.ms ?? 0));
          }
          clock.pass(1);
          const due = [...working].filter(([, at]) => at <= clock.now).map(([turn]) => turn);
          for (const turn of due.filter(({ id }) => !plan[id]?.kills)) {
            working.delete(turn);
            suspects.ended(turn);
            outcome.set(turn.id, "answered");
          }
          if (!due.some(({ id }) => plan[id]?.kills)) continue;
          deaths++;
          const all = [...working.keys()];
          working.clear();
          for (const turn of all) {
            suspects.ended(turn);
            turn.losses++;
            lost(turn, all.length, attempts);
            if (turn.attemptsMade >= attempts) outcome.set(turn.id, "failed");
            else queue.push(turn);
          }
        }
        expect([...outcome].toSorted(([a], [b]) => a - b)).toEqual(plan.map(({ kills }, id) => [id, kills ? "failed" : "answered"]));
        expect(deaths).toBeLessThanOrEqual(plan.filter(({ kills }) => kills).length * (attempts + 1));
      },
    ),
    { numRuns: 300 },
  );
});
