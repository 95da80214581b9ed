/** The process of built-in bots, from outside: a real process on real pipes. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchOf, spawnBot, startBot, turnOf } from "./bot-process.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "skep-host-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(["echo", "ollama", "openai"])("[R-C6] %s may read its own code and nothing else, and starts nothing", (kind) => {
  const options = kind === "echo" ? {} : { model: "m" };
  const { command, args, env, cwd } = launchOf(kind, options, folder);
  const tries = (code: string): string => spawnSync(command, [...args.slice(0, -2), "-e", code], { env, cwd, encoding: "utf8" }).stderr;
  for (const code of [
    "fs.readFileSync(process.execPath)",
    "fs.writeFileSync('file', '')",
    "child_process.spawnSync(process.execPath, ['-v'])",
    "new worker_threads.Worker('1', { eval: true })",
    "fs.readdirSync(process.cwd())",
    ...(kind === "echo" ? ["net.connect(9, '127.0.0.1')"] : []),
  ]) {
    expect([code, tries(code)]).toEqual([code, expect.stringContaining("ERR_ACCESS_DENIED")]);
  }
  expect(tries("0")).toBe("");
  // But what it is given of files.
  mkdirSync(join(cwd, "given", "t1"), { recursive: true });
  writeFileSync(join(cwd, "given", "t1", "1.txt"), "three bees");
  expect(tries("process.stderr.write(fs.readFileSync('given/t1/1.txt'))")).toBe("three bees");
  expect(tries("fs.writeFileSync('given/t1/1.txt', '')")).toContain("ERR_ACCESS_DENIED");
});

const hello = { type: "hello", protocol: 1, bot: "test", options: {} } as const;

test("says what it wants and that it answers pings", async () => {
  await using bot = await startBot("echo", {}, folder);
  expect(bot.lines[0]).toEqual({ type: "hello", protocol: 1, context: "message", concurrency: 1024, ahead: 32, heartbeat: true });
  bot.send({ type: "ping" });
  await bot.line("heartbeat");
});

test("[R-B4] answers every text byte for byte, in one line", async () => {
  await using bot = await startBot("echo", {}, folder);
  for (const text of ["hi", "你好", "شكرا", "👩‍👩‍👧 🐝", "e\u0301", 'a "quoted" \\ line\nand\ttab', "\u2028", "{}", "x".repeat(100_000)]) {
    expect(await bot.ending(bot.ask(text))).toEqual({ streamed: "", answer: text });
  }
});

test("[B2] turns of one conversation that are given ahead wait for each other; another conversation does not wait", async () => {
  await using bot = await startBot("echo", {}, folder);
  const slow = bot.ask("/stream 5 20", { conversation: "one" });
  const behind = bot.ask("behind", { conversation: "one" });
  const beside = bot.ask("beside", { conversation: "two" });
  await Promise.all([slow, behind, beside].map((turn) => bot.ending(turn)));
  const ends = bot.lines.flatMap((line) => (line.type === "answer" ? [line.turn] : []));
  expect(ends).toEqual([beside, slow, behind]);
});

test("takes turns that come with its hello, and lines that are cut anywhere", async () => {
  await using bot = spawnBot(launchOf("echo", {}, folder));
  const bytes = Buffer.from([hello, turnOf("a", "one 🐝"), turnOf("b", "two")].map((line) => `${JSON.stringify(line)}\n`).join(""));
  const cut = bytes.indexOf("🐝") + 2;
  bot.child.stdin?.write(bytes.subarray(0, cut));
  await bot.line("hello");
  bot.child.stdin?.write(bytes.subarray(cut));
  expect((await bot.ending("a")).answer).toBe("one 🐝");
  expect((await bot.ending("b")).answer).toBe("two");
});

describe("[B7] leaves nothing behind", () => {
  test("ends with its input, after its last answer", async () => {
    await using bot = await startBot("echo", {}, folder);
    bot.send(turnOf("a", "x".repeat(1_000_000)));
    bot.child.stdin?.end();
    expect(await bot.exit).toEqual({ code: 0, signal: null });
    expect((await bot.ending("a")).answer).toHaveLength(1_000_000);
  });

  test("ends with its input while a turn is under way", async () => {
    await using bot = await startBot("echo", {}, folder);
    bot.ask("/stall");
    bot.child.stdin?.end();
    expect((await bot.exit).code).toBe(0);
  });

  test("ends when nobody can read it any more", async () => {
    await using bot = await startBot("echo", {}, folder);
    bot.child.stdout?.destroy();
    // Once may not be enough: a program that another test is just starting holds a copy of this pipe for a moment.
    const asking = setInterval(() => bot.ask("hello?"), 50);
    const { code } = await bot.exit.finally(() => clearInterval(asking));
    expect(code).toBe(1);
  });

  test("ends when its owner is killed, also while it is stuck in writing", async () => {
    const launch = launchOf("echo", {}, folder);
    const lines = [hello, turnOf("a", "/babble 100000000")].map((line) => `${JSON.stringify(line)}\n`).join("");
    // An owner that never reads what the bot writes.
    const program = `const bot = require("node:child_process").spawn(${JSON.stringify(launch.command)}, ${JSON.stringify(launch.args)}, ${JSON.stringify({ env: launch.env, stdio: ["pipe", "pipe", process.platform === "win32" ? "ignore" : 3] })});
      bot.stdin.write(${JSON.stringify(lines)});
      bot.stdout.once("readable", () => process.stdout.write(String(bot.pid)));`;
    // The bot holds the other end of the fourth pipe: its end is the bot's end.
    const owner = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit", "pipe"] });
    const alive = owner.stdio[3] as NodeJS.ReadableStream;
    const ended = once(alive.resume(), "end");
    await new Promise((resolve) => owner.stdout?.once("data", resolve));
    owner.kill("SIGKILL");
    await ended;
  });
});

test("[B8] who does not read gets no more work done: memory stays small", async () => {
  await using bot = await startBot("echo", {}, folder);
  bot.child.stdout?.pause();
  const text = "x".repeat(10_000);
  let turns = 0;
  // Until the bot stops reading: then our side of the pipe stays full.
  const stdin = bot.child.stdin;
  if (!stdin) throw new Error("no stdin");
  while (stdin.writableLength < 5_000_000) {
    for (let each = 0; each < 50; each++) bot.send(turnOf(`f${turns++}`, text));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const status = await readFile(`/proc/${bot.pid}/status`, "utf8").catch(() => "");
  const resident = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1000;
  expect(resident).toBeLessThan(150);
  bot.child.stdout?.resume();
  expect((await bot.ending(`f${turns - 1}`)).answer).toBe(text);
  expect(bot.lines.filter((line) => line.type === "answer")).toHaveLength(turns);
});

test("[T3] cancel ends a turn that streams, and it says no more", async () => {
  await using bot = await startBot("echo", {}, folder);
  const turn = bot.ask("/stream 100000 1");
  await bot.line("delta");
  bot.send({ type: "cancel", turn });
  expect((await bot.ending(turn)).failure).toEqual({ type: "failure", turn, reason: "Cancelled", retry: false });
  await bot.ending(bot.ask("still there?"));
  const last = bot.lines.findLastIndex((line) => "turn" in line && line.turn === turn);
  expect(bot.lines[last]?.type).toBe("failure");
});

describe("what the echo bot can be told", () => {
  test("/stream: pieces, then an answer without text", async () => {
    await using bot = await startBot("echo", {}, folder);
    const { streamed, answer } = await bot.ending(bot.ask("/stream 20 0"));
    expect(streamed.match(/piece \d+ 🐝 /g)).toHaveLength(20);
    expect(answer).toBeUndefined();
  });

  test.each([
    ["/crash", 1],
    ["/exit 7", 7],
    ["/exit", 0],
  ])("%s: the process ends", async (text, code) => {
    await using bot = await startBot("echo", {}, folder);
    bot.ask(text);
    expect((await bot.exit).code).toBe(code);
  });

  test("/crash 1: only the first attempt", async () => {
    await using bot = await startBot("echo", {}, folder);
    expect((await bot.ending(bot.ask("/crash 1", { attempt: 2 }))).answer).toBe("/crash 1");
    bot.ask("/crash 1");
    expect((await bot.exit).code).toBe(1);
  });

  test("/crash-after: what was streamed before the crash has got out", async () => {
    await using bot = await startBot("echo", {}, folder);
    bot.ask("/crash-after 7");
    expect((await bot.exit).code).toBe(1);
    expect(bot.lines.filter((line) => line.type === "delta")).toHaveLength(7);
  });

  test("/stall: heartbeats go on", async () => {
    await using bot = await startBot("echo", {}, folder);
    const turn = bot.ask("/stall");
    bot.send({ type: "ping" });
    await bot.line("heartbeat");
    bot.send({ type: "cancel", turn });
    expect((await bot.ending(turn)).failure).toBeDefined();
  });

  test("[R-C4] /hang: a ping gets no answer, and the end of input is not seen", async () => {
    await using bot = await startBot("echo", {}, folder);
    await using other = await startBot("echo", {}, folder);
    // In one write: when the answer is here, the command has been read too.
    bot.send(turnOf("a", "hello"), turnOf("h", "/hang"), { type: "ping" });
    await bot.ending("a");
    bot.send({ type: "ping" });
    bot.child.stdin?.end();
    // A bot that is well would have answered and ended many times over.
    for (let round = 0; round < 200; round++) await other.ending(other.ask("still here"));
    expect(bot.lines.some((line) => line.type === "heartbeat")).toBe(false);
    expect(bot.child.exitCode).toBeNull();
    bot.child.kill("SIGKILL");
    expect((await bot.exit).signal).toBe("SIGKILL");
  });

  test("/fail and /refuse: with and without another try", async () => {
    await using bot = await startBot("echo", {}, folder);
    expect((await bot.ending(bot.ask("/fail no luck"))).failure).toMatchObject({ reason: "no luck", retry: true });
    expect((await bot.ending(bot.ask("/refuse no way"))).failure).toMatchObject({ reason: "no way", retry: false });
  });

  test("[B8] /garbage and /babble: not protocol, then the answer", async () => {
    await using bot = await startBot("echo", {}, folder);
    expect((await bot.ending(bot.ask("/garbage"))).answer).toBe("/garbage");
    expect(bot.strange).toEqual(["{not json"]);
    expect((await bot.ending(bot.ask("/babble 1000000 line"))).answer).toBe("/babble 1000000 line");
    expect(bot.strange[1]).toHaveLength(1_000_000);
    expect((await bot.ending(bot.ask("/babble 1000000"))).answer).toBe("/babble 1000000");
    expect(bot.strange.slice(2).reduce((sum, line) => sum + line.length + 1, 0)).toBeGreaterThanOrEqual(1_000_000);
  });

  test("/loading: says so, then goes on", async () => {
    await using bot = await startBot("echo", {}, folder);
    await bot.ending(bot.ask("/loading 1"));
    expect(bot.lines.flatMap((line) => (line.type === "status" ? [line.state] : []))).toEqual(["loading", "running"]);
  });

  test("/memory: over its limit the process dies, by itself", async () => {
    await using bot = await startBot("echo", {}, folder);
    bot.ask("/memory 400");
    const { code, signal } = await bot.exit;
    expect(code === 0).toBe(false);
    expect(bot.stderr()).toMatch(/heap|memory/i);
    expect(signal ?? code).not.toBeNull();
  });

  test("commands: false makes them text", async () => {
    await using bot = await startBot("echo", { commands: false }, folder);
    expect((await bot.ending(bot.ask("/crash"))).answer).toBe("/crash");
  });

  test("options: prefix, pieces, time", async () => {
    await using bot = await startBot("echo", { prefix: "> ", pieces: 3, pieceMs: 1, delayMs: 1, startMs: 1 }, folder);
    expect(await bot.ending(bot.ask("hello"))).toEqual({ streamed: "> hello", answer: "> hello" });
    expect(bot.lines.filter((line) => line.type === "delta")).toHaveLength(3);
  });
});

describe("refuses to run", () => {
  test("an unknown kind", async () => {
    const launch = launchOf("echo", {}, folder);
    await using bot = spawnBot({ ...launch, args: [...launch.args.slice(0, -1), "../../secret"] });
    expect((await bot.exit).code).toBe(2);
    expect(bot.stderr()).toBe('Unknown kind of bot "../../secret"; there are acp, anthropic, echo, ollama, openai\n');
  });

  test("a first line that is not hello; another protocol", async () => {
    await using bot = spawnBot(launchOf("echo", {}, folder));
    bot.send({ type: "ping" });
    expect((await bot.exit).code).toBe(2);
    expect(bot.lines).toEqual([{ type: "log", level: "error", text: 'The first line must be "hello", not "ping"' }]);
    await using newer = spawnBot(launchOf("echo", {}, folder));
    newer.send({ ...hello, protocol: 2 });
    expect((await newer.exit).code).toBe(2);
  });

  test("crashAtStart", async () => {
    await using bot = spawnBot(launchOf("echo", { crashAtStart: true }, folder));
    bot.send({ ...hello, options: { crashAtStart: true } });
    expect((await bot.exit).code).toBe(1);
  });
});

test("lines that it does not know are left alone", async () => {
  await using bot = await startBot("echo", {}, folder);
  bot.write('{"type":"from-the-future","turn":1}\nnot json\n\n');
  expect((await bot.ending(bot.ask("hi"))).answer).toBe("hi");
});

test("what a bot may see of the environment is named", async () => {
  const launch = launchOf("command", { command: "env", env: ["NAMED"], set: { GIVEN: "1" } }, folder, {
    PATH: process.env["PATH"],
    HOME: "/home/ann",
    LANG: "C.UTF-8",
    NAMED: "yes",
    SECRET: "no",
  });
  await using bot = spawnBot(launch);
  await bot.exit;
  expect(bot.strange.map((line) => line.split("=")[0] ?? "").toSorted()).toEqual(["GIVEN", "HOME", "LANG", "NAMED", "PATH"]);
});
