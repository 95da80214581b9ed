/**
 * Kills the real program with SIGKILL, again and again, while several clients write to it, and its bots' processes in
 * between; starts it again on the same data folder each time, and lets the independent reader judge in the end.
 *
 * The clients' records are judged in rounds, so that a long run needs no more memory than a short one. Conversations of
 * earlier rounds are read once more at the very end: they must be as they were.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { processStatus } from "../program/process-status.ts";
import { createToken, type RunningSkep, spawnSkep, startSkep } from "../program/running-skep.ts";
import { type SkepApi, skepApi } from "../program/skep-api.ts";
import { temporaryFolder } from "../program/temporary-folder.ts";
import { unusedPort } from "../program/unused-port.ts";
import { seededRandom } from "../seeded-random.ts";
import { checkRecords, type Finding, type Tally } from "./check-records.ts";
import type { FullLog } from "./record.ts";
import { RecordingClient } from "./recording-client.ts";
import { type Kill, killSchedule } from "./schedule.ts";

export interface KillRunOptions {
  kills: number;
  seed: number;
  /** Kills between two judgements. */
  round?: number;
  clients?: number;
  conversations?: number;
  /** Messages per second of one client. */
  rate?: number;
  /** The longest time that the program is left in peace. */
  servingMs?: number;
  /** How long the rest may take after the last kill of a round. */
  settleMs?: number;
  /** Told what happens, a line at a time. */
  say?: (line: string) => void;
}

export interface KillRunResult {
  seed: number;
  kills: Record<Kill["phase"], number>;
  botKills: number;
  findings: Finding[];
  tally: Tally;
  /** Spawn to `ready`, of every start that was let go so far. */
  startMs: number[];
  /** From a kill to the first `accepted`, and to the first answer, that any client got after it. */
  firstAcceptedMs: number[];
  firstAnswerMs: number[];
  seconds: number;
}

/** One that answers at once, one with two processes, one that streams slowly enough to be killed in the middle of an answer. */
const bots = [
  { name: "kill-one", workers: 1, options: {} },
  { name: "kill-two", workers: 2, options: {} },
  { name: "kill-three", workers: 1, options: { pieces: 4, pieceMs: 2 } },
];

/** The echo bot says what it was told, perhaps with a word before it. */
const echoes = (question: string, answer: string): boolean => answer.endsWith(question);

export async function killRun(options: KillRunOptions): Promise<KillRunResult> {
  const { kills, seed, round = 25, clients = 5, conversations = 6, rate = 80, servingMs = 1500, settleMs = 60_000 } = options;
  const say = options.say ?? (() => {});
  const beganAt = performance.now();
  const random = seededRandom(seed);
  const schedule = killSchedule(random.fork("schedule"), kills, servingMs);
  const home = await temporaryFolder("skep-kill-");
  const data = join(home.path, "data");
  const port = await unusedPort(random.fork("port"));
  const run = new Run(data, port);
  try {
    const first = await startSkep({ data, port });
    run.startMs.push(first.readyMs);
    const token = await createToken(data, "kill");
    const api = skepApi(first.url, token);
    for (const bot of bots) await api.createBot({ ...bot, kind: "echo", restart: { maxRestarts: 100_000 } });
    run.skep = first;

    let botChance = random.fork("bots");
    for (let done = 0; done < schedule.length; done += round) {
      const part = schedule.slice(done, done + round);
      const ids: string[] = [];
      for (let index = 0; index < conversations; index++) {
        const bot = bots[index % bots.length];
        if (bot) ids.push((await api.createConversation(bot.name)).id);
      }
      const writers = Array.from({ length: clients }, (_, index) => {
        const name = `r${done / round}c${index}`;
        // Every conversation has readers that only read and several that also write.
        const reads = ids.filter((_, place) => (place + index) % 3 !== 0);
        const sends = reads.filter((_, place) => place % 2 === 0);
        const chance = random.fork(name);
        return new RecordingClient({
          name,
          url: `${first.url.replace("http", "ws")}/ws`,
          token,
          reads,
          sends,
          random: chance,
          rate,
          window: 16,
        });
      });
      run.follow(writers);
      for (const client of writers) client.start();
      for (const kill of part) {
        await run.killOnce(kill, api, botChance);
        botChance = botChance.fork("next");
      }
      for (const client of writers) client.finish();
      const settled = await run.settled(writers, settleMs);
      if (!settled) for (const client of writers) say(`not settled: ${client.open}`);
      const logs = await Promise.all(ids.map((id) => fullLog(api, id)));
      // What was stored after the last look of a client still has to reach it.
      await run.caughtUp(writers, logs, 5000);
      for (const client of writers) client.close();
      const { findings, tally } = checkRecords(
        writers.map((client) => client.record),
        logs,
        { answers: echoes },
      );
      for (const { record, problems } of writers) {
        for (const detail of problems) findings.push({ kind: "not-allowed", conversation: "-", detail: `${record.client}: ${detail}` });
      }
      run.judged(findings, tally, logs);
      say(`${done + part.length}/${kills} kills: ${tally.accepted} accepted, ${tally.seenByReaders} seen, ${findings.length} findings`);
    }
    await run.compareEarlierRounds(api);
    api.close();
    await run.endAll();
    return { seed, ...run.result(schedule), seconds: (performance.now() - beganAt) / 1000 };
  } finally {
    await run.skep?.kill();
    if (run.findings.length === 0) await home.remove();
    else say(`kept for a closer look: ${home.path}`);
  }
}

