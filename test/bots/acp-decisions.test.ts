/** The kind `acp`: what people have to decide or do: permissions, sign-in, options. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { agentFolder, agentOptions, asked, linesOf, startAgentBot } from "../agent/agent-bot.ts";
import { until } from "../support/is-alive.ts";

describe("permission", () => {
  test("people are asked: the agent gets what they decide, and the tool waits for it", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    const turn = bot.ask("/permission");
    const request = await bot.line("permission");
    expect(request).toEqual({
      type: "permission",
      turn,
      id: "permission-1",
      title: 'Run "rm -rf build"',
      detail: "rm -rf build",
      part: "call-1",
      limitMs: 604_800_000,
      options: [
        { id: "yes", label: "Allow", effect: "allow", always: false },
        { id: "always", label: "Always allow", effect: "allow", always: true },
        { id: "no", label: "Reject", effect: "reject", always: false },
      ],
    });
    bot.send({ type: "decision", turn, id: request.id, option: "always" });
    expect(await bot.ending(turn)).toEqual({ streamed: '{"outcome":"selected","optionId":"always"}' });
    expect(linesOf(bot, "part", turn).at(-1)?.part).toMatchObject({ id: "call-1", state: "completed" });
  });

  test.each([
    ["null", null],
    ["an option that was not offered", "everything"],
  ])("%s is a refusal", async (_, option) => {
    using folder = agentFolder();
    await using bot = await folder.start();
    const turn = bot.ask("/permission");
    const { id } = await bot.line("permission");
    bot.send({ type: "decision", turn, id: "permission-99", option: "yes" }, { type: "decision", turn, id, option });
    expect(await bot.ending(turn)).toEqual({ streamed: '{"outcome":"selected","optionId":"no"}' });
    expect(linesOf(bot, "part", turn).at(-1)?.part).toMatchObject({ id: "call-1", state: "failed" });
  });

  test.each([
    [{ permissions: "allow" }, "execute", "yes"],
    [{ permissions: "reject" }, "execute", "no"],
    [{ permissions: "reject", rules: { read: "allow" } }, "read", "yes"],
    [{ permissions: "allow", rules: { execute: "reject" } }, "execute", "no"],
  ])("policy %j: a request to %s is answered %s, and nobody is asked", async (options, kind, optionId) => {
    using folder = agentFolder();
    await using bot = await folder.start([], options);
    const turn = bot.ask(`/permission ${kind}`);
    expect(await bot.ending(turn)).toEqual({ streamed: JSON.stringify({ outcome: "selected", optionId }) });
    expect(linesOf(bot, "permission", turn)).toEqual([]);
  });

  test("that nobody decides about is refused when its time is over", async () => {
    using folder = agentFolder();
    await using bot = await folder.start([], { permissionMs: 20 });
    const turn = bot.ask("/permission");
    expect(await bot.ending(turn)).toEqual({ streamed: '{"outcome":"selected","optionId":"no"}' });
    bot.send({ type: "decision", turn, id: "permission-1", option: "yes" });
    expect(await bot.ending(bot.ask("too late"))).toEqual({ streamed: "You said: too late" });
  });

  test("[T3] of a cancelled turn: the agent hears that it is cancelled", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    const turn = bot.ask("/permission");
    await bot.line("permission");
    bot.send({ type: "cancel", turn });
    expect(await bot.ending(turn)).toMatchObject({ streamed: '{"outcome":"cancelled"}', failure: { reason: "Cancelled", retry: false } });
  });
});

describe("a sign-in that is needed", () => {
  test("is said at once, with what to do; turns wait, and go on when somebody has signed in", async () => {
    using folder = agentFolder();
    const signedIn = join(folder.bot, "signed-in");
    await using bot = await folder.start(["--signed-in", signedIn], { checkMs: 20 });
    const login = await bot.line("login");
    expect(bot.lines.slice(0, 2).map(({ type }) => type)).toEqual(["hello", "login"]);
    expect(login).toMatchObject({ needed: true, detail: expect.stringContaining("has to be signed in") as string });
    const turn = bot.ask("hello?");
    expect(await bot.line("status")).toEqual({ type: "status", turn, state: "waiting", detail: login.detail });
    writeFileSync(signedIn, "");
    expect(await bot.ending(turn)).toEqual({ streamed: "You said: hello?" });
    expect(bot.lines.filter((line) => line.type === "login").map(({ needed }) => needed)).toEqual([true, false]);
  });

  test("that only a prompt shows: the turn that waits tries again", async () => {
    using folder = agentFolder();
    const signedIn = join(folder.bot, "signed-in");
    await using bot = await folder.start(["--signed-in", signedIn, "--refuses", "prompt"], { checkMs: 20 });
    const turn = bot.ask("hello?");
    await bot.line("login");
    await until(() => bot.stderr().split("refused a prompt").length > 3, "two more tries in vain");
    writeFileSync(signedIn, "");
    expect(await bot.ending(turn)).toEqual({ streamed: "You said: hello?" });
    expect(bot.lines.filter((line) => line.type === "login").map(({ needed }) => needed)).toEqual([true, false]);
    expect(linesOf(bot, "status", turn).map(({ state }) => state)).toEqual(["waiting", "running"]);
  });

  test("[T3] a turn that waits for it can be cancelled", async () => {
    using folder = agentFolder();
    await using bot = await folder.start(["--signed-in", join(folder.bot, "never")]);
    const turn = bot.ask("hello?");
    await bot.line("status");
    bot.send({ type: "cancel", turn });
    expect((await bot.ending(turn)).failure?.reason).toBe("Cancelled");
  });

  test("an agent that is not installed: the same, and it says what to install", async () => {
    using folder = agentFolder();
    const environment = { PATH: folder.work, HOME: folder.bot };
    await using bot = await startAgentBot({ agent: "codex", from: ".", checkMs: 20 }, folder.bot, environment);
    const { detail } = await bot.line("login");
    expect(detail).toMatch(/^Codex is not installed: .* To install it: npm install --global @agentclientprotocol\/codex-acp$/);
    const turn = bot.ask("hello?");
    await bot.line("status");
    // The folder's own programs come before the PATH.
    const programs = join(folder.bot, "node_modules", ".bin");
    mkdirSync(programs, { recursive: true });
    const [main] = agentOptions()["args"] as [string];
    writeFileSync(join(programs, "codex-acp"), `#!/bin/sh\nexec "${process.execPath}" "${main}"\n`, { mode: 0o755 });
    expect(await bot.ending(turn)).toEqual({ streamed: "You said: hello?" });
  });

  test("a working folder that is not there: the same", async () => {
    using folder = agentFolder();
    await using bot = await folder.start([], { cwd: join(folder.bot, "..", "elsewhere") });
    expect((await bot.line("login")).detail).toMatch(/working folder .*elsewhere does not exist/);
  });
});

describe("options that the agent gets", () => {
  test("its mode and its tool servers, for every session", async () => {
    using folder = agentFolder();
    const mcpServers = [{ name: "hive", command: "hive-tools", args: [], env: [] }];
    await using bot = await folder.start([], { mode: "plan", mcpServers });
    expect(await asked(bot, "/session")).toEqual({ mode: "plan", servers: mcpServers, open: 1 });
  });

  test("a mode that it does not have fails the turn, in words", async () => {
    using folder = agentFolder();
    await using bot = await folder.start([], { mode: "dream" });
    expect((await bot.ending(bot.ask("hi"))).failure).toMatchObject({ reason: "The agent reports: Invalid params", retry: false });
  });

  test("a way to sign in that needs nobody is taken; what it lacks is said", async () => {
    using folder = agentFolder();
    const args = ["--signed-in", join(folder.bot, "signed-in")];
    {
      await using bot = await folder.start(args, { authMethod: "by-key" });
      expect((await bot.line("login")).detail).toContain("has to be signed in");
    }
    const { set } = agentOptions() as { set: Record<string, string> };
    await using bot = await folder.start(args, { authMethod: "by-key", set: { ...set, AGENT_KEY: "sesame" } });
    expect(await bot.ending(bot.ask("hi"))).toEqual({ streamed: "You said: hi" });
    expect(bot.lines.some((line) => line.type === "login")).toBe(false);
  });

  test("[B8] sessions that nobody has used for long are closed, and taken up again when they are needed", async () => {
    using folder = agentFolder();
    await using bot = await folder.start(["--offers", "load,close"]);
    await bot.ending(bot.ask("first of all", { conversation: "first" }));
    for (let each = 0; each < 40; each++) await bot.ending(bot.ask("hi", { conversation: `c${each}` }));
    const { open } = JSON.parse((await bot.ending(bot.ask("/session", { conversation: "c39" }))).streamed) as { open: number };
    expect(open).toBe(32);
    expect((await bot.ending(bot.ask("/history", { conversation: "first" }))).streamed).toContain("first of all");
  });
});
