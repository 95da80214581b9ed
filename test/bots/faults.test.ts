/** What a model server can do to a bot, with a real bot process, real sockets and the stand-in as the server. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelServer } from "../model/model-server.ts";
import { startModelServer } from "../model/model-server.ts";
import { replyTo } from "../model/reply.ts";
import type { BotProcess } from "./bot-process.ts";
import { startBot } from "./bot-process.ts";

const silenceMs = 300;
const question = "How are the bees? 🐝 你好";
const expected = replyTo([{ role: "user", content: question }]);

let folder: string;
let server: ModelServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "skep-faults-"));
  server = await startModelServer({ loadMs: 3 * silenceMs });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const kinds = ["ollama", "openai", "anthropic"] as const;
type KindName = (typeof kinds)[number];

const optionsFor = (kind: KindName, model: string, url = server.url): Record<string, unknown> => ({
  ...(kind === "ollama" ? { url } : kind === "openai" ? { baseUrl: `${url}/v1` } : { baseUrl: url, apiKeyEnv: "" }),
  model,
  silenceMs,
});

const botWithServer = (kind: KindName, model: string, url: string): Promise<BotProcess> =>
  startBot(kind, optionsFor(kind, model, url), folder);

const botWith = (kind: KindName, model: string): Promise<BotProcess> => botWithServer(kind, model, server.url);

const statuses = (bot: BotProcess): string[] => bot.lines.flatMap((line) => (line.type === "status" ? [line.state] : []));

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

describe.each(kinds)("%s", (kind) => {
  test.each(["stand-in", "split", "thinking", "tools", "whole"])(
    "[T2] %s: the answer is what the model said, byte for byte",
    async (model) => {
      await using bot = await botWith(kind, model);
      expect(await bot.ending(bot.ask(question))).toEqual({ streamed: expected });
      expect(statuses(bot)).toEqual([]);
    },
  );

  test("[R-C8] 500 ms added latency: the answer comes, nobody is alarmed", async () => {
    await using bot = await startBot(kind, { ...optionsFor(kind, "slow"), silenceMs: 5000 }, folder);
    const turns = Array.from({ length: 20 }, () => bot.ask(question));
    for (const turn of turns) expect(await bot.ending(turn)).toEqual({ streamed: expected });
    expect(statuses(bot)).toEqual([]);
  });

  test.each([
    ["missing", false, /model "missing" is not on this server/],
    ["error-400", false, /refuses the request \(400\)/],
    ["error-401", false, /\(401/],
    ["error-403", false, /\(403/],
    ["redirect", false, /redirects elsewhere \(307\)/],
    ["error-429", true, /too much to do.*\(429\)/],
    ["error-500", true, /failed \(500\): The model runner has stopped unexpectedly/],
    ["error-503", true, /\(503\)/],
    ["error-529", true, /overloaded or not ready \(529\)/],
    ["cut-early", true, /closed the connection without an answer/],
    ["garbage", true, /not what its protocol says/],
    ["html", true, /not what its protocol says/],
    ["empty", true, /gave an empty answer/],
    ["tools-only", false, /asked for a tool/],
  ])("[R-C7] %s: a clear reason, retry %s", async (model, retry, reason) => {
    await using bot = await botWith(kind, model);
    const { failure, streamed } = await bot.ending(bot.ask(question));
    expect(failure).toMatchObject({ retry, reason: expect.stringMatching(reason) });
    expect(streamed).toBe("");
  });

  test.each([
    ["cut", /stopped in the middle/],
    ["ends-early", /stopped in the middle/],
    ["error-midway", /reports: .*error/],
  ])("[R-C7] %s: what came is streamed, then the attempt fails and is worth another", async (model, reason) => {
    await using bot = await botWith(kind, model);
    const { failure, streamed } = await bot.ending(bot.ask(question));
    expect(failure).toMatchObject({ retry: true, reason: expect.stringMatching(reason) });
    expect(streamed).not.toBe("");
    expect(expected.startsWith(streamed)).toBe(true);
  });

  test("[R-C7] nobody listens: connection refused, retry", async () => {
    await using bot = await startBot(kind, optionsFor(kind, "stand-in", `http://127.0.0.1:${await freePort()}`), folder);
    const { failure } = await bot.ending(bot.ask(question));
    expect(failure).toMatchObject({ retry: true, reason: expect.stringMatching(/^Nothing answers at .*connection refused/) });
  });

  test("[R-C7] a model that loads is not given up: people see that it loads, then the answer", async () => {
    await using bot = await botWith(kind, "loading");
    expect(await bot.ending(bot.ask(question))).toEqual({ streamed: expected });
    expect(statuses(bot)).toEqual(["loading", "running"]);
    const { detail } = await bot.line("status", (line) => line.state === "loading");
    expect(detail).toBe("The model has not answered for 0.3 s; the server is up, it may be loading the model");
  });

  test("[R-C7] a server that is silent and does not answer its health check: told at once, then failed with retry", async () => {
    await using bot = await botWith(kind, "silent-down");
    const { failure } = await bot.ending(bot.ask(question));
    expect(statuses(bot)).toEqual(["waiting"]);
    expect(failure).toMatchObject({
      retry: true,
      reason: "The model server has not answered for 0.3 s and does not answer its health check",
    });
  });

  test("[R-C7] silence in mid-answer is treated the same way", async () => {
    await using bot = await botWith(kind, "silent-midway");
    const turn = bot.ask(question);
    await bot.line("status", (line) => line.turn === turn && line.state === "loading");
    expect(bot.lines.some((line) => line.type === "delta" && line.turn === turn)).toBe(true);
  });

  test("[R-C7] other turns go on while one is silent", async () => {
    const own = await startModelServer();
    try {
      await using bot = await startBot(kind, optionsFor(kind, "any", own.url), folder);
      own.behave("silent", { times: 1 });
      const silent = bot.ask(question);
      await own.requested(1);
      expect(await bot.ending(bot.ask(question))).toEqual({ streamed: expected });
      expect(bot.lines.some((line) => "turn" in line && line.turn === silent && line.type !== "status")).toBe(false);
    } finally {
      await own.close();
    }
  });

  test("[T3] cancel ends the turn at once and closes the request", async () => {
    const own = await startModelServer();
    try {
      await using bot = await startBot(kind, optionsFor(kind, "silent-midway", own.url), folder);
      const turn = bot.ask(question);
      const request = await own.requested(1);
      await bot.line("delta");
      bot.send({ type: "cancel", turn });
      expect((await bot.ending(turn)).failure).toMatchObject({ reason: "Cancelled", retry: false });
      expect(await request.over).toBe("cut");
    } finally {
      await own.close();
    }
  });

  test("[R-C10] the connection is kept from turn to turn", async () => {
    const own = await startModelServer();
    try {
      await using bot = await startBot(kind, optionsFor(kind, "stand-in", own.url), folder);
      for (let turn = 0; turn < 10; turn++) await bot.ending(bot.ask(question));
      expect(own.connections()).toBe(1);
    } finally {
      await own.close();
    }
  });

  test("the model gets the system prompt and the history, within its budget, oldest left out", async () => {
    const own = await startModelServer();
    try {
      await using bot = await startBot(
        kind,
        { ...optionsFor(kind, "stand-in", own.url), system: "You are a bee", contextTokens: 60 },
        folder,
      );
      const history = [
        { role: "person" as const, author: "ann", text: "x".repeat(1000) },
        { role: "bot" as const, author: "test", text: "an answer to what was left out" },
        { role: "person" as const, author: "ann", text: "short" },
        { role: "bot" as const, author: "test", text: "answer" },
      ];
      await bot.ending(bot.ask(question, { history }));
      const { messages } = await own.requested(1);
      expect(messages).toEqual([
        { role: "system", content: "You are a bee" },
        { role: "user", content: "short" },
        { role: "assistant", content: "answer" },
        { role: "user", content: question },
      ]);
    } finally {
      await own.close();
    }
  });
});

test("[R-C7] by default people are told after 5 s", async () => {
  await using bot = await startBot("ollama", { url: server.url, model: "silent" }, folder);
  const before = performance.now();
  bot.ask(question);
  const { detail } = await bot.line("status");
  expect(detail).toBe("The model has not answered for 5 s; the server is up, it may be loading the model");
  expect(performance.now() - before).toBeGreaterThan(4900);
  expect(performance.now() - before).toBeLessThan(7000);
});

test("an answer that takes longer than limitMs is given up, and its request closed", async () => {
  const own = await startModelServer();
  try {
    await using bot = await startBot("ollama", { url: own.url, model: "silent-midway", limitMs: 200 }, folder);
    const { failure } = await bot.ending(bot.ask(question));
    expect(failure).toMatchObject({ reason: "The model took longer than 0.2 s", retry: true });
    expect(await (await own.requested(1)).over).toBe("cut");
  } finally {
    await own.close();
  }
});

test("[R-C7] ollama says how to get a model that is missing", async () => {
  await using bot = await botWith("ollama", "missing");
  const { failure } = await bot.ending(bot.ask(question));
  expect(failure?.reason).toBe('The model "missing" is not on this server; `ollama pull missing` gets it');
});

test.each(["openai", "anthropic"] as const)("%s: the key comes from the variable that is named, and nothing else does", async (kind) => {
  const own = await startModelServer({ key: "sesame" });
  try {
    const options = { ...optionsFor(kind, "stand-in", own.url), apiKeyEnv: "THE_KEY" };
    await using bot = await startBot(kind, options, folder, { ...process.env, THE_KEY: "sesame" });
    expect(await bot.ending(bot.ask(question))).toEqual({ streamed: expected });
    await using wrong = await startBot(kind, options, folder, { ...process.env, THE_KEY: "other" });
    const { failure } = await wrong.ending(wrong.ask(question));
    expect(failure).toMatchObject({ retry: false, reason: expect.stringContaining("THE_KEY") });
    expect(failure?.reason).not.toContain("other");
    await using none = await startBot(kind, options, folder);
    expect((await none.ending(none.ask(question))).failure).toMatchObject({
      retry: false,
      reason: expect.stringMatching(/THE_KEY.*is not set/),
    });
  } finally {
    await own.close();
  }
});

test("[R-C7] a server that says when to come again is not asked before: people see the pause, then the attempt is worth another", async () => {
  const own = await startModelServer({ retryAfterSeconds: 1 });
  try {
    await using bot = await botWithServer("anthropic", "error-429", own.url);
    const before = performance.now();
    const { failure } = await bot.ending(bot.ask(question));
    expect(performance.now() - before).toBeGreaterThan(990);
    expect(failure).toMatchObject({ retry: true, reason: expect.stringContaining("(429)") });
    expect((await bot.line("status")).detail).toBe("The model server asks for a pause of 1 s (429)");
    const turn = bot.ask(question);
    await bot.line("status", (line) => line.turn === turn);
    bot.send({ type: "cancel", turn });
    expect((await bot.ending(turn)).failure).toMatchObject({ reason: "Cancelled" });
  } finally {
    await own.close();
  }
});

test("anthropic: what the model thinks is told as a thought, beside the answer", async () => {
  await using bot = await botWith("anthropic", "thinking");
  const turn = bot.ask(question);
  expect(await bot.ending(turn)).toEqual({ streamed: expected });
  const thoughts = bot.lines.filter((line) => line.type === "thought");
  expect(thoughts).toEqual([{ type: "thought", turn, id: "block-0", text: "They want an answer, so I should give one." }]);
});

test("anthropic: both roles in turn whatever the history is, the fields that the API asks for, and those that were given", async () => {
  const own = await startModelServer();
  try {
    const options = { system: "You are a bee", maxTokens: 99, temperature: 0.5, extra: { top_k: 3 } };
    await using bot = await startBot("anthropic", { ...optionsFor("anthropic", "stand-in", own.url), ...options }, folder);
    const said = (role: "person" | "bot", text: string) => ({ role, author: role, text });
    const history = [said("bot", "welcome"), said("person", "one"), said("person", "two"), said("bot", " "), said("person", "three")];
    await bot.ending(bot.ask("four", { history }));
    const { body, headers } = await own.requested(1);
    expect(body).toEqual({
      model: "stand-in",
      max_tokens: 99,
      temperature: 0.5,
      top_k: 3,
      stream: true,
      system: "You are a bee",
      messages: [{ role: "user", content: "one\n\ntwo\n\nthree\n\nfour" }],
    });
    expect(headers["anthropic-version"]).toBe("2023-06-01");
    expect(headers["x-api-key"]).toBeUndefined();
  } finally {
    await own.close();
  }
});
