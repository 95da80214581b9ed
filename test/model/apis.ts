/** The protocols that the stand-in speaks, each as the same set of answers. */
import type { IncomingMessage, ServerResponse } from "node:http";
import * as anthropicFormat from "./anthropic-format.ts";
import type { Behaviour } from "./behaviours.ts";
import type { Answer, OpenaiForm } from "./formats.ts";
import * as formats from "./formats.ts";
import type { SentImage } from "./images.ts";
import { anthropicImages, ollamaImages, openaiImages } from "./images.ts";
import type { ChatMessage } from "./reply.ts";

/** A chat request as it came in. */
export interface ChatRequest {
  path: string;
  model: string;
  behaviour: Behaviour;
  messages: ChatMessage[];
  /** Of all messages, in their order. */
  images: SentImage[];
  body: Record<string, unknown>;
  headers: Record<string, string | string[] | undefined>;
  /** Resolves when the exchange is over: was the answer sent to its end, or did one side leave? */
  over: Promise<"finished" | "cut">;
}

/** One exchange with all that a behaviour may need. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  chat: ChatRequest;
  api: Api;
  answer: Answer;
  stream: boolean;
  form: OpenaiForm;
  /** The content block that is open, for the protocol that has them. */
  blocks: anthropicFormat.Blocks;
}

export type Piece = { content?: string; thinking?: string; tools?: boolean };

/** What differs between the protocols. */
export interface Api {
  hasKey(request: IncomingMessage, key: string): boolean;
  /** What is wrong with a request that the protocol does not allow, or null. */
  wrong(request: IncomingMessage, body: Record<string, unknown>): string | null;
  images: typeof ollamaImages;
  /** As texts, the system prompt first. */
  messages(body: Record<string, unknown>): ChatMessage[];
  contentType: string;
  opening(exchange: Exchange): string;
  piece(exchange: Exchange, piece: Piece): string;
  last(exchange: Exchange, tools: boolean): string;
  whole(exchange: Exchange, piece: Piece): unknown;
  error(status: number, message: string): unknown;
  missing(model: string): unknown;
  midway(exchange: Exchange): string;
}

const textOf = (content: unknown): string =>
  Array.isArray(content) ? (content as { text?: string }[]).map(({ text = "" }) => text).join("") : String(content);
const plainMessages = (body: Record<string, unknown>): ChatMessage[] =>
  (body["messages"] as { role: string; content: unknown }[]).map((message) =>
    Array.isArray(message.content) ? { ...message, content: textOf(message.content) } : (message as ChatMessage),
  );

export const ollama: Api = {
  hasKey: () => true,
  wrong: () => null,
  images: ollamaImages,
  messages: plainMessages,
  contentType: "application/x-ndjson",
  opening: () => "",
  piece: ({ answer }, piece) => formats.ollamaPiece(answer, piece),
  last: ({ answer }) => formats.ollamaLast(answer),
  whole: ({ answer }, piece) => formats.ollamaWhole(answer, piece),
  error: (_, message) => formats.ollamaError(message),
  missing: (model) => formats.ollamaError(`model '${model}' not found`),
  midway: () => `${JSON.stringify(formats.ollamaError("an error was encountered while running the model"))}\n`,
};

const errorTypes: Record<number, [type: string, code: string | null]> = {
  400: ["invalid_request_error", null],
  401: ["invalid_request_error", "invalid_api_key"],
  403: ["invalid_request_error", "unsupported_country_region_territory"],
  429: ["requests", "rate_limit_exceeded"],
};

export const openai: Api = {
  hasKey: (request, key) => request.headers.authorization === `Bearer ${key}`,
  wrong: () => null,
  images: openaiImages,
  messages: plainMessages,
  contentType: "text/event-stream; charset=utf-8",
  opening: ({ answer, form }) => formats.openaiPiece(answer, { role: "assistant", content: "" }, form),
  piece: ({ answer, form }, piece) => formats.openaiPiece(answer, piece, form),
  last: ({ answer, form }, tools) => formats.openaiLast(answer, tools ? "tool_calls" : "stop", form),
  whole: ({ answer }, piece) => formats.openaiWhole(answer, piece),
  error: (status, message) => formats.openaiError(message, ...(errorTypes[status] ?? ["server_error", null])),
  missing: (model) =>
    formats.openaiError(
      `The model \`${model}\` does not exist or you do not have access to it.`,
      "invalid_request_error",
      "model_not_found",
    ),
  midway: ({ form }) =>
    formats.openaiEvent(formats.openaiError("The server had an error while processing your request", "server_error", null), form),
};

export const anthropic: Api = {
  hasKey: (request, key) => request.headers["x-api-key"] === key,
  wrong: (request, body) => anthropicFormat.wrong(request.headers["anthropic-version"], body),
  images: anthropicImages,
  messages: anthropicFormat.messages,
  contentType: "text/event-stream; charset=utf-8",
  opening: ({ answer, form }) => anthropicFormat.opening(answer, form),
  piece: ({ blocks, form }, piece) => anthropicFormat.piece(blocks, piece, form),
  last: ({ answer, blocks, form }, tools) => anthropicFormat.last(answer, blocks, tools ? "tool_use" : "end_turn", form),
  whole: ({ answer }, piece) => anthropicFormat.whole(answer, piece),
  error: anthropicFormat.error,
  missing: (model) => anthropicFormat.error(404, `model: ${model}`),
  midway: ({ form }) => anthropicFormat.midway(form),
};
