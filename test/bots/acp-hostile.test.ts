/** Files and commands that an agent asks for: only what is allowed, only inside its working folder, whatever it says. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { AgentFolder } from "../agent/agent-bot.ts";
import { agentFolder, asked } from "../agent/agent-bot.ts";
import { isAlive, until } from "../support/is-alive.ts";
import type { BotProcess } from "./bot-process.ts";

interface Came {
  content?: string;
  error?: string;
  code?: number;
}

const read = async (bot: BotProcess, path: string): Promise<Came> => (await asked(bot, `/read ${JSON.stringify(path)}`)) as Came;
const write = async (bot: BotProcess, path: string, text: string): Promise<Came> =>
  (await asked(bot, `/write ${JSON.stringify([path, text])}`)) as Came;

/** A folder outside, and ways out of the working folder that lead into it. */
function withWaysOut(folder: AgentFolder): { outside: string; ways: string[] } {
  const outside = join(folder.bot, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "secret.txt"), "honey");
  writeFileSync(join(folder.bot, "workshop.txt"), "its name begins like that of the working folder");
  mkdirSync(join(folder.work, "inner"));
  symlinkSync(outside, join(folder.work, "door"));
  symlinkSync(join(outside, "secret.txt"), join(folder.work, "window"));
  symlinkSync(join(outside, "not-yet.txt"), join(folder.work, "broken"));
  symlinkSync("door", join(folder.work, "porch"));
  symlinkSync("loop", join(folder.work, "loop"));
  return {
    outside,
    ways: [
      join(outside, "secret.txt"),
      "/etc/passwd",
      "../outside/secret.txt",
      "inner/../../outside/secret.txt",
      "inner/../inside.txt",
      join(folder.work, "..", "outside", "secret.txt"),
      `${folder.work}/../outside/secret.txt`,
      `${folder.work}shop.txt`,
      "..\\outside\\secret.txt",
      "door/secret.txt",
      "porch/secret.txt",
      "window",
      "broken",
      "loop",
      "door",
      "",
      ".",
      "inner",
      "secret\0.txt",
      "/dev/zero",
      "/dev/stdin",
      "/proc/self/environ",
      "/proc/self/root/etc/passwd",
      "\u2024\u2024/outside/secret.txt",
      "%2e%2e/outside/secret.txt",
      "~/secret.txt",
      "x".repeat(5000),
    ],
  };
}

