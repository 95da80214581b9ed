/** The kind `acp` from outside: the bot's process, spoken to in the bot protocol, with a real agent's process behind it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { agentFolder, agentOptions, asked, linesOf, spawnAgentBot, startAgentBot } from "../agent/agent-bot.ts";
import { isAlive, until } from "../support/is-alive.ts";

describe("[T2] an answer", () => {
  test("is streamed as the agent says it, and ends when the agent ends its turn", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    expect(bot.lines[0]).toEqual({ type: "hello", protocol: 1, context: "history", concurrency: 64, heartbeat: true });
    const turn = bot.ask("how are the bees? 🐝");
    expect(await bot.ending(turn)).toEqual({ streamed: "You said: how are the bees? 🐝" });
    expect(linesOf(bot, "delta", turn).length).toBeGreaterThan(3);
  });

  test("of a thousand chunks is in order, whole, and ends after them", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    const { streamed } = await bot.ending(bot.ask("/slow 1000 0"));
    expect(streamed).toBe(Array.from({ length: 1000 }, (_, index) => `piece ${index + 1} 🐝 `).join(""));
  });

  test.each([
    ["/empty", { streamed: "", failure: { reason: "The agent gave an empty answer", retry: true } }],
    ["/refuse", { streamed: "", failure: { reason: "The agent refuses to answer this", retry: false } }],
    ["/error -32603 out of honey", { streamed: "", failure: { reason: "The agent reports: out of honey: a detail", retry: true } }],
    ["/error -32602 no such hive", { streamed: "", failure: { reason: "The agent reports: no such hive: a detail", retry: false } }],
    ["/max-tokens", { streamed: "So far\n\n(Cut off: the agent has used up its tokens for one answer. Ask it to go on.)" }],
  ])("%s: says what came of it", async (text, expected) => {
    using folder = agentFolder();
    await using bot = await folder.start();
    expect(await bot.ending(bot.ask(text))).toMatchObject(expected);
    expect(await bot.ending(bot.ask("still here?"))).toEqual({ streamed: "You said: still here?" });
  });

  test("updates that are nobody's answer, or from a newer agent, are left alone", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    expect(await bot.ending(bot.ask("/commands"))).toEqual({ streamed: "told" });
  });

  test("conversations are sessions of their own, side by side in one agent", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    const slow = bot.ask("/hang", { conversation: "a" });
    expect(await bot.ending(bot.ask("one", { conversation: "b" }))).toEqual({ streamed: "You said: one" });
    expect(JSON.parse((await bot.ending(bot.ask("/history", { conversation: "b" }))).streamed)).toHaveLength(2);
    bot.send({ type: "cancel", turn: slow });
    expect((await bot.ending(slow)).failure?.reason).toBe("Cancelled");
  });
});

describe("what an agent does besides talking", () => {
  test("thoughts are lines of their own, not part of the answer", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    const turn = bot.ask("/thought");
    expect(await bot.ending(turn)).toEqual({ streamed: "They are well." });
    expect(linesOf(bot, "thought", turn).map(({ id, text }) => [id, text])).toEqual([
      ["thought-1", "The bees "],
      ["thought-1", "are well 🐝"],
    ]);
  });

  test("a tool call is a part that is told as a whole each time it changes; text around it is two paragraphs", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    const turn = bot.ask("/tool");
    expect(await bot.ending(turn)).toEqual({ streamed: "I look at it.\n\nIt is done." });
    const parts = linesOf(bot, "part", turn).map(({ part }) => part);
    expect(parts.map((part) => part.type === "tool" && part.state)).toEqual(["pending", "running", "completed"]);
    expect(parts.at(-1)).toEqual({
      type: "tool",
      id: "call-1",
      title: "Edit hive.txt",
      tool: "edit",
      state: "completed",
      input: '{\n  "path": "hive.txt"\n}\n--- hive.txt\n@@ line 1 @@\n queen\n-drone\n+worker',
      output: "1 line changed",
      paths: ["/work/hive.txt"],
    });
  });

  test("a plan is one part that replaces itself", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    const turn = bot.ask("/plan");
    await bot.ending(turn);
    const parts = linesOf(bot, "part", turn).map(({ part }) => part);
    expect(parts.map(({ id }) => id)).toEqual(["plan", "plan"]);
    expect(parts.at(-1)).toMatchObject({
      steps: [
        { text: "Look", state: "completed" },
        { text: "Act", state: "pending" },
      ],
    });
  });

  test("[B8] what a tool was called with is cut to a bound", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    const turn = bot.ask("/huge-tool 2000000");
    expect(await bot.ending(turn)).toMatchObject({ streamed: "(Done; the agent said nothing about it.)" });
    const [line] = linesOf(bot, "part", turn);
    expect(JSON.stringify(line).length).toBeLessThan(20_000);
    expect(JSON.stringify(line)).toContain("more characters");
  });
});

describe("[T3] cancel", () => {
  test("stops the agent, then ends the turn; the session goes on", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    const turn = bot.ask("/slow 100000 5");
    await bot.line("delta");
    bot.send({ type: "cancel", turn });
    expect((await bot.ending(turn)).failure).toEqual({ type: "failure", turn, reason: "Cancelled", retry: false });
    expect(await bot.ending(bot.ask("and now?"))).toEqual({ streamed: "You said: and now?" });
  });

  test("leaves no tool running", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    const turn = bot.ask("/open-tool");
    await bot.line("part");
    bot.send({ type: "cancel", turn });
    await bot.ending(turn);
    expect(linesOf(bot, "part", turn).map(({ part }) => part.type === "tool" && part.state)).toEqual(["running", "failed"]);
  });

  test("an agent that does not stop is ended, and the process with it, within the controller's patience", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    const turn = bot.ask("/ignore-cancel");
    await bot.line("delta");
    bot.send({ type: "cancel", turn });
    expect((await bot.exit).code).toBe(1);
    expect(bot.lines.at(-1)).toMatchObject({ type: "log", text: "The agent was ended: it did not stop a cancelled turn within 4 s" });
  });
});

describe("[B5] an agent that dies", () => {
  test.each(["load", "resume"])(
    "goes on in the same session (session/%s); what it tells of the past is not streamed again",
    async (offers) => {
      using folder = agentFolder();
      const args = ["--offers", offers];
      {
        await using bot = await folder.start(args);
        await bot.ending(bot.ask("remember the queen"));
        bot.ask("/crash 1 2");
        expect((await bot.exit).code).toBe(1);
        expect(bot.lines.at(-1)).toMatchObject({ type: "log", level: "error", text: "The agent exited with code 1" });
      }
      await using bot = await folder.start(args);
      const history = [{ role: "person" as const, author: "ann", text: "remember the queen" }];
      expect(await bot.ending(bot.ask("/crash 1 2", { attempt: 2, history }))).toEqual({ streamed: "piece 1 🐝 piece 2 🐝 " });
      const said = (await asked(bot, "/history")) as { role: string; text: string }[];
      expect(said.map(({ role, text }) => `${role}: ${text}`)).toEqual([
        "user: remember the queen",
        "agent: You said: remember the queen",
        "user: /crash 1 2",
        "agent: piece 1 🐝 piece 2 🐝 ",
        "user: (Your work on the following message was broken off before. Some of it may be done already.)",
        "user: /crash 1 2",
        "agent: piece 1 🐝 piece 2 🐝 ",
      ]);
    },
  );

  test("and cannot go back into its session gets the conversation so far in a new one", async () => {
    using folder = agentFolder();
    const args = ["--offers", "nothing"];
    {
      await using bot = await folder.start(args);
      await bot.ending(bot.ask("remember the queen"));
    }
    await using bot = await folder.start(args);
    const history = [
      { role: "person" as const, author: "ann", text: "remember the queen" },
      { role: "bot" as const, author: "test", text: "I do" },
    ];
    await bot.ending(bot.ask("who?", { history }));
    expect(await asked(bot, "/history")).toEqual([
      {
        role: "user",
        text: "(This conversation began in an earlier session of yours. What was said in it:)\n\nPerson: remember the queen\n\nYou: I do",
      },
      { role: "user", text: "who?" },
      { role: "agent", text: "You said: who?" },
    ]);
  });

  test("a session that the agent has lost is begun anew, with the conversation so far", async () => {
    using folder = agentFolder();
    mkdirSync(join(folder.bot, "sessions"));
    writeFileSync(join(folder.bot, "sessions", "c1.json"), JSON.stringify({ session: "gone", by: "somebody" }));
    await using bot = await folder.start();
    const history = [{ role: "person" as const, author: "ann", text: "remember" }];
    expect(await bot.ending(bot.ask("still?", { history }))).toEqual({ streamed: "You said: still?" });
    expect(JSON.stringify(await asked(bot, "/history"))).toContain("Person: remember");
    expect(bot.lines.some((line) => line.type === "log" && line.text.startsWith("The agent could not take up its session"))).toBe(true);
  });

  test("workers of one bot take over a conversation from each other", async () => {
    using folder = agentFolder();
    await using one = await folder.start();
    await using two = await folder.start();
    await one.ending(one.ask("first"));
    await two.ending(two.ask("second"));
    const said = (await asked(one, "/history")) as { role: string; text: string }[];
    expect(said.filter(({ role }) => role === "user").map(({ text }) => text)).toEqual(["first", "second"]);
  });

  test("a session's file that makes no sense is no session", async () => {
    using folder = agentFolder();
    mkdirSync(join(folder.bot, "sessions"));
    writeFileSync(join(folder.bot, "sessions", "c1.json"), "{half");
    await using bot = await folder.start();
    expect(await bot.ending(bot.ask("hi"))).toEqual({ streamed: "You said: hi" });
  });
});

test("[B8] who does not read gets no more from the agent: memory stays small", async () => {
  using folder = agentFolder();
  await using bot = await folder.start();
  const [agent] = (await asked(bot, "/where")) as [number];
  const written = (): string => /^wchar: (\d+)/m.exec(readFileSync(`/proc/${agent}/io`, "utf8"))?.[1] ?? "";
  bot.child.stdout?.pause();
  const turn = bot.ask("/flood 60");
  // The agent has stopped writing because nobody reads.
  let last = written();
  let same = 0;
  await until(() => {
    const now = written();
    same = now === last && Number(now) > 100_000 ? same + 1 : 0;
    last = now;
    return same === 30;
  }, "the agent's standstill");
  expect(Number(last)).toBeLessThan(20_000_000);
  bot.child.stdout?.resume();
  expect((await bot.ending(turn)).streamed).toHaveLength(60_000_000);
  const peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${bot.pid}/status`, "utf8"))?.[1] ?? 0) / 1000;
  expect(peak).toBeLessThan(200);
});

describe("[B7] leaves nothing behind", () => {
  test.each(["its input ends", "it is terminated", "the agent dies"])(
    "when %s: neither the agent nor what the agent has started",
    async (how) => {
      using folder = agentFolder();
      await using bot = await folder.start();
      const [agent] = (await asked(bot, "/where")) as [number, string];
      const children = (await asked(bot, "/children")) as number[];
      expect([agent, ...children].map(isAlive)).toEqual([true, true, true]);
      if (how === "its input ends") bot.child.stdin?.end();
      else if (how === "it is terminated") bot.child.kill("SIGTERM");
      else process.kill(agent, "SIGKILL");
      await bot.exit;
      await until(() => ![agent, ...children].some(isAlive), "the end of all");
    },
  );
});

describe("an agent that does not speak ACP", () => {
  test("[B8] some garbage is dropped, with a note", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    expect(await bot.ending(bot.ask("/garbage 300"))).toEqual({ streamed: "garbage written" });
    expect(bot.lines.filter((line) => line.type === "log" && line.text.startsWith("The agent wrote no message"))).toHaveLength(3);
  });

  test("[B8] too much of it ends the agent", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    bot.ask("/garbage 2000000");
    expect((await bot.exit).code).toBe(1);
    expect(bot.lines.at(-1)).toMatchObject({ text: "The agent was ended: its output is not the Agent Client Protocol" });
  });

  test("[B8] a message that is too long ends the agent", async () => {
    using folder = agentFolder();
    await using bot = await folder.start();
    bot.ask("/huge 30000000");
    expect((await bot.exit).code).toBe(1);
    expect(bot.lines.at(-1)).toMatchObject({ text: "The agent was ended: it wrote a message of more than 16777216 characters" });
  });

  test("another version of the protocol is refused before it is ready", async () => {
    using folder = agentFolder();
    const options = agentOptions(["--version", "2"]);
    await using bot = spawnAgentBot(options, folder.bot);
    expect((await bot.exit).code).toBe(2);
    expect(bot.lines.at(-1)).toMatchObject({ text: "The agent speaks version 2 of the Agent Client Protocol, Skep version 1" });
  });

  test("a program that ends at once: its exit is the reason", async () => {
    using folder = agentFolder();
    const options = { command: process.execPath, args: ["-e", "process.exit(7)"] };
    await using bot = spawnAgentBot(options, folder.bot);
    expect((await bot.exit).code).toBe(1);
    expect(bot.lines.at(-1)).toMatchObject({ text: "The agent exited with code 7" });
  });
});

test("sees the variables that are named, and works in its folder", async () => {
  using folder = agentFolder();
  const options = agentOptions([], { env: ["NAMED"], set: { GIVEN: "1" } });
  const environment = { PATH: process.env["PATH"], HOME: folder.bot, LANG: "C.UTF-8", NAMED: "yes", SECRET: "no" };
  await using bot = await startAgentBot(options, folder.bot, environment);
  expect(await asked(bot, "/environment")).toEqual(["GIVEN", "HOME", "LANG", "NAMED", "PATH", "SKEP_WORKER"]);
  expect(((await asked(bot, "/where")) as unknown[])[1]).toBe(folder.work);
  expect(existsSync(join(folder.bot, "sessions", "c1.json"))).toBe(true);
});
