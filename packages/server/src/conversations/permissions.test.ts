/** Requests for permission on simulated time, over the real SQL: expiry, restarts, other people, a worker that is gone. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Conversations } from "../conversations/conversations.ts";
import { Random } from "../simulation/random.ts";
import { SimulatedClock, SimulatedTime } from "../simulation/simulated-time.ts";
import { SimulatedDisk, closeDisk, simulatedStore } from "../simulation/simulated-store.ts";
import { GroupCommit } from "../store/group-commit.ts";
import { Tick } from "../tick.ts";
import { settingsUnderTest } from "./settings-under-test.ts";
import type { TurnRequest } from "./turn.ts";

const owner = { id: "owner", role: "owner" };
const options = [
  { id: "once", label: "Allow", effect: "allow", always: false },
  { id: "no", label: "Reject", effect: "reject", always: false },
] as const;
const question = { id: "q", title: "Run it?", options };
const settings = settingsUnderTest();

let clock: SimulatedClock;
let disk: SimulatedDisk;
beforeEach(() => {
  clock = new SimulatedClock();
  disk = new SimulatedDisk();
});
afterEach(() => closeDisk(disk));

const pass = async (ms: number): Promise<void> => {
  const until = clock.now + ms;
  while (await clock.step(until));
  clock.now = Math.max(clock.now, until);
};
async function done<T>(work: Promise<T>): Promise<T> {
  const state = { settled: false };
  const mark = (): void => void (state.settled = true);
  work.then(mark, mark);
  while (!state.settled) expect(await clock.step(clock.now + 10_000)).toBe(true);
  return work;
}

/** One life of the program, with a worker that does what the test says and writes down what it is told. */
async function begin() {
  const random = new Random(1);
  const time = new SimulatedTime(clock, random);
  const store = simulatedStore(disk, time, random);
  const given: TurnRequest[] = [];
  const told: [string, string | null][] = [];
  const errors: string[] = [];
  const conversations = new Conversations({
    store,
    time,
    commit: new GroupCommit({ store, time }),
    tick: new Tick(time),
    messageBytes: 10_000,
    onError: (event) => errors.push(event),
    workers: {
      settings: () => settings,
      down: () => null,
      up: () => true,
      assign: () => ({
        open: true,
        takesAhead: false,
        waiting: 0,
        failed: () => {},
        place: () => ({
          context: "message",
          give: (request) => given.push(request) > 0,
          release: () => {},
          next: () => null,
          cancel: (_token, _ms, onLetGo) => onLetGo(),
          decide: (_token, request, option) => told.push([request, option]),
        }),
      }),
    },
  });
  await done(conversations.recover());
  return {
    conversations,
    told,
    errors,
    attempts: conversations.turns.attempts,
    /** Of the newest attempt in a conversation. */
    token: (id: string) => given.findLast(({ conversation }) => conversation === id)?.token ?? "",
    crash: () => {
      time.kill();
      store.crash();
    },
  };
}
type Life = Awaited<ReturnType<typeof begin>>;

const asked = async (life: Life): Promise<{ id: string; permission: string }> => {
  const { id } = await done(life.conversations.create(owner, { bot: "b", title: "" }));
  await done(life.conversations.send(owner, id, { text: "do it" }));
  await pass(50);
  life.attempts.permission(life.token(id), question);
  await pass(50);
  return { id, permission: (await rows(life, id))[0]?.id ?? "" };
};
const rows = (life: Life, id: string) => done(life.conversations.permissions(owner, id, { limit: 10 }));
const states = async (life: Life, id: string): Promise<string[]> => (await rows(life, id)).map(({ state }) => state);

test("[P4] it expires after exactly its time, also when that time has passed over a restart; the bot is told once", async () => {
  const life = await begin();
  const { id } = await asked(life);
  await pass(59_000);
  expect([await states(life, id), life.told]).toEqual([["pending"], []]);
  await pass(1000);
  expect([await states(life, id), life.told]).toEqual([["expired"], [["q", null]]]);

  const other = await asked(life);
  life.crash();
  clock.now += 70_000;
  const next = await begin();
  await pass(100);
  expect(await states(next, other.id)).toEqual(["expired"]);
  // The bot asks again: that is another request.
  next.attempts.permission(next.token(other.id), question);
  await pass(50);
  expect(await states(next, other.id)).toEqual(["expired", "pending"]);
});

