/** The stand-in keeps to the documented protocols, so that what works with it works with the real ones. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelServer } from "./model-server.ts";
import { startModelServer } from "./model-server.ts";
import { replyTo, tokensOf } from "./reply.ts";

const messages = [{ role: "user", content: "hi 🐝" }];
const expected = replyTo(messages);

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer({ slowMs: 1, loadMs: 1 });
});
afterAll(() => server.close());

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(server.url + path, { method: "POST", body: JSON.stringify(body), headers });
type Json = Record<string, never>;
const json = async (response: Response): Promise<Json> => (await response.json()) as Json;

describe("Ollama", () => {
  test("streams unless it is told not to; the last line has done, a reason and figures", async () => {
    const response = await post("/api/chat", { model: "stand-in", messages });
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = (await response.text()).trim().split("\n");
    const values = lines.map((line) => JSON.parse(line) as { message: { role: string; content: string }; done: boolean });
    expect(values.map((value) => value.message.content).join("")).toBe(expected);
    expect(values.every((value) => value.message.role === "assistant")).toBe(true);
    expect(values.map((value) => value.done).lastIndexOf(false)).toBe(values.length - 2);
    expect(values.at(-1)).toMatchObject({ done: true, done_reason: "stop", eval_count: tokensOf(expected).length });
  });

  test("whole, when stream is false", async () => {
    const value = await json(await post("/api/chat", { model: "stand-in", messages, stream: false }));
    expect(value).toMatchObject({ model: "stand-in", message: { role: "assistant", content: expected }, done: true, done_reason: "stop" });
  });

  test("errors are {error: sentence}", async () => {
    const missing = await post("/api/chat", { model: "missing", messages });
    expect([missing.status, await missing.json()]).toEqual([404, { error: "model 'missing' not found" }]);
    const empty = await post("/api/chat", { messages });
    expect([empty.status, await empty.json()]).toEqual([400, { error: "model is required" }]);
  });

  test("version, tags, show", async () => {
    expect(await json(await fetch(`${server.url}/api/version`))).toEqual({ version: expect.any(String) });
    const { models } = (await json(await fetch(`${server.url}/api/tags`))) as unknown as { models: { name: string }[] };
    expect(models.map((model) => model.name)).toContain("stand-in:latest");
    expect(await json(await post("/api/show", { model: "stand-in" }))).toMatchObject({ capabilities: ["completion"] });
    expect(await json(await post("/api/show", { model: "stand-in:vision" }))).toMatchObject({ capabilities: ["completion", "vision"] });
    expect((await post("/api/show", { model: "missing" })).status).toBe(404);
  });
});

describe("OpenAI", () => {
  const events = async (body: Record<string, unknown>): Promise<string[]> => {
    const response = await post("/v1/chat/completions", { model: "stand-in", messages, stream: true, ...body });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    return (await response.text())
      .split(/\r?\n\r?\n/)
      .filter((event) => event !== "")
      .map((event) => event.replace(/^data: /, ""));
  };

  test.each(["stand-in", "split"])("%s: streams chunks, the last has a finish reason, then [DONE]", async (model) => {
    const all = await events({ model });
    expect(all.pop()).toBe("[DONE]");
    const chunks = all.map(
      (event) => JSON.parse(event) as { object: string; choices: { delta: { content?: string }; finish_reason: string | null }[] },
    );
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(expected);
    expect(chunks[0]).toMatchObject({ object: "chat.completion.chunk", choices: [{ delta: { role: "assistant" }, finish_reason: null }] });
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("stop");
  });

  test("usage comes when it is asked for, in a chunk without choices", async () => {
    const all = await events({ stream_options: { include_usage: true } });
    expect(JSON.parse(all.at(-2) ?? "")).toMatchObject({ choices: [], usage: { completion_tokens: tokensOf(expected).length } });
    expect(JSON.parse(all[0] ?? "")).toMatchObject({ usage: null });
  });

  test("whole unless stream is true", async () => {
    expect(await json(await post("/v1/chat/completions", { model: "stand-in", messages }))).toMatchObject({
      object: "chat.completion",
      choices: [{ message: { role: "assistant", content: expected }, finish_reason: "stop" }],
      usage: { total_tokens: expect.any(Number) },
    });
  });

  test("errors are {error: {message, type, param, code}}", async () => {
    const missing = await post("/v1/chat/completions", { model: "missing", messages });
    expect([missing.status, await missing.json()]).toEqual([
      404,
      { error: { message: expect.stringContaining("missing"), type: "invalid_request_error", param: null, code: "model_not_found" } },
    ]);
  });

  test("models", async () => {
    expect(await json(await fetch(`${server.url}/v1/models`))).toMatchObject({ object: "list", data: expect.any(Array) });
  });
});

describe("Anthropic", () => {
  const asked = { model: "stand-in", max_tokens: 100, messages };
  const version = { "anthropic-version": "2023-06-01" };
  interface Event {
    type: string;
    index?: number;
    content_block?: { type: string };
    delta?: { type?: string; text?: string; stop_reason?: string };
  }
  const events = async (model: string): Promise<Event[]> => {
    const response = await post("/v1/messages", { ...asked, model, stream: true }, version);
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const all = (await response.text()).split(/\r?\n\r?\n/).filter((event) => event !== "");
    return all.map((event) => {
      const [, name, data] = /^event: (\w+)\r?\ndata: (.*)$/.exec(event) ?? [];
      const value = JSON.parse(data ?? "") as Event;
      expect(value.type).toBe(name);
      return value;
    });
  };

  test.each(["stand-in", "split", "thinking", "tools"])(
    "%s: a row of blocks, each begun and ended, between start and stop",
    async (model) => {
      const all = await events(model);
      expect(all[0]).toMatchObject({ type: "message_start", message: { type: "message", content: [], stop_reason: null } });
      expect(all.slice(-2)).toMatchObject([
        { type: "message_delta", delta: { stop_reason: model === "tools" ? "tool_use" : "end_turn" } },
        { type: "message_stop" },
      ]);
      expect(all.map(({ delta }) => (delta?.type === "text_delta" ? delta.text : "")).join("")).toBe(expected);
      const begun = all.filter(({ type }) => type === "content_block_start");
      expect(begun.map(({ index }) => index)).toEqual(begun.map((_, index) => index));
      expect(all.filter(({ type }) => type === "content_block_stop").map(({ index }) => index)).toEqual(begun.map(({ index }) => index));
      const types = { thinking: ["thinking", "text"], tools: ["text", "tool_use"] }[model] ?? ["text"];
      expect(begun.map(({ content_block }) => content_block?.type)).toEqual(types);
    },
  );

  test("whole unless stream is true", async () => {
    expect(await json(await post("/v1/messages", asked, version))).toMatchObject({
      type: "message",
      role: "assistant",
      content: [{ type: "text", text: expected }],
      stop_reason: "end_turn",
      usage: { input_tokens: expect.any(Number) },
    });
  });

  test.each([
    [404, "missing", "not_found_error"],
    [401, "error-401", "authentication_error"],
    [429, "error-429", "rate_limit_error"],
    [500, "error-500", "api_error"],
    [529, "error-529", "overloaded_error"],
  ])("errors are {type, error: {type, message}}: %i", async (status, model, type) => {
    const response = await post("/v1/messages", { ...asked, model }, version);
    expect([response.status, await response.json()]).toMatchObject([
      status,
      { type: "error", error: { type, message: expect.any(String) } },
    ]);
  });

  test.each([
    ["anthropic-version", asked, {}],
    ["max_tokens", { ...asked, max_tokens: undefined }, version],
    ["user", { ...asked, messages: [{ role: "assistant", content: "hi" }] }, version],
    ["alternate", { ...asked, messages: [...messages, ...messages] }, version],
  ])("a request without what the API asks for is refused: %s", async (word, body, headers) => {
    const response = await post("/v1/messages", body, headers);
    expect(response.status).toBe(400);
    expect(JSON.stringify(await response.json())).toContain(word);
  });

  test("models", async () => {
    const response = await fetch(`${server.url}/v1/models`, { headers: version });
    expect(await json(response)).toMatchObject({
      has_more: false,
      data: expect.arrayContaining([expect.objectContaining({ type: "model" })]),
    });
  });
});

test("a control call sets a behaviour for so many requests", async () => {
  const control = await post("/stand-in/behave", { as: "error-503", times: 2, model: "llama3" });
  expect(control.status).toBe(200);
  const ask = async (model: string): Promise<number> => (await post("/api/chat", { model, messages, stream: false })).status;
  expect([await ask("other"), await ask("llama3"), await ask("llama3"), await ask("llama3")]).toEqual([200, 503, 503, 200]);
  expect((await post("/stand-in/behave", { as: "nonsense" })).status).toBe(400);
});

test("the reply knows the question and how much it saw", () => {
  const reply = replyTo([
    { role: "system", content: "Be a bee" },
    { role: "user", content: "first" },
    { role: "assistant", content: "yes" },
    { role: "user", content: "show me a table" },
  ]);
  expect(reply).toContain("*show me a table*");
  expect(reply).toContain("2 earlier messages");
  expect(reply).toContain("Be a bee");
  expect(reply).toContain("| bee | work |");
  expect(tokensOf(reply).join("")).toBe(reply);
});
