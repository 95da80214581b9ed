/** The example bots, run as the controller would run them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BotProcess } from "./bot-process.ts";
import { startBot } from "./bot-process.ts";

const examples = resolve(import.meta.dirname, "../../examples");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "skep-examples-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const awkward = 'say "turn":"x", \\ and \\n, %s $HOME `id` 🐝 你好\nsecond line\ttab \u2028 end\\';

describe("python-bot", () => {
  const start = (): Promise<BotProcess> => startBot("command", { command: "python3", args: [join(examples, "python-bot/bot.py")] }, folder);

  test("[T2] streams any text back, byte for byte", async () => {
    await using bot = await start();
    expect(bot.lines[0]).toEqual({ type: "hello", protocol: 1, context: "message", concurrency: 8, heartbeat: true });
    expect(await bot.ending(bot.ask(awkward))).toEqual({ streamed: `You said: ${awkward}` });
  });

  test("[B2] works on turns side by side, answers pings meanwhile, rolls dice", async () => {
    await using bot = await start();
    const slow = bot.ask("word ".repeat(50).trim());
    bot.send({ type: "ping" });
    const quick = bot.ask("roll 2d6");
    expect((await bot.ending(quick)).streamed).toMatch(/^[1-6] \+ [1-6] = \*\*\d+\*\*$/);
    expect(bot.lines.some((line) => line.type === "answer" && line.turn === slow)).toBe(false);
    await bot.line("heartbeat");
    await bot.ending(slow);
  });

  test("[T3] can be cancelled", async () => {
    await using bot = await start();
    const turn = bot.ask("word ".repeat(10_000).trim());
    await bot.line("delta");
    bot.send({ type: "cancel", turn });
    expect((await bot.ending(turn)).failure).toMatchObject({ reason: "Cancelled", retry: false });
  });

  test("[B7] ends with its input", async () => {
    await using bot = await start();
    bot.ask("word ".repeat(10_000).trim());
    await bot.line("delta");
    bot.child.stdin?.end();
    expect((await bot.exit).code).toBe(0);
  });
});

describe("shell-bot", () => {
  const start = (): Promise<BotProcess> => startBot("command", { command: "bash", args: [join(examples, "shell-bot/bot.sh")] }, folder);

  test("[R-B4] says any text back, byte for byte", async () => {
    await using bot = await start();
    expect(bot.lines[0]).toEqual({ type: "hello", protocol: 1, context: "message", concurrency: 1 });
    expect((await bot.ending(bot.ask(awkward))).answer).toBe(`You said: ${awkward}\n\nI know *date*, *uptime* and *disk*.`);
  });

  test("answers with what a program prints", async () => {
    await using bot = await start();
    expect((await bot.ending(bot.ask("date"))).answer).toMatch(/^```\n.*\d\d:\d\d:\d\d.*\n```$/);
    expect((await bot.ending(bot.ask("disk"))).answer).toMatch(/^```\nFilesystem.*\n.+\n```$/);
  });

  test("[B7] ends with its input", async () => {
    await using bot = await start();
    bot.child.stdin?.end();
    expect((await bot.exit).code).toBe(0);
  });
});
