/** Bots, their timelines, and credentials (R-C1, R-C5, R-G2). */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Operation } from "../store.ts";
import { must } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

export function botAndCredentialContract({ under, commit, asked }: Workbench): void {
  describe("bots and credentials", () => {
    test("[R-C1] a bot is made once, changed, found after reopening, and removed", async () => {
      const bot = { name: `b-${randomUUID()}`, kind: "echo", definition: '{"a":1}', wanted: true, createdAt: 5 };
      const mine = async (): Promise<unknown> => (await under.store.bots()).filter((one) => one.name === bot.name);
      expect(await commit({ op: "put-bot", create: true, bot }, { op: "put-bot", create: true, bot: { ...bot, kind: "x" } })).toMatchObject(
        [
          { ok: true, changed: true },
          { ok: false, code: "bot_exists" },
        ],
      );
      const changed = { ...bot, kind: "ollama", definition: "{}", wanted: false };
      expect(await commit({ op: "put-bot", create: false, bot: changed })).toEqual([{ ok: true, changed: true }]);
      await under.reopen();
      expect(await mine()).toEqual([changed]);
      expect(await commit({ op: "delete-bot", name: bot.name }, { op: "delete-bot", name: bot.name })).toEqual([
        { ok: true, changed: true },
        { ok: true, changed: false },
      ]);
      expect(await commit({ op: "put-bot", create: false, bot })).toEqual([{ ok: true, changed: false }]);
      expect(await mine()).toEqual([]);
    });

    test("[R-C5] a bot's timeline keeps its newest entries in their order, over reopening, and goes with the bot", async () => {
      const name = `b-${randomUUID()}`;
      const bot = { name, kind: "echo", definition: "{}", wanted: true, createdAt: 5 };
      const note = (at: number, of = name): Operation => ({ op: "note-bot", bot: of, at, entry: `{"n":${at}}`, keep: 3 });
      const times = async (before = Number.MAX_SAFE_INTEGER, limit = 10): Promise<number[]> =>
        (await under.store.botEntries(name, before, limit)).map(({ at }) => at);
      expect(await commit(note(1))).toEqual([{ ok: true, changed: false }]);
      await commit({ op: "put-bot", create: true, bot });
      expect(await commit(...[1, 2, 3, 4, 5].map((at) => note(at)), note(9, `${name}-other`))).toContainEqual({
        ok: true,
        changed: false,
      });
      await under.reopen();
      expect(await times()).toEqual([3, 4, 5]);
      const newest = must((await under.store.botEntries(name, Number.MAX_SAFE_INTEGER, 1))[0]);
      expect(newest).toEqual({ number: newest.number, at: 5, entry: '{"n":5}' });
      expect(await times(newest.number)).toEqual([3, 4]);
      expect(await times(newest.number, 1)).toEqual([4]);
      await commit({ op: "delete-bot", name }, note(6), { op: "put-bot", create: true, bot }, note(7));
      expect(await times()).toEqual([7]);
      const again = must((await under.store.botEntries(name, Number.MAX_SAFE_INTEGER, 1))[0]);
      expect(again.number).toBeGreaterThan(newest.number);
    });

    test("[B1] the turns of a removed bot stay and wait", async () => {
      const name = `b-${randomUUID()}`;
      await commit({ op: "put-bot", create: true, bot: { name, kind: "echo", definition: "{}", wanted: true, createdAt: 5 } });
      const { turn } = await asked({ bot: name });
      await commit({ op: "delete-bot", name });
      expect(await under.store.turn(turn)).toMatchObject({ state: "pending", bot: name });
    });

    test("[R-G2] credentials are kept as they were given and end when they are deleted", async () => {
      const id = randomUUID();
      const credential = {
        id,
        kind: "session" as const,
        hash: `hash ${id}`,
        person: "owner",
        role: "owner",
        name: "browser",
        createdAt: 7,
        expiresAt: null,
      };
      const mine = async (): Promise<unknown> => (await under.store.credentials()).filter((one) => one.id === id);
      await commit({ op: "put-credential", credential });
      await under.reopen();
      expect(await mine()).toEqual([credential]);
      await commit({ op: "put-credential", credential: { ...credential, expiresAt: 99 } });
      expect(await mine()).toEqual([{ ...credential, expiresAt: 99 }]);
      expect(await commit({ op: "delete-credential", id }, { op: "delete-credential", id })).toEqual([
        { ok: true, changed: true },
        { ok: true, changed: false },
      ]);
      expect(await mine()).toEqual([]);
    });
  });
}