describe("[R-B8] files", () => {
  test("inside the working folder are read, by absolute and by relative path, whole or in part", async () => {
    using folder = agentFolder();
    await using bot = await folder.start([], { files: "read" });
    const path = join(folder.work, "hive.txt");
    writeFileSync(path, "queen\nworker 🐝\ndrone\n");
    expect(await read(bot, path)).toEqual({ content: "queen\nworker 🐝\ndrone\n" });
    expect(await read(bot, "hive.txt")).toEqual({ content: "queen\nworker 🐝\ndrone\n" });
    expect(await read(bot, "none.txt")).toEqual({ error: 'There is no such file: "none.txt"', code: -32002 });
  });

  test("no way out is read, and nothing of what is there comes back", async () => {
    using folder = agentFolder();
    const { ways } = withWaysOut(folder);
    await using bot = await folder.start([], { files: "write" });
    for (const way of ways) {
      const came = await read(bot, way);
      expect([way, came.content]).toEqual([way, undefined]);
      expect([way, came.code]).toEqual([way, expect.toBeOneOf([-32602, -32002])]);
      expect(came.error).not.toContain("honey");
    }
  });

  test("no way out is written, and nothing changes there", async () => {
    using folder = agentFolder();
    const { outside, ways } = withWaysOut(folder);
    await using bot = await folder.start([], { files: "write" });
    for (const way of ways) {
      // Names that only look like ways out are names of files inside.
      if (/^(%|~|\u2024)/.test(way)) continue;
      expect([way, (await write(bot, way, "stolen")).code]).toEqual([way, expect.toBeOneOf([-32602, -32002])]);
    }
    expect(readdirSync(outside)).toEqual(["secret.txt"]);
    expect(readFileSync(join(outside, "secret.txt"), "utf8")).toBe("honey");
  });

  test("are written where they are missing, with the folders on the way; an old text is replaced whole", async () => {
    using folder = agentFolder();
    await using bot = await folder.start([], { files: "write" });
    expect(await write(bot, "a/b/new.txt", "long text")).toEqual({});
    expect(await write(bot, join(folder.work, "a/b/new.txt"), "short")).toEqual({});
    expect(readFileSync(join(folder.work, "a/b/new.txt"), "utf8")).toBe("short");
    expect(await write(bot, "~/new.txt", "a tilde is a name")).toEqual({});
    expect(existsSync(join(folder.work, "~", "new.txt"))).toBe(true);
  });

  test("a link that is put in the way at any moment leads nobody out", async () => {
    using folder = agentFolder();
    const { outside } = withWaysOut(folder);
    mkdirSync(join(outside, "deep"));
    writeFileSync(join(outside, "deep", "secret.txt"), "honey");
    mkdirSync(join(folder.work, "swing", "deep"), { recursive: true });
    writeFileSync(join(folder.work, "swing", "deep", "secret.txt"), "wax");
    // "swing" is a folder, and a link to one outside, by turns, as fast as can be: between any two steps of ours.
    const script = `const fs = require("node:fs"); process.chdir(process.argv[1]);
      const stay = () => { for (const end = performance.now() + Math.random() * 0.4; performance.now() < end;); };
      for (;;) {
        stay();
        fs.renameSync("swing", "away");
        try { fs.symlinkSync(process.argv[2], "swing"); stay(); fs.unlinkSync("swing"); } catch {}
        for (;;) try { fs.renameSync("away", "swing"); break; } catch { fs.rmSync("swing", { recursive: true, force: true }); }
      }`;
    const swinging = spawn(process.execPath, ["-e", script, folder.work, outside], { stdio: "ignore" });
    try {
      await using bot = await folder.start([], { files: "write" });
      let inside = 0;
      for (let each = 0; each < 400; each++) {
        const came = await read(bot, "swing/deep/secret.txt");
        expect(came.content ?? "wax").toBe("wax");
        if (came.content) inside++;
        await write(bot, `swing/deep/new-${each}.txt`, "stolen");
      }
      expect(readdirSync(join(outside, "deep"))).toEqual(["secret.txt"]);
      expect(readFileSync(join(outside, "deep", "secret.txt"), "utf8")).toBe("honey");
      expect(inside).toBeGreaterThan(0);
    } finally {
      swinging.kill("SIGKILL");
    }
  });

  test("that are none, such as a named pipe, are refused without waiting", async () => {
    using folder = agentFolder();
    execFileSync("mkfifo", [join(folder.work, "pipe")]);
    await using bot = await folder.start([], { files: "write" });
    expect((await read(bot, "pipe")).error).toMatch(/not a regular file/);
    expect((await write(bot, "pipe", "text")).error).toMatch(/not a regular file|cannot be opened/);
  });

  test("[B8] that are too large are refused", async () => {
    using folder = agentFolder();
    writeFileSync(join(folder.work, "large.txt"), Buffer.alloc(9 * 1024 * 1024));
    await using bot = await folder.start([], { files: "read" });
    expect((await read(bot, "large.txt")).error).toMatch(/the limit is 8388608/);
  });

  test.each([
    ["none", -32601, -32601],
    ["read", undefined, -32601],
  ])("files: %s is all that is served", async (files, reading, writing) => {
    using folder = agentFolder();
    writeFileSync(join(folder.work, "hive.txt"), "queen");
    await using bot = await folder.start([], { files });
    expect((await read(bot, "hive.txt")).code).toBe(reading);
    expect((await write(bot, "hive.txt", "drone")).code).toBe(writing);
    expect(readFileSync(join(folder.work, "hive.txt"), "utf8")).toBe("queen");
  });
});