test("[P6] the limit of time for the attempt stands still while it waits, and goes on afterwards", async () => {
  const life = await begin();
  const { id, permission } = await asked(life);
  await pass(50_000);
  await done(life.conversations.decide(owner, permission, "once"));
  expect(life.told).toEqual([["q", "once"]]);
  await pass(4000);
  expect(life.conversations.turns.pendingOf("b")).toBe(1);
  expect((await done(life.conversations.messages(owner, id, { after: 0, limit: 10 }))).head).toBe(1);
  const before = life.token(id);
  await pass(3000);
  expect(life.token(id)).not.toBe(before);
});

test("[P2] [S5] a request is nobody else's: not to be seen, not to be decided on", async () => {
  const life = await begin();
  const { id, permission } = await asked(life);
  const other = { id: "somebody", role: "owner" };
  await expect(done(life.conversations.decide(other, permission, "once"))).rejects.toMatchObject({
    code: "not_found",
    message: "This request does not exist",
  });
  await expect(done(life.conversations.decide(other, permission, "perhaps"))).rejects.toMatchObject({ code: "not_found" });
  await expect(done(life.conversations.permissions(other, id, { limit: 10 }))).rejects.toMatchObject({ code: "not_found" });
  expect(await done(life.conversations.pendingPermissions(other))).toEqual([]);
  expect(await states(life, id)).toEqual(["pending"]);
});

test("[P1] [P2] a decision that was answered is there after a crash, and is used when the bot asks again", async () => {
  const life = await begin();
  const { id, permission } = await asked(life);
  life.crash();
  const next = await begin();
  await done(next.conversations.decide(owner, permission, "once"));
  next.crash();
  const last = await begin();
  await pass(100);
  last.attempts.permission(last.token(id), { ...question, id: "other name" });
  await pass(50);
  expect(last.told).toEqual([["other name", "once"]]);
  // Used: asked once more, it is another request.
  last.attempts.permission(last.token(id), question);
  await pass(50);
  expect(await states(last, id)).toEqual(["decided", "pending"]);
});

test("[P3] a worker dies while it waits: its question is nobody's until the next attempt asks; both are told what was decided then", async () => {
  const life = await begin();
  const { id, permission } = await asked(life);
  life.attempts.failed(life.token(id), { reason: "died", retry: true, lost: true });
  await pass(50);
  life.attempts.permission(life.token(id), question);
  await pass(50);
  expect((await rows(life, id)).map((row) => [row.id, row.state])).toEqual([[permission, "pending"]]);
  await done(life.conversations.decide(owner, permission, "no"));
  expect(life.told).toEqual([["q", "no"]]);
});

test("[P4] an attempt that is taken away while it waits is told that it was rejected, and nothing is told twice", async () => {
  const life = await begin();
  const { id, permission } = await asked(life);
  const turn = (await rows(life, id))[0]?.turn ?? "";
  await done(life.conversations.cancel(owner, id, turn));
  expect(life.told).toEqual([["q", null]]);
  await pass(100_000);
  expect([await states(life, id), life.told, life.errors]).toEqual([["withdrawn"], [["q", null]], []]);
  await expect(done(life.conversations.decide(owner, permission, "once"))).rejects.toMatchObject({ code: "state_conflict" });
});

test("[P2] many decide at once: exactly one counts, and the bot is told that one", async () => {
  const life = await begin();
  const { permission } = await asked(life);
  const all = await done(
    Promise.allSettled(["once", "no", "once", "no"].map((option) => life.conversations.decide(owner, permission, option))),
  );
  const accepted = all.flatMap((one) => (one.status === "fulfilled" ? [one.value.option ?? ""] : []));
  // The same decision of the same person is answered again.
  expect(accepted).toHaveLength(2);
  expect(new Set(accepted).size).toBe(1);
  expect(life.told).toEqual([["q", accepted[0]]]);
});
