import fc from "fast-check";
import { expect, test } from "vitest";
import { settingsUnderTest } from "./settings-under-test.ts";
import { placeAfterRestart, standInFor } from "./stand-in.ts";
import type { TurnSettings } from "./turn.ts";

const settings = (attempts: number, delivery: TurnSettings["delivery"] = "at-least-once"): TurnSettings =>
  settingsUnderTest({ attempts, delivery });
const fine = { settings: () => settings(2), up: () => true, full: () => false };

test("[R-D5] the first stand-in that is there, up, has room and may repeat work is next", () => {
  const asked = { asked: "a", fallback: ["b", "c", "d", "e", "f"], at: "a", tried: null };
  expect(standInFor(asked, fine)).toBe("b");
  const others = {
    settings: (bot: string) => (bot === "b" ? null : settings(2, bot === "c" ? "at-most-once" : "at-least-once")),
    up: (bot: string) => bot !== "d",
    full: (bot: string) => bot === "e",
  };
  expect(standInFor(asked, others)).toBe("f");
});

test("[R-D5] the bot that was asked gets a turn back that it has not failed at, when its stand-in is down", () => {
  expect(standInFor({ asked: "a", fallback: ["b"], at: "b", tried: new Map([["a", 0]]) }, fine)).toBe("a");
  expect(standInFor({ asked: "a", fallback: ["b"], at: "b", tried: new Map([["a", 2]]) }, fine)).toBeNull();
});

test("[R-D5] a turn that fails everywhere ends: no bot gets it more often than its attempts, whatever goes down meanwhile", () => {
  const bots = ["a", "b", "c", "d"];
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 4, maxLength: 4 }), fc.infiniteStream(fc.nat(15)), (limits, dice) => {
      const of = (bot: string): TurnSettings => settings(limits[bots.indexOf(bot)] ?? 1);
      const made = new Map<string, number>();
      let at: string | null = "a";
      let moves = 0;
      while (at !== null) {
        const spent: string = at;
        const before = made.get(spent) ?? 0;
        const down = dice.next().value;
        // It fails there until it is out of attempts, or the bot goes down before.
        const fails = down % 3 === 0 && moves < 100 ? before : of(spent).attempts;
        made.set(spent, Math.max(before, fails));
        expect(made.get(spent)).toBeLessThanOrEqual(of(spent).attempts);
        at = standInFor(
          { asked: "a", fallback: ["b", "c", "d"], at: spent, tried: made },
          { settings: of, up: (bot) => moves >= 100 || (down & (1 << bots.indexOf(bot))) === 0, full: () => false },
        );
        expect(at === null || (made.get(at) ?? 0) < of(at).attempts).toBe(true);
        expect(++moves).toBeLessThan(110);
      }
    }),
  );
});

test("[B5] after a restart, attempts are counted against the bots in their order, and never more than all of them have", () => {
  const of = (bot: string): TurnSettings | null => (bot === "gone" ? null : settings(bot === "b" ? 3 : 2));
  const at = (made: number) => placeAfterRestart(made, ["a", "gone", "b"], of);
  expect([0, 1, 2, 4].map((made) => [at(made)?.bot, at(made)?.attemptsMade])).toEqual([
    ["a", 0],
    ["a", 1],
    ["b", 0],
    ["b", 2],
  ]);
  expect(at(5)).toBeNull();
});