interface Ran {
  output?: string;
  truncated?: boolean;
  exitCode?: number | null;
  signal?: string | null;
  error?: string;
  code?: number;
}

const run = async (bot: BotProcess, wanted: Record<string, unknown>): Promise<Ran> =>
  (await asked(bot, `/terminal ${JSON.stringify(wanted)}`)) as Ran;

describe("[R-B8] commands", () => {
  test("are not run unless that is allowed", async () => {
    using folder = agentFolder();
    await using bot = await folder.start([], { files: "write" });
    expect((await run(bot, { command: "touch", args: ["made"] })).code).toBe(-32601);
    expect(existsSync(join(folder.work, "made"))).toBe(false);
  });

  test("run in the working folder, without a shell", async () => {
    using folder = agentFolder();
    mkdirSync(join(folder.work, "inner"));
    await using bot = await folder.start([], { terminal: true });
    expect(await run(bot, { command: "pwd" })).toEqual({ output: `${folder.work}\n`, truncated: false, exitCode: 0, signal: null });
    expect((await run(bot, { command: "pwd", cwd: "inner" })).output).toBe(`${join(folder.work, "inner")}\n`);
    expect((await run(bot, { command: "echo", args: ["$HOME", "; touch made", "*"] })).output).toBe("$HOME ; touch made *\n");
    expect((await run(bot, { command: "touch made; echo" })).error).toMatch(/could not be started .*without a shell/);
    expect((await run(bot, { command: "false" })).exitCode).toBe(1);
    expect(existsSync(join(folder.work, "made"))).toBe(false);
  });

  test("run in a shell when that is allowed too", async () => {
    using folder = agentFolder();
    await using bot = await folder.start([], { terminal: true, shell: true });
    expect((await run(bot, { command: "echo one && echo two" })).output).toBe("one\ntwo\n");
  });

  test("do not start in a folder elsewhere", async () => {
    using folder = agentFolder();
    const { outside } = withWaysOut(folder);
    await using bot = await folder.start([], { terminal: true });
    for (const cwd of [outside, "door", "..", "/"]) expect((await run(bot, { command: "pwd", cwd })).code).toBe(-32602);
  });

  test("[B8] of what they write only the end is kept, not cut within a character", async () => {
    using folder = agentFolder();
    await using bot = await folder.start([], { terminal: true });
    const args = ["-e", `process.stdout.write("🐝".repeat(1000) + "end")`];
    const ran = await run(bot, { command: process.execPath, args, limit: 14 });
    expect(ran).toMatchObject({ output: "🐝🐝end", truncated: true, exitCode: 0 });
    const much = await run(bot, { command: process.execPath, args: ["-e", `process.stdout.write("x".repeat(3e6) + "end")`] });
    expect(much.truncated).toBe(true);
    expect(much.output).toMatch(/^x+end$/);
    expect(much.output?.length).toBeLessThanOrEqual(256 * 1024);
  });

  test("that are killed end with what they have started", async () => {
    using folder = agentFolder();
    await using bot = await folder.start([], { terminal: true, shell: true });
    // The shell does not forward signals; its child would go on.
    expect(await run(bot, { command: "sleep 1000; true", end: "kill" })).toMatchObject({ exitCode: null, signal: "SIGKILL" });
  });

  test("[B7] that still run end with the bot", async () => {
    using folder = agentFolder();
    const file = join(folder.work, "pid");
    await using bot = await folder.start([], { terminal: true, shell: true });
    await run(bot, { command: `echo $$ > ${file}; sleep 1000; true`, end: "leave" });
    const written = (): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
    await until(() => written().endsWith("\n"), "the pid");
    const pid = Number(written());
    expect(isAlive(pid)).toBe(true);
    bot.child.stdin?.end();
    await bot.exit;
    await until(() => !isAlive(pid), "the end of the command");
  });
});
