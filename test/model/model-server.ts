/**
 * A stand-in for a model server: speaks Ollama's API, OpenAI's and Anthropic's on one port, on the loopback interface, and misbehaves on
 * request.
 *
 * A request names its behaviour by the model that it asks for (`behaviours.ts`). Over that, `behave("silent")` here or
 * `POST /stand-in/behave {"as": "silent", "model"?: "llama3", "times"?: 3}` sets one for requests to come, `{"as": null}` ends it.
 * `GET /stand-in/requests` lists what was asked.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Behaviour } from "./behaviours.ts";
import { behaviourOf, behaviours, isBehaviour } from "./behaviours.ts";
import type { Api, ChatRequest, Exchange } from "./apis.ts";
import { anthropic, ollama, openai } from "./apis.ts";
import * as anthropicFormat from "./anthropic-format.ts";
import type { SentImage } from "./images.ts";
import { imagesIn } from "./images.ts";
import * as formats from "./formats.ts";
import { replyTo, tokensOf } from "./reply.ts";

export interface ModelServerOptions {
  port?: number;
  host?: string;
  /** Between two words of an answer. */
  tokenMs?: number;
  loadMs?: number;
  slowMs?: number;
  /** The key that `/v1` asks for; without it every key is accepted, and none. */
  key?: string;
  /** With 429, 503 and 529: when to come again. Without it nothing is said. */
  retryAfterSeconds?: number;
}

export interface ModelServer {
  url: string;
  port: number;
  /** All chat requests so far, oldest first. */
  requests: readonly ChatRequest[];
  /** Resolves when so many chat requests have come in, with the last of them. */
  requested(count: number): Promise<ChatRequest>;
  /** Open connections, kept ones too. */
  connections(): number;
  behave(as: Behaviour | null, settings?: { model?: string; times?: number }): void;
  /** Cuts every connection and frees the port. */
  close(): Promise<void>;
}

interface Override {
  as: Behaviour;
  model: string | undefined;
  times: number;
}

const sentences: Record<number, string> = {
  400: "The request is not valid",
  401: "Incorrect API key provided",
  403: "This key may not use this model",
  429: "Rate limit reached, try again later",
  500: "The model runner has stopped unexpectedly",
  503: "The server is overloaded, try again later",
  529: "Overloaded",
};

const bodyLimit = 32 * 1024 * 1024;
const longWords = 2000;

