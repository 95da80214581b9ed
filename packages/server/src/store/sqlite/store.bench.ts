/**
 * How long does a commit take when messages come at a steady rate, does the log stay bounded under full load, and what does an open store weigh?
 * `node packages/server/src/store/sqlite/store.bench.ts [paced=2000] [seconds=10] [conversations=100]` prints one JSON line per question.
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { realTime } from "../../time.ts";
import { GroupCommit } from "../group-commit.ts";
import type { Append, Created } from "../store.ts";
import { openDataFolder } from "./data-folder.ts";
import { SqliteStore } from "./sqlite-store.ts";

const given = new Map(process.argv.slice(2).map((one) => one.split("=", 2) as [string, string]));
const number = (name: string, otherwise: number): number => Number(given.get(name) ?? otherwise);
const paced = number("paced", 2000);
const seconds = number("seconds", 10);
const conversations = number("conversations", 100);
const megabytes = (bytes: number): number => Math.round(bytes / 104_857.6) / 10;
const say = (result: object): void => console.log(JSON.stringify(result));
const text = "A message of the usual length, as people write them to a bot when they want to know something about their work. ".repeat(2);

const folder = mkdtempSync(join(tmpdir(), "skep-bench-"));
try {
  await sleep(500);
  const without = process.memoryUsage.rss();
  const store = await SqliteStore.open(openDataFolder(folder), Date.now, (event, detail) => console.error(event, detail));
  await store.bots();
  await sleep(2000);
  say({ question: "idle", rssWithoutMB: megabytes(without), rssWithStoreMB: megabytes(process.memoryUsage.rss()) });
  await store.counts();
  await sleep(1000);
  say({ question: "idle after a first search or count", rssMB: megabytes(process.memoryUsage.rss()) });

  const commit = new GroupCommit({ store, time: realTime });
  const ids: number[] = [];
  for (let i = 0; i < conversations; i++) {
    const publicId = randomUUID();
    const made = await commit.add({ op: "create-conversation", publicId, bot: "echo", person: "p", title: "t", at: Date.now() });
    ids.push((made satisfies Created).conversation);
  }
  const numbers = ids.map(() => 0);
  let next = 0;
  const append = (): Append => {
    const i = next++ % ids.length;
    const n = (numbers[i] ?? 0) + 1;
    numbers[i] = n;
    const key = `${Date.now().toString(16).padStart(12, "0")}${randomUUID().slice(12)}`;
    return { op: "append", conversation: ids[i] ?? 0, person: "p", key, sender: "tab", n, text, bot: null, at: Date.now() };
  };
  const walBytes = (): number => statSync(join(folder, "skep.db-wal")).size;
  const run = async (question: string, until: number, due: () => number): Promise<void> => {
    const latencies: number[] = [];
    let most = 0;
    const begun = performance.now();
    const waiting = new Set<Promise<unknown>>();
    while (performance.now() - begun < until * 1000) {
      for (let count = due(); count > 0; count--) {
        const sent = performance.now();
        const one: Promise<unknown> = commit.add(append()).then(() => {
          latencies.push(performance.now() - sent);
          waiting.delete(one);
        });
        waiting.add(one);
      }
      most = Math.max(most, walBytes());
      await new Promise((resolve) => setImmediate(resolve));
      if (due !== saturate) await sleep(1);
    }
    await Promise.all(waiting);
    const took = (performance.now() - begun) / 1000;
    latencies.sort((a, b) => a - b);
    const at = (q: number): number => Math.round((latencies[Math.floor(latencies.length * q)] ?? 0) * 100) / 100;
    say({
      question,
      perSecond: Math.round(latencies.length / took),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      p999Ms: at(0.999),
      maxMs: at(0.99999),
      logMostMB: megabytes(most),
      rssMB: megabytes(process.memoryUsage.rss()),
    });
  };
  const saturate = (): number => Math.max(0, 1024 - commit.waiting);
  const steadily = (): (() => number) => {
    const start = performance.now();
    let sent = 0;
    return () => {
      const wanted = Math.floor(((performance.now() - start) / 1000) * paced) - sent;
      sent += wanted;
      return wanted;
    };
  };
  await run(`paced, ${paced}/s`, seconds, steadily());
  await run("full load", seconds, saturate);
  await sleep(3000);
  await run(`paced, ${paced}/s, after full load`, seconds, steadily());
  const closing = performance.now();
  await store.close();
  say({ question: "closing", ms: Math.round(performance.now() - closing), fileMB: megabytes(statSync(join(folder, "skep.db")).size) });
} finally {
  rmSync(folder, { recursive: true });
}
