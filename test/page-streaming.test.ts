/**
 * How smooth the page stays while an answer is written into it, 1,000 pieces a second of 8 characters each: in `npm test` 40 kB in 5
 * seconds, after 200 kB that are there before, of one kind of text; with SKEP_FRAMES_SECONDS=20 from 40 kB up to 200 kB, and each kind. Work is processor time of the page's main thread
 * from one frame to the next, all of it, from Chromium's trace: it says what the page costs and not what else runs here. A frame that had to wait for
 * others has taken in more text, and that counts as well. Intervals are shown beside those of the same page at rest.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Shape } from "./support/long-answers.ts";
import { noBrowser, OpenedPage } from "./support/opened-page.ts";

const full = process.env["SKEP_FRAMES_SECONDS"] !== undefined;
const seconds = Number(process.env["SKEP_FRAMES_SECONDS"] ?? 5);
const rounds = 3;
const perSecond = 1000;
/** About what a word takes. */
const piece = 8;
const written = seconds * perSecond * piece;
const before = full ? Math.max(1, 200_000 - written) : 200_000;
const bytes = before + written;
const frameMs = 16;

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  tdur?: number;
  dur?: number;
  args?: { name?: string };
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const p95 = (values: readonly number[]): number => at(ascending(values), 0.95);
const ms = (value: number): string => `${value.toFixed(1)} ms`;

interface Frames {
  work: number[];
  intervals: number[];
}

/** Frames of the busiest page in a trace, in order: what its main thread worked for each, in processor time, and how far apart they are. Milliseconds. */
function framesOf(writing: boolean, trace: Buffer): Frames {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const main = traceEvents.find(({ name, pid, tid }) => name === "FireAnimationFrame" && mains.has(`${pid} ${tid}`));
  if (!main) throw new Error("no frame in the trace");
  const mine = traceEvents.filter(({ pid, tid }) => pid === main.pid && tid === main.tid);
  const timesOf = (event: string): number[] => ascending(mine.filter(({ name }) => name === event).map(({ ts }) => ts));
  // Frames before the first piece and after the last one would only better the figures.
  const heard = timesOf("WebSocketReceive");
  const [from = 0, to = Infinity] = writing ? [heard[0], heard.at(-1)] : [];
  const starts = timesOf("FireAnimationFrame").filter(
    // Several callbacks of one frame stand together.
    (ts, i, all) => ts >= from && ts <= to && (i === 0 || ts - (all[i - 1] ?? 0) > 2000),
  );
  const work: number[] = Array.from({ length: starts.length }, () => 0);
  let frame = 0;
  for (const { tdur = 0, dur = 0, ts } of mine.filter(({ name, ph }) => name === "RunTask" && ph === "X").toSorted((a, b) => a.ts - b.ts)) {
    if (ts + dur < (starts[0] ?? 0)) continue;
    // A frame begins with the task that draws it, and ends where the next one begins: what does not fit between makes that one late.
    while (frame + 1 < starts.length && (starts[frame + 1] ?? 0) < ts + dur) frame++;
    work[frame] = (work[frame] ?? 0) + tdur / 1000;
  }
  const intervals = starts.slice(1).map((ts, i) => (ts - (starts[i] ?? 0)) / 1000);
  // The first and the last one are cut off.
  const whole = work.slice(1, -1);
  return { work: whole, intervals };
}

describe.skipIf(noBrowser)("a long answer, 1,000 pieces a second", () => {
  let o: OpenedPage;

  beforeAll(async () => {
    o = await OpenedPage.open();
    await o.signIn();
    const bot = fileURLToPath(new URL("./support/writing-bot.ts", import.meta.url));
    const options = { command: process.execPath, args: [bot] };
    await o.call("POST", "/api/bots", { name: "writer", kind: "command", options });
  });
  afterAll(() => o.end());

  /** Has frames come, as a page that is written into has them. */
  const drawing = (on: boolean): Promise<void> =>
    o.page.evaluate((go) => {
      cancelAnimationFrame(Number(Reflect.get(globalThis, "drawing")));
      const next = (): void => void Reflect.set(globalThis, "drawing", requestAnimationFrame(next));
      if (go) next();
    }, on);

  async function traced(writing: boolean, act: () => Promise<unknown>): Promise<Frames> {
    await o.browser.startTracing(o.page, { categories: ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"] });
    await drawing(true);
    await act();
    await drawing(false);
    return framesOf(writing, await o.browser.stopTracing());
  }

  /** @returns whether it was smooth: p95 of the work under 16 ms, on the whole and where the answer is longest */
  async function smooth(shape: Shape, round: number): Promise<boolean> {
    await o.page.goto(`${o.url}/#new/writer`);
    await o.page.locator("#title", { hasText: "New conversation with writer" }).waitFor();
    const idle = await traced(false, () => o.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500))));
    const go = join(o.data, `go-${shape}-${round}`);
    await o.say(JSON.stringify({ shape, bytes, before, go, perSecond, piece }));
    // All that comes before the pieces is drawn.
    const drawn = (length: number): boolean => (document.querySelector("#log [data-draft]")?.textContent ?? "").length > length;
    await o.page.waitForFunction(drawn, before / 3, { timeout: 30_000 });
    const { work, intervals } = await traced(true, async () => {
      writeFileSync(go, "");
      // Looked at from time to time: what looks in every frame takes part in the work.
      const over = (): boolean => document.querySelector("#log [data-draft]") === null;
      await o.page.waitForFunction(over, undefined, { polling: 250, timeout: 1000 * seconds + 45_000 });
    });
    const quarter = Math.floor(work.length / 4);
    const [first, last] = [p95(work.slice(0, quarter)), p95(work.slice(-quarter))];
    console.log(
      `${shape}: ${work.length} frames in ${seconds} s; work for a frame p50 ${ms(at(ascending(work), 0.5))}, p95 ${ms(p95(work))} ` +
        `(first quarter ${ms(first)}, last ${ms(last)}), at most ${ms(Math.max(...work))}; ` +
        `intervals p95 ${ms(p95(intervals))}, at rest ${ms(p95(idle.intervals))}`,
    );
    return p95(work) < frameMs && last < frameMs;
  }

  const shapes: Shape[] = full ? ["everything", "code", "table", "list", "paragraphs"] : ["everything"];
  test.each(shapes)("[T1] the work for a frame is under 16 ms (p95), also at its end: %s", { timeout: 600_000 }, async (shape) => {
    // What else runs on this machine can only make frames longer, so the best of some rounds is what the page takes.
    let passed = false;
    for (let round = 0; round < rounds && !passed; round++) passed = await smooth(shape, round);
    expect(passed).toBe(true);
    expect(o.trouble.splice(0)).toEqual([]);
  });
});
