import { afterAll, beforeAll, expect, test } from "vitest";
import { createToken, startSkep } from "../packages/bench/src/program/running-skep.ts";
import type { RunningSkep } from "../packages/bench/src/program/running-skep.ts";
import { skepApi } from "../packages/bench/src/program/skep-api.ts";
import type { SkepApi } from "../packages/bench/src/program/skep-api.ts";
import { temporaryFolder } from "../packages/bench/src/program/temporary-folder.ts";
import { controlProcess } from "./support/control-process.ts";
import { RecordingSocket } from "./support/recording-socket.ts";

// The program is a process of its own, as it is where it is used: what the tests' process does besides is not measured.
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let skep: RunningSkep;
let token: string;
let api: SkepApi;
beforeAll(async () => {
  folder = await temporaryFolder("skep-killed-bot-");
  skep = await startSkep({ data: `${folder.path}/data` });
  token = await createToken(`${folder.path}/data`);
  api = skepApi(skep.url, token);
  await api.createBot({ name: "wild", kind: "echo", restart: { maxRestarts: 1000 } });
});
afterAll(async () => {
  api.close();
  await skep.stop();
  await folder[Symbol.asyncDispose]();
});

const kills = 9;

/** Kills the bot while it answers. @returns when a reader knew, and when the answer went on, in milliseconds from the kill. */
async function killInMidAnswer(): Promise<{ seen: number; back: number }> {
  const { id } = await api.createConversation("wild");
  const socket = await RecordingSocket.open({ url: skep.url, token });
  await socket.follow(id);
  socket.send(id, "/stream 30 20");
  await socket.when(() => socket.of("delta").length >= 3);
  const { processes } = await api.call<{ processes: { pid: number }[] }>("GET", "/api/bots/wild");
  const killedAt = performance.now();
  process.kill(processes[0]?.pid ?? 0, "SIGKILL");
  await socket.until((m) => m.type === "turn" && m.state === "retrying");
  const seen = performance.now() - killedAt;
  const [ended] = socket.of("stream-ended");
  expect(ended).toMatchObject({ outcome: "interrupted" });
  await socket.when(() => socket.of("delta").some((m) => m.stream !== ended?.stream));
  const back = performance.now() - killedAt;
  const answer = await socket.when(() => socket.messages().find((m) => m.role === "bot"));
  const streamed = socket.of("delta").filter((m) => m.stream !== ended?.stream);
  expect(streamed.map((m) => m.text).join("")).toBe(answer.text);
  expect((await api.wholeLog(id)).messages.map((m) => m.role)).toEqual(["person", "bot"]);
  await socket.close();
  return { seen, back };
}

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
const shown = (list: readonly number[]): string => list.map((ms) => ms.toFixed(0)).join(", ");

test("[R-C3 B1 B3 T4] a bot killed in mid-answer is seen at once, people are told, and the message is answered exactly once", async () => {
  const killed: { seen: number; back: number }[] = [];
  const control: typeof killed = [];
  for (let round = 0; round < kills; round++) {
    control.push(await controlProcess());
    killed.push(await killInMidAnswer());
  }
  for (const [what, limit] of [
    ["seen", 100],
    ["back", 1000],
  ] as const) {
    const took = killed.map((one) => one[what]);
    const machine = control.map((one) => one[what]);
    console.log(`R-C3: ${what} after ${shown(took)} ms; a bare process: ${shown(machine)} ms`);
    expect(median(took)).toBeLessThan(limit);
    // The slowest may come later than that by what the machine itself was late with a bare process, and no more.
    expect(Math.max(...took)).toBeLessThan(limit + 5 * Math.max(...machine));
  }
});
