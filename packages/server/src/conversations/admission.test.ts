import { expect, test } from "vitest";
import { Admission } from "./admission.ts";
import { settingsUnderTest } from "./settings-under-test.ts";
import type { TurnSettings } from "./turn.ts";

const settings = (fields: Partial<TurnSettings>): TurnSettings => settingsUnderTest({ queue: 100, ...fields });

function admission(limits: Partial<TurnSettings>) {
  const own = settings(limits);
  const state = { now: 0, pending: 0 };
  const asked: string[] = [];
  const made = new Admission({
    pendingOf: () => state.pending,
    pendingOfPerson: (bot, person) => {
      asked.push(`${bot} ${person}`);
      return state.pending;
    },
    now: () => state.now,
  });
  /** @returns null, or when to try again. */
  const enter = (person = "ann"): number | null => {
    const refusal = made.enter("bee", person, own);
    if (refusal === null) return null;
    expect(refusal.code).toBe("busy");
    return refusal.extra.retryAfterMs ?? -1;
  };
  return { state, asked, enter, leave: (stored: boolean, person = "ann") => made.leave("bee", person, own, stored) };
}

test("[K5] without limits nothing is asked and nobody is refused", () => {
  const { enter, leave, asked } = admission({});
  for (let i = 0; i < 1000; i++) {
    expect(enter()).toBeNull();
    leave(true);
  }
  expect(asked).toEqual([]);
});

test("[K5] a burst cannot pass the queue's limit or a person's: what is under way counts", () => {
  const queue = admission({ queue: 2 });
  expect([queue.enter(), queue.enter(), queue.enter()]).toEqual([null, null, 1000]);
  const person = admission({ personConcurrency: 2 });
  expect([person.enter(), person.enter(), person.enter(), person.enter("bob")]).toEqual([null, null, 1000, null]);
  person.leave(true);
  expect(person.enter()).toBeNull();
  person.leave(true);
  person.leave(true);
  person.state.pending = 2;
  expect(person.enter()).toBe(1000);
});

test("[K5] so many messages a minute, from all and from one; a refusal says when to come again, and takes nothing from the other limit", () => {
  const { state, enter } = admission({ perMinute: 3, personPerMinute: 2 });
  expect([enter(), enter(), enter(), enter("bob"), enter("bob")]).toEqual([null, null, 30_000, null, 20_000]);
  state.now = 20_000;
  expect([enter("bob"), enter("cid")]).toEqual([null, 20_000]);
});

test("[K3 K5] the same message sent again does not count", () => {
  const { enter, leave } = admission({ perMinute: 1, personPerMinute: 1 });
  for (let i = 0; i < 5; i++) {
    expect(enter()).toBeNull();
    leave(false);
  }
  expect(enter()).toBeNull();
  expect(enter()).toBe(60_000);
});

test("[K5] a message refused by its rate leaves no trace in the count of the person's messages", () => {
  const { state, enter, leave } = admission({ perMinute: 1, personConcurrency: 1 });
  expect(enter()).toBeNull();
  leave(true);
  expect([enter(), enter()]).toEqual([60_000, 60_000]);
  state.now = 60_000;
  expect(enter()).toBeNull();
});
