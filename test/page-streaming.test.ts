/**
 * How smooth the page stays while an answer is written into it, 1,000 pieces a second up to 200 kB: in `npm test` for some seconds and one kind of
 * text, with SKEP_FRAMES_SECONDS=20 for that long and for each kind. Work is processor time of the page's main thread for each frame, from
 * Chromium's trace, so that it says what the page costs and not what else runs here. A frame that had to wait for others has more text to draw: its work
 * is counted for 16.7 ms of that wait. Intervals are shown beside those of the same page at rest.
 */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Shape } from "./support/long-answers.ts";
import { noBrowser, OpenedPage } from "./support/opened-page.ts";

const full = process.env["SKEP_FRAMES_SECONDS"] !== undefined;
const seconds = Number(process.env["SKEP_FRAMES_SECONDS"] ?? 5);
const rounds = 3;
const bytes = 200_000;
const perSecond = 1000;
const frameMs = 16;
const vsyncMs = 1000 / 60;

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
  /** For each frame, scaled to 16.7 ms of waiting. */
  work: number[];
  unscaled: number[];
  intervals: number[];
}

/** Frames of the busiest page in a trace, in order: what its main thread worked for each, in processor time, and how far apart they are. Milliseconds. */
function framesOf(trace: Buffer): Frames {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const main = traceEvents.find(({ name, pid, tid }) => name === "FireAnimationFrame" && mains.has(`${pid} ${tid}`));
  if (!main) throw new Error("no frame in the trace");
  const mine = traceEvents.filter(({ pid, tid }) => pid === main.pid && tid === main.tid);
  const starts = ascending(mine.filter(({ name }) => name === "FireAnimationFrame").map(({ ts }) => ts)).filter(
    // Several callbacks of one frame stand together.
    (ts, i, all) => i === 0 || ts - (all[i - 1] ?? 0) > 2000,
  );
  const work: number[] = Array.from({ length: starts.length }, () => 0);
  let frame = 0;
  for (const { tdur = 0, ts } of mine.filter(({ name, ph }) => name === "RunTask" && ph === "X").toSorted((a, b) => a.ts - b.ts)) {
    while (frame + 1 < starts.length && (starts[frame + 1] ?? 0) <= ts) frame++;
    work[frame] = (work[frame] ?? 0) + tdur / 1000;
  }
  const intervals = starts.slice(1).map((ts, i) => (ts - (starts[i] ?? 0)) / 1000);
  // The first and the last one are cut off by the trace.
  const whole = work.slice(1, -1);
  // Its work is to draw what came before it, and to take in what came since.
  const waits = intervals.map((interval, i) => Math.max(0, interval - (work[i] ?? 0)));
  const waited = whole.map((_, i) => Math.max(waits[i] ?? 0, waits[i + 1] ?? 0));
  return { work: whole.map((spent, i) => spent / Math.max(1, (waited[i] ?? 0) / vsyncMs)), unscaled: whole, intervals };
}

describe.skipIf(noBrowser)("an answer of 200 kB, 1,000 pieces a second", () => {
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

  async function traced(act: () => Promise<unknown>): Promise<Frames> {
    await o.browser.startTracing(o.page, { categories: ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"] });
    await drawing(true);
    await act();
    await drawing(false);
    return framesOf(await o.browser.stopTracing());
  }

  /** @returns whether it was smooth: p95 of the work under 16 ms, on the whole and where the answer is longest */
  async function smooth(shape: Shape): Promise<boolean> {
    await o.page.goto(`${o.url}/#new/writer`);
    await o.page.locator("#title", { hasText: "New conversation with writer" }).waitFor();
    const idle = await traced(() => o.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500))));
    const piece = Math.ceil(bytes / (seconds * perSecond));
    const { work, unscaled, intervals } = await traced(async () => {
      await o.say(JSON.stringify({ shape, bytes, perSecond, piece }));
      await o.page.locator("#log [data-draft]").waitFor();
      await o.page.locator("#log [data-draft]").waitFor({ state: "detached", timeout: 1000 * seconds + 45_000 });
    });
    const quarter = Math.floor(work.length / 4);
    const [first, last] = [p95(work.slice(0, quarter)), p95(work.slice(-quarter))];
    console.log(
      `${shape}: ${work.length} frames in ${seconds} s; work for a frame p50 ${ms(at(ascending(work), 0.5))}, p95 ${ms(p95(work))} ` +
        `(first quarter ${ms(first)}, last ${ms(last)}; not scaled ${ms(p95(unscaled))}); ` +
        `intervals p95 ${ms(p95(intervals))}, at rest ${ms(p95(idle.intervals))}`,
    );
    return p95(work) < frameMs && last < frameMs;
  }

  const shapes: Shape[] = full ? ["everything", "code", "table", "list", "paragraphs"] : ["everything"];
  test.each(shapes)("[T1] the work for a frame is under 16 ms (p95), also at its end: %s", { timeout: 600_000 }, async (shape) => {
    // What else runs on this machine can only make frames longer, so the best of some rounds is what the page takes.
    let passed = false;
    for (let round = 0; round < rounds && !passed; round++) passed = await smooth(shape);
    expect(passed).toBe(true);
    expect(o.trouble.splice(0)).toEqual([]);
  });
});