async function fullLog(api: SkepApi, conversation: string): Promise<FullLog> {
  const { epoch, head, messages } = await api.wholeLog(conversation);
  return { conversation, epoch, head, messages };
}

const digest = ({ epoch, head, messages }: FullLog): string =>
  createHash("sha256")
    .update(JSON.stringify([epoch, head, messages]))
    .digest("hex");

/** What one run has done so far to the program, and found. */
class Run {
  skep: RunningSkep | null = null;
  readonly findings: Finding[] = [];
  readonly startMs: number[] = [];
  readonly #data: string;
  readonly #port: number;
  readonly #firstAcceptedMs: number[] = [];
  readonly #firstAnswerMs: number[] = [];
  readonly #digests = new Map<string, string>();
  /** pid -> start time of every process that the program ever showed. */
  readonly #botProcesses = new Map<number, number>();
  readonly #tally: Partial<Record<keyof Tally, number>> = {};
  #killedAt: { accepted: number | null; answered: number | null } = { accepted: null, answered: null };
  #botKills = 0;

  constructor(data: string, port: number) {
    this.#data = data;
    this.#port = port;
  }

  follow(clients: readonly RecordingClient[]): void {
    for (const client of clients) {
      client.on("accepted", () => {
        if (this.#killedAt.accepted !== null) this.#firstAcceptedMs.push(performance.now() - this.#killedAt.accepted);
        this.#killedAt.accepted = null;
      });
      client.on("answered", () => {
        if (this.#killedAt.answered !== null) this.#firstAnswerMs.push(performance.now() - this.#killedAt.answered);
        this.#killedAt.answered = null;
      });
    }
  }

  /** Begins and ends with a program that serves. */
  async killOnce(kill: Kill, api: SkepApi, chance: { next(): number }): Promise<void> {
    const served = this.skep;
    if (!served) throw new Error("nothing to kill");
    const servesMs = kill.phase === "serving" ? kill.afterMs : kill.servesMs;
    const botKills = kill.botKillsAfterMs.filter((ms) => ms < servesMs).map((ms) => delay(ms).then(() => this.#killBot(api, chance)));
    await delay(servesMs);
    await Promise.all(botKills);
    if (kill.phase === "stopping") {
      served.terminate();
      await Promise.race([delay(kill.afterMs), served.exited]);
    }
    await this.#killed(served);
    for (let index = 0; kill.phase === "starting" && index < kill.times; index++) {
      const starting = spawnSkep({ data: this.#data, port: this.#port });
      const outcome = starting.ready.catch(() => null);
      await delay(kill.afterMs);
      await starting.kill();
      await outcome;
    }
    this.skep = await startSkep({ data: this.#data, port: this.#port });
    this.startMs.push(this.skep.readyMs);
  }

  async #killed(skep: RunningSkep): Promise<void> {
    const at = performance.now();
    await skep.kill();
    this.#killedAt = { accepted: at, answered: at };
  }

  /** Only ever a child of the program that this run started. */
  async #killBot(api: SkepApi, chance: { next(): number }): Promise<void> {
    const pids = await this.#botPids(api);
    const pid = pids[Math.floor(chance.next() * pids.length)];
    if (pid === undefined) return;
    try {
      process.kill(pid, "SIGKILL");
      this.#botKills++;
    } catch {
      // Gone by itself meanwhile.
    }
  }

  async #botPids(api: SkepApi): Promise<number[]> {
    try {
      const found: number[] = [];
      for (const { processes } of await api.bots()) {
        for (const { pid } of processes) {
          const status = pid === null ? null : processStatus(pid);
          if (pid === null || status?.parent !== this.skep?.pid || !status) continue;
          this.#botProcesses.set(pid, status.startedAt);
          found.push(pid);
        }
      }
      return found;
    } catch {
      // The program is being killed at this moment.
      return [];
    }
  }

  settled(clients: readonly RecordingClient[], limitMs: number): Promise<boolean> {
    return untilTrue(clients, () => clients.every((client) => client.settled), limitMs);
  }

  caughtUp(clients: readonly RecordingClient[], logs: readonly FullLog[], limitMs: number): Promise<boolean> {
    const done = (): boolean =>
      clients.every((client) =>
        logs.every(({ conversation, head }) => !client.reads(conversation) || client.reached(conversation) >= head),
      );
    return untilTrue(clients, done, limitMs);
  }

  judged(findings: readonly Finding[], tally: Tally, logs: readonly FullLog[]): void {
    this.findings.push(...findings);
    for (const [name, count] of Object.entries(tally) as [keyof Tally, number][]) this.#tally[name] = (this.#tally[name] ?? 0) + count;
    for (const log of logs) this.#digests.set(log.conversation, digest(log));
  }

  async compareEarlierRounds(api: SkepApi): Promise<void> {
    for (const [conversation, before] of this.#digests) {
      if (digest(await fullLog(api, conversation)) !== before) {
        this.findings.push({ kind: "altered", conversation, detail: "the log is not what it was at the end of its round" });
      }
    }
    await this.#botPids(api);
  }

  /** [R-C6] After the end no process of a bot is left. */
  async endAll(): Promise<void> {
    await this.skep?.kill();
    const limit = performance.now() + 5000;
    const left = (): number[] => [...this.#botProcesses].filter(([pid, startedAt]) => isSame(pid, startedAt)).map(([pid]) => pid);
    while (left().length > 0 && performance.now() < limit) await delay(20);
    for (const pid of left()) this.findings.push({ kind: "process-left", conversation: "-", detail: `bot process ${pid} is still there` });
  }

  result(schedule: readonly Kill[]): Omit<KillRunResult, "seed" | "seconds"> {
    const count = (phase: Kill["phase"]): number => schedule.filter((kill) => kill.phase === phase).length;
    return {
      kills: { starting: count("starting"), serving: count("serving"), stopping: count("stopping") },
      botKills: this.#botKills,
      findings: this.findings,
      tally: this.#tally as Tally,
      startMs: this.startMs,
      firstAcceptedMs: this.#firstAcceptedMs,
      firstAnswerMs: this.#firstAnswerMs,
    };
  }
}

const isSame = (pid: number, startedAt: number): boolean => {
  const status = processStatus(pid);
  return status !== null && status.running && status.startedAt === startedAt;
};

/** @returns false when the limit was reached first */
function untilTrue(clients: readonly RecordingClient[], done: () => boolean, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (reached: boolean): void => {
      clearTimeout(timer);
      for (const client of clients) client.off("progress", look);
      resolve(reached);
    };
    const look = (): void => {
      if (done()) end(true);
    };
    const timer = setTimeout(() => end(false), limitMs);
    for (const client of clients) client.on("progress", look);
    look();
  });
}
