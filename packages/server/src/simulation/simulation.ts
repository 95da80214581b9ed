/**
 * One process plays the whole system on simulated time: clients over links that are cut, a program that is killed in the middle of anything,
 * bots that die, hang and fail, a disk that has or has not taken the last commit. Everything follows from the seed.
 */
import { Conversations } from "../conversations/conversations.ts";
import type { TurnSettings } from "../conversations/turn.ts";
import { GroupCommit } from "../store/group-commit.ts";
import { Reads } from "../store/sqlite/reads.ts";
import { Tick } from "../tick.ts";
import { Random } from "./random.ts";
import { SimulatedBots } from "./simulated-bots.ts";
import { SimulatedClient } from "./simulated-client.ts";
import { SimulatedDisk, closeDisk, simulatedStore } from "./simulated-store.ts";
import { SimulatedClock, SimulatedTime } from "./simulated-time.ts";

export interface SimulationResult {
  /** What was seen that the rules forbid; empty when all is well. */
  broken: string[];
  kills: number;
  cuts: number;
  messages: number;
}

const owner = { id: "owner", role: "owner" };
const faultMs = 20_000;
/** Long enough for requests for permission that nobody decides on, one after the other. */
const healMs = 5 * 3_600_000;

export async function simulate(seed: number): Promise<SimulationResult> {
  const random = new Random(seed);
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk();
  const given = new Map<string, number>();
  const broken: string[] = [];
  const settings: TurnSettings = {
    queue: 100_000,
    attempts: random.between(1, 5),
    turnMs: random.pick([5000, 600_000]),
    answerBytes: 1_000_000,
    partsBytes: random.pick([2000, 1_000_000]),
    permissions: "ask",
    permissionMs: random.pick([500, 4000]),
    delivery: random.chance(0.2) ? "at-most-once" : "at-least-once",
    perMinute: 0,
    personPerMinute: 0,
    personConcurrency: 0,
    fallback: random.chance(0.5) ? ["wasp", "ant"] : [],
  };
  const history = random.chance(0.3);
  const faults = {
    crash: random.pick([0, 0.1, 0.4]),
    failure: random.pick([0, 0.1]),
    silence: random.pick([0, 0.05]),
    absence: random.pick([0, 0.1, 0.5]),
  };
  const dealt = random.chance(0.5);

  interface Life {
    conversations: Conversations;
    time: SimulatedTime;
    bots: SimulatedBots;
    crash(): void;
  }
  let healthy = false;
  const begin = async (): Promise<Life> => {
    const time = new SimulatedTime(clock, random);
    const store = simulatedStore(disk, time, random);
    const bots = new SimulatedBots({
      time,
      random,
      settings,
      history,
      given,
      places: random.between(1, 2),
      dealt,
      ahead: random.pick([1, 1, 2, 8]),
      faults: healthy ? { crash: 0, failure: 0, silence: 0, absence: 0 } : faults,
    });
    const conversations: Conversations = new Conversations({
      store,
      time,
      commit: new GroupCommit({ store, time, maxBatch: random.pick([1, 3, 1024]) }),
      tick: new Tick(time),
      messageBytes: 10_240,
      workers: bots,
      onError: (event, detail) => broken.push(`${event}: ${detail.reason}`),
    });
    bots.turns = conversations.turns;
    await finish(clock, conversations.recover());
    return {
      conversations,
      time,
      bots,
      crash: () => {
        time.kill();
        store.crash();
      },
    };
  };

  let life = await begin();
  const ids: string[] = [];
  for (let i = random.between(1, 3); i > 0; i--) {
    const { id } = await finish(clock, life.conversations.create(owner, { bot: "bee", title: "" }));
    ids.push(id);
  }
  const clients = ids.flatMap((id, c) => [0, 1].map((k) => new SimulatedClient(clock, random, id, `s${c}${k}`)));
  for (const client of clients) client.connect(life.conversations);

  let kills = 0;
  let cuts = 0;
  let written = 0;
  const until = clock.now + faultMs;
  const wanted = random.between(5, 40);
  let nextFault = clock.now;
  /** What somebody was told that they have decided. */
  const decided = new Map<string, string>();
  const decide = async ({ conversations }: Life): Promise<void> => {
    const waiting = await conversations.pendingPermissions(owner);
    if (waiting.length === 0) return;
    const { id } = random.pick(waiting);
    const decideAs = async (option: string): Promise<void> => {
      await conversations.decide(owner, id, option);
      if (decided.has(id) && decided.get(id) !== option) broken.push(`[P2] ${id} was decided as ${decided.get(id)} and as ${option}`);
      decided.set(id, option);
    };
    // Sometimes two doors decide at once.
    await Promise.allSettled(random.pick([["yes"], ["no"], ["yes", "no"]]).map(decideAs));
  };
  while (clock.now < until) {
    if (clock.now >= nextFault) {
      nextFault = clock.now + random.between(1, 400);
      const dice = random.next();
      const client = random.pick(clients);
      if (dice < 0.5 && written < wanted) client.write(`message ${++written}`);
      else if (dice < 0.65) {
        client.cut();
        cuts++;
      } else if (dice < 0.75) {
        life.crash();
        for (const one of clients) one.cut();
        kills++;
        broken.push(...life.bots.broken);
        life = await begin();
      } else if (dice < 0.8) {
        const turn = random.between(1, Math.max(1, written));
        const id = random.pick(ids);
        life.conversations.cancel(owner, id, `t${turn}`).catch(() => {});
      } else if (dice < 0.9) decide(life).catch(() => {});
      else if (!client.connected) client.connect(life.conversations);
    }
    if (!(await clock.step(nextFault))) clock.now = nextFault;
  }

  // All is well from here on: everybody connects, bots answer, and in the end everything must be there.
  healthy = true;
  life.crash();
  for (const one of clients) one.cut();
  broken.push(...life.bots.broken);
  life = await begin();
  for (const client of clients) client.connect(life.conversations);
  const end = clock.now + healMs;
  const settled = (): boolean => clients.every((client) => client.idle) && life.conversations.turns.pendingCount === 0;
  while (!settled() && (await clock.step(end)));
  const quiet = clock.now + 5000;
  while (await clock.step(quiet));
  broken.push(...life.bots.broken);
  if (!settled()) broken.push(`[B1] ${life.conversations.turns.pendingCount} turns or some sends never ended`);
  life.time.kill();
  broken.push(...check(disk, ids, clients), ...checkPermissions(disk, ids, clients, decided));
  const messages = new Reads(disk.db).counts().messages;
  closeDisk(disk);
  return { broken, kills, cuts, messages };
}