export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const { port = 0, host = "127.0.0.1", tokenMs = 0, loadMs = 7000, slowMs = 500, key, retryAfterSeconds } = options;
  const requests: ChatRequest[] = [];
  const expectations: { count: number; resolve: (request: ChatRequest) => void }[] = [];
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  let overrides: Override[] = [];
  let down = 0;

  const later = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (ms === 0) {
        resolve();
        return;
      }
      const timer = setTimeout(() => {
        timers.delete(timer);
        resolve();
      }, ms);
      timers.add(timer);
    });

  function behave(as: Behaviour | null, { model, times = Number.POSITIVE_INFINITY }: { model?: string; times?: number } = {}): void {
    overrides = overrides.filter((override) => override.model !== model);
    if (as) overrides.unshift({ as, model, times });
  }

  function chosen(model: string): Behaviour {
    const override = overrides.find((each) => each.model === undefined || each.model === model);
    if (!override) return behaviourOf(model);
    override.times--;
    if (override.times <= 0) overrides = overrides.filter((each) => each !== override);
    return override.as;
  }

  function record(
    request: IncomingMessage,
    response: ServerResponse,
    api: Api,
    body: Record<string, unknown>,
    images: SentImage[],
  ): ChatRequest {
    const model = String(body["model"]);
    const chat: ChatRequest = {
      path: request.url ?? "",
      model,
      behaviour: chosen(model),
      messages: api.messages(body),
      images,
      body,
      headers: request.headers,
      over: new Promise((resolve) => response.once("close", () => resolve(response.writableFinished ? "finished" : "cut"))),
    };
    requests.push(chat);
    for (const [index, each] of [...expectations.entries()].toReversed()) {
      if (requests.length < each.count) continue;
      expectations.splice(index, 1);
      each.resolve(chat);
    }
    return chat;
  }

  async function chat(request: IncomingMessage, response: ServerResponse, api: Api): Promise<void> {
    if (key !== undefined && !api.hasKey(request, key)) {
      return sendJson(response, 401, api.error(401, "Incorrect API key provided"));
    }
    const body = await readJson(request);
    if (!body) return sendJson(response, 400, api.error(400, "invalid JSON"));
    if (typeof body["model"] !== "string" || body["model"] === "") return sendJson(response, 400, api.error(400, "model is required"));
    if (!Array.isArray(body["messages"])) return sendJson(response, 400, api.error(400, "messages is required"));
    const wrong = api.wrong(request, body);
    if (wrong !== null) return sendJson(response, 400, api.error(400, wrong));
    const { images, wrong: wrongImage } = imagesIn(body["messages"] as { role: string }[], api.images);
    if (wrongImage !== null) return sendJson(response, 400, api.error(400, wrongImage));
    const recorded = record(request, response, api, body, images);
    if (images.length > 0 && body["model"].endsWith(":blind")) {
      return sendJson(response, 400, api.error(400, "this model does not support image input"));
    }
    const text = recorded.messages.map((message) => message.content).join("");
    const usage = (body["stream_options"] as { include_usage?: boolean } | undefined)?.include_usage === true;
    const exchange: Exchange = {
      request,
      response,
      api,
      chat: recorded,
      answer: { model: recorded.model, promptTokens: Math.ceil(text.length / 4), answerTokens: 0, startedAt: Date.now() },
      // Ollama streams unless it is told not to, the others the other way round.
      stream: recorded.behaviour !== "whole" && (api === ollama ? body["stream"] !== false : body["stream"] === true),
      form: { lineEnd: recorded.behaviour === "split" ? "\r\n" : "\n", usage },
      blocks: { index: -1, type: null },
    };
    await respond(exchange);
  }

  /** What comes instead of an answer. */
  const instead: Partial<Record<Behaviour, (exchange: Exchange) => void>> = {
    missing: ({ response, api, chat: { model } }) => sendJson(response, 404, api.missing(model)),
    redirect: ({ response }) => void response.writeHead(307, { location: "http://127.0.0.1:1/elsewhere" }).end(),
    html: ({ response }) =>
      void response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Welcome</title><p>It works!</p>"),
    garbage: ({ response, api }) => void response.writeHead(200, { "content-type": api.contentType }).end("data: {this is not: JSON\n\n"),
    "cut-early": ({ response }) => void response.destroy(),
    silent: () => {},
    "silent-down": ({ response }) => {
      down++;
      response.once("close", () => down--);
    },
  };
  const delays: Partial<Record<Behaviour, number>> = { slow: slowMs, loading: loadMs };

  async function respond(exchange: Exchange): Promise<void> {
    const { response, api } = exchange;
    const { behaviour } = exchange.chat;
    const status = Number(/^error-(\d+)$/.exec(behaviour)?.[1]);
    if (status) {
      if (retryAfterSeconds !== undefined && [429, 503, 529].includes(status)) response.setHeader("retry-after", String(retryAfterSeconds));
      return sendJson(response, status, api.error(status, sentences[status] ?? ""));
    }
    if (instead[behaviour]) return instead[behaviour](exchange);
    await later(delays[behaviour] ?? 0);
    if (exchange.stream) await stream(exchange);
    else sendJson(response, 200, api.whole(exchange, { content: replyTo(exchange.chat.messages), tools: behaviour === "tools" }));
  }

  async function stream(exchange: Exchange): Promise<void> {
    const { response, api, answer } = exchange;
    const { behaviour, messages } = exchange.chat;
    const tokens =
      behaviour === "long" ? Array.from({ length: longWords }, (_, index) => ` bee-${index + 1}`) : tokensOf(replyTo(messages));
    const middle = Math.floor(tokens.length / 2);
    const quiet = behaviour === "empty" || behaviour === "tools-only";
    const send = (text: string): Promise<void> | void =>
      behaviour === "split" ? sendBytes(response, text) : response.write(text) ? undefined : drained(response);

    response.writeHead(200, { "content-type": api.contentType });
    response.flushHeaders();
    await send(api.opening(exchange));
    if (behaviour === "thinking") await send(api.piece(exchange, { thinking: "They want an answer, so I should give one." }));
    for (const [index, token] of quiet ? [] : tokens.entries()) {
      if (response.destroyed) return;
      if (index === middle) {
        if (behaviour === "silent-midway") return;
        if (behaviour === "cut") {
          // What was written has to leave first.
          await new Promise((resolve) => setImmediate(resolve));
          return void response.destroy();
        }
        if (behaviour === "ends-early") return void response.end();
        if (behaviour === "error-midway") return void response.end(api.midway(exchange));
      }
      await send(api.piece(exchange, { content: token }));
      answer.answerTokens++;
      if (tokenMs > 0) await later(tokenMs);
    }
    const tools = behaviour === "tools" || behaviour === "tools-only";
    if (tools) await send(api.piece(exchange, { content: "", tools: true }));
    await send(api.last(exchange, tools));
    response.end();
  }

  async function control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request);
    const as = body?.["as"];
    const model = body?.["model"];
    const times = body?.["times"];
    if (as !== null && !(typeof as === "string" && isBehaviour(as))) {
      return sendJson(response, 400, { error: `"as" is one of ${Object.keys(behaviours).join(", ")}, or null` });
    }
    behave(as, { ...(typeof model === "string" && { model }), ...(typeof times === "number" && { times }) });
    sendJson(response, 200, { as });
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const health = ["/api/version", "/api/tags", "/v1/models"].includes(path);
    if (health && down > 0) return;
    switch (`${request.method} ${path}`) {
      case "POST /api/chat":
        return chat(request, response, ollama);
      case "POST /v1/chat/completions":
        return chat(request, response, openai);
      case "POST /v1/messages":
        return chat(request, response, anthropic);
      case "GET /api/version":
        return sendJson(response, 200, { version: "0.12.6" });
      case "GET /api/tags":
        return sendJson(response, 200, formats.ollamaTags());
      case "POST /api/show": {
        const body = await readJson(request);
        const model = typeof body?.["model"] === "string" ? body["model"] : "";
        if (behaviourOf(model) === "missing") return sendJson(response, 404, ollama.missing(model));
        return sendJson(response, 200, formats.ollamaShow(model));
      }
      case "GET /v1/models":
        return sendJson(
          response,
          200,
          request.headers["anthropic-version"] === undefined ? formats.openaiModels() : anthropicFormat.models(),
        );
      case "POST /stand-in/behave":
        return control(request, response);
      case "GET /stand-in/requests":
        return sendJson(
          response,
          200,
          requests.map(({ path: asked, model, behaviour, body }) => ({ path: asked, model, behaviour, body })),
        );
      case "GET /":
        response.end("Ollama is running");
        return;
      default:
        response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found");
    }
  }

  const server: Server = createServer((request, response) => {
    route(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  server.on("connection", (socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const actual = (server.address() as AddressInfo).port;

  return {
    url: `http://${host}:${actual}`,
    port: actual,
    requests,
    requested: (count) => {
      const last = requests[count - 1];
      if (last) return Promise.resolve(last);
      return new Promise((resolve) => expectations.push({ count, resolve }));
    },
    connections: () => sockets.size,
    behave,
    close: () =>
      new Promise((resolve, reject) => {
        for (const timer of timers) clearTimeout(timer);
        server.close((error) => (error ? reject(error) : resolve()));
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown> | null> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > bodyLimit) return null;
    parts.push(part);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(parts).toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Resolves too when the reader has left, which ends the answer. */
const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.once("drain", done);
    response.once("close", done);
  });

async function sendBytes(response: ServerResponse, text: string): Promise<void> {
  for (const byte of Buffer.from(text)) {
    if (response.destroyed) return;
    response.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
