import { join } from "node:path";
import type { Bot, BotEvent } from "@skep/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WatchingReader } from "../../packages/bench/src/faults/watching-reader.ts";
import { percentile } from "../../packages/bench/src/percentile.ts";
import { createToken, startSkep } from "../../packages/bench/src/program/running-skep.ts";
import type { RunningSkep } from "../../packages/bench/src/program/running-skep.ts";
import { skepApi } from "../../packages/bench/src/program/skep-api.ts";
import type { SkepApi } from "../../packages/bench/src/program/skep-api.ts";
import { temporaryFolder } from "../../packages/bench/src/program/temporary-folder.ts";

const program = join(import.meta.dirname, "misbehaving-bot.ts");
const rounds = 9;
const answers = 100;
/** A hundredth of the answers may come twice as late as this, however fast the machine is. */
const unnoticedMs = 10;

// The program is a process of its own, so that what is measured shares no event loop and no heap with the reader that measures, nor with other tests.
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let skep: RunningSkep;
let token: string;
let api: SkepApi;
beforeAll(async () => {
  folder = await temporaryFolder("skep-babbler-");
  skep = await startSkep({ data: `${folder.path}/data` });
  token = await createToken(`${folder.path}/data`);
  api = skepApi(skep.url, token);
});
afterAll(async () => {
  api.close();
  await skep.stop();
  await folder[Symbol.asyncDispose]();
});

/** @returns the 99th percentile of so many answers of another bot, one after the other, in milliseconds. */
async function p99(): Promise<number> {
  const { id } = await api.createConversation("echo");
  const reader = await WatchingReader.open(skep.url, token, id);
  const took: number[] = [];
  for (let i = 0; i < answers; i++) {
    const answered = reader.when((m) => m.type === "message" && m.message.role === "bot");
    const sentAt = performance.now();
    reader.send(`message ${i}`);
    took.push((await answered).at - sentAt);
  }
  reader.close();
  return percentile(took, 99);
}

const shown = (list: readonly number[]): string => list.map((ms) => ms.toFixed(1)).join(", ");

test.each(["stdout", "stderr"])("[B8] 100 MB/s to its %s disturb nobody", async (stream) => {
  const name = `babbles-${stream}`;
  await api.createBot({ name, kind: "command", options: { command: process.execPath, args: [program] } });
  const { id } = await api.createConversation(name);
  await p99();
  await api.call("POST", `/api/bots/${name}/stop`);
  const alone = [await p99()];
  const beside: number[] = [];
  // In turns, and each beside is compared with the two around it: whoever else uses the machine comes and goes.
  for (let round = 0; round < rounds; round++) {
    await api.call("POST", `/api/bots/${name}/start`);
    await api.call("POST", `/api/conversations/${id}/messages?wait=20`, { text: `flood 100 ${stream}` });
    beside.push(await p99());
    expect(await api.call<Bot>("POST", `/api/bots/${name}/stop`)).toMatchObject({ state: "stopped" });
    alone.push(await p99());
  }
  const ratios = beside.map((ms, round) => ms / Math.max(((alone[round] ?? 0) + (alone[round + 1] ?? 0)) / 2, unnoticedMs));
  console.log(
    `B8: p99 in ms, alone ${shown(alone)}; beside 100 MB/s to ${stream} ${shown(beside)}; median ratio ${percentile(ratios, 50).toFixed(2)}`,
  );
  expect(percentile(ratios, 50)).toBeLessThan(2);
  // It was held back, not replaced: every end was one that was asked for.
  const { entries } = await api.call<{ entries: BotEvent[] }>("GET", `/api/bots/${name}/timeline?limit=200`);
  expect(entries.filter(({ what }) => what === "replaced")).toEqual([]);
});