/** Lets time pass until the promise has settled. */
async function finish<T>(clock: SimulatedClock, work: Promise<T>): Promise<T> {
  const state = { settled: false };
  const mark = (): void => {
    state.settled = true;
  };
  work.then(mark, mark);
  while (!state.settled) if (!(await clock.step(clock.now + 60_000))) throw new Error("nothing happens any more");
  return work;
}

/** Reads the disk as an outsider would, and holds the clients' records against it. */
function check(disk: SimulatedDisk, ids: readonly string[], clients: readonly SimulatedClient[]): string[] {
  const reads = new Reads(disk.db);
  const broken: string[] = [];
  for (const [index, id] of ids.entries()) {
    const row = reads.conversation(id);
    if (!row) {
      broken.push(`[D1] conversation ${id} is gone`);
      continue;
    }
    const log = reads.messages(row.conversation, { after: 0, limit: 100_000 }).messages;
    for (const [i, message] of log.entries()) if (message.seq !== i + 1) broken.push(`[O1] ${id}: seq ${message.seq} at ${i + 1}`);
    const ends = new Map<number, number>();
    for (const message of log)
      if (message.outcome !== null && message.turn !== null) ends.set(message.turn, (ends.get(message.turn) ?? 0) + 1);
    for (const message of log) {
      if (message.role === "person" && ends.get(message.turn ?? -1) !== 1)
        broken.push(`[B1] turn ${message.turn} ended ${ends.get(message.turn ?? -1) ?? 0} times`);
    }
    for (const client of clients.slice(index * 2, index * 2 + 2)) {
      broken.push(...client.broken);
      for (const code of client.refused) broken.push(`refused: ${code}`);
      for (const { key, seq } of client.accepted)
        if (log[seq - 1]?.key !== key) broken.push(`[K1] ${key} was accepted as ${seq} and is not there`);
      if (client.received.length !== log.length) broken.push(`[O2] got ${client.received.length} of ${log.length} messages`);
      for (const [i, message] of client.received.entries()) if (message.text !== log[i]?.text) broken.push(`[O2] message ${i + 1} differs`);
      for (const [turn, { text, parts }] of client.completedStreams) {
        const answer = log.find((message) => `t${message.turn}` === turn && message.role === "bot");
        if (answer?.text !== text) broken.push(`[T2] ${turn}: streamed ${JSON.stringify(text)}, stored ${JSON.stringify(answer?.text)}`);
        const told = parts.length === 0 ? null : JSON.stringify(parts);
        if (answer && answer.parts !== told) broken.push(`[T6] ${turn}: told ${told}, stored ${answer.parts}`);
      }
    }
    const numbers = new Map<string, number>();
    const seen = new Set<string>();
    for (const { key } of log) {
      if (key === null) continue;
      if (seen.has(key)) broken.push(`[K3] ${key} is there twice`);
      seen.add(key);
      const [sender = "", n = ""] = key.split("-");
      if (Number(n) !== (numbers.get(sender) ?? 0) + 1) broken.push(`[O3] ${key} after ${numbers.get(sender) ?? 0}`);
      numbers.set(sender, Number(n));
    }
  }
  return broken;
}

/** Nothing waits when no turn is left; what was decided is what is stored; every reader knows how each request ended. */
function checkPermissions(
  disk: SimulatedDisk,
  ids: readonly string[],
  clients: readonly SimulatedClient[],
  decided: ReadonlyMap<string, string>,
): string[] {
  const reads = new Reads(disk.db);
  const broken = reads.pendingPermissions(null).map(({ id }) => `[P4] p${id} waits, and its turn has ended`);
  const rows = ids.flatMap((id) =>
    reads.permissions(reads.conversation(id)?.conversation ?? 0, { before: Number.MAX_SAFE_INTEGER, limit: 100_000 }),
  );
  for (const [id, option] of decided) {
    const row = rows.find((one) => `p${one.id}` === id);
    if (row?.state !== "decided" || row.option !== option)
      broken.push(`[P2] ${id} was decided as ${option} and is ${row?.state} ${row?.option}`);
  }
  for (const client of clients) {
    for (const [id, state] of client.permissions) {
      const row = rows.find((one) => `p${one.id}` === id);
      if (row?.state !== state) broken.push(`[P1] a reader was told that ${id} is ${state}, and it is ${row?.state}`);
    }
  }
  return broken;
}
