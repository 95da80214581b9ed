/**
 * A model behind Anthropic's messages API: POST {baseUrl}/v1/messages, answered by server-sent events. A message is a row of content
 * blocks; of a text block the pieces are the answer, of a thinking block they are thoughts. `message_delta` says why it ended,
 * `message_stop` that it is complete, `error` that it failed. A server that does not stream answers with one JSON body, which is taken too.
 */
import type { HistoryEntry, TurnFile } from "@skep/protocol/bot";
import type { AnthropicOptions } from "./anthropic-options.ts";
import { anthropicDefaults } from "./anthropic-options.ts";
import { eventBody, wholeBody } from "./answer-body.ts";
import type { CreateDriver } from "./driver.ts";
import type { ChatMessage } from "./fit-history.ts";
import { fitHistory } from "./fit-history.ts";
import type { Fields } from "./json-fields.ts";
import { errorMessage, fieldsOf, parseFields, textOf } from "./json-fields.ts";
import { cutShort, explainKey, explainStatus, garbage, keyMissing, ModelFailure, quote } from "./model-failure.ts";
import { modelServer } from "./model-server.ts";
import type { AnswerReader } from "./model-turn.ts";
import { modelDriver } from "./model-turn.ts";
import { readFor } from "./turn-files.ts";

export const createDriver: CreateDriver = (given) => {
  const options = { ...anthropicDefaults, ...given } as AnthropicOptions;
  if (!options.model) throw new Error('The option "model" is missing');
  const key = options.apiKeyEnv === "" ? undefined : process.env[options.apiKeyEnv];
  const headers = { "anthropic-version": options.version, ...(key && { "x-api-key": key }) };
  const server = modelServer(options.baseUrl, headers, "/v1/models", options);
  const driver = modelDriver(
    server,
    {
      path: "/v1/messages",
      body: (turn) => JSON.stringify(anthropicRequest(options, turn)),
      reader: (contentType) => (contentType.includes("json") ? wholeReader(options.model) : streamReader(options.model)),
      refusal: (status, body) => explainAnthropic(status, body, options, server.origin),
    },
    options,
  );
  if (options.apiKeyEnv === "" || key) return driver;
  return { ...driver, run: (turn) => turn.failure(keyMissing(options.apiKeyEnv), false) };
};

export function anthropicRequest(
  options: AnthropicOptions,
  turn: { history: readonly HistoryEntry[]; text: string; files?: readonly TurnFile[] },
): Record<string, unknown> {
  const files = (turn.files ?? []).map((file) => readFor(file, true));
  return {
    ...options.extra,
    model: options.model,
    max_tokens: options.maxTokens,
    messages: alternating(fitHistory(options.system, turn.history, turn.text, options.contextTokens, files)).map(withMedia),
    stream: true,
    ...(options.system !== "" && { system: options.system }),
    ...(options.temperature !== null && { temperature: options.temperature }),
  };
}

/** The API wants a person first, then both in turn, and refuses an empty text: neighbours of one role become one message. */
function alternating(messages: readonly ChatMessage[]): ChatMessage[] {
  const merged: ChatMessage[] = [];
  for (const { role, content, files } of messages) {
    const before = merged.at(-1);
    // The system prompt is a field of the request.
    if (role === "system" || (content.trim() === "" && !files) || (!before && role === "assistant")) continue;
    if (before?.role !== role) {
      merged.push({ role, content, ...(files ? { files } : {}) });
      continue;
    }
    before.content = [before.content, content].filter((text) => text.trim() !== "").join("\n\n");
    if (files) before.files = [...(before.files ?? []), ...files];
  }
  return merged;
}

/** A message with images or PDFs is a list of content blocks, these first. */
function withMedia({ role, content, files }: ChatMessage): unknown {
  if (!files) return { role, content };
  const media = files.map((file) => ({
    type: file.kind === "image" ? "image" : "document",
    source: { type: "base64", media_type: file.kind === "image" ? file.type : "application/pdf", data: file.data },
    ...(file.kind === "pdf" && { title: file.name.slice(0, 200) }),
  }));
  return { role, content: [...media, ...(content.trim() === "" ? [] : [{ type: "text", text: content }])] };
}

export function explainAnthropic(
  status: number,
  body: string,
  { model, apiKeyEnv, baseUrl }: Pick<AnthropicOptions, "model" | "apiKeyEnv" | "baseUrl">,
  origin: string,
): ModelFailure {
  const said = errorMessage(body);
  if (status === 401 || status === 403) return explainKey(status, said, apiKeyEnv, origin);
  if (status !== 404) return explainStatus(status, said, origin);
  return said.includes("model")
    ? new ModelFailure(`The model "${model}" is not on this server: ${quote(said)}`, false)
    : new ModelFailure(
        `There is no ${new URL(baseUrl).pathname.replace(/\/+$/, "")}/v1/messages at ${origin} (404); the baseUrl is the part before "/v1"`,
        false,
      );
}

/** Errors that another attempt would meet again. All others pass: overloaded_error, rate_limit_error, api_error, timeout_error. */
const lasting = new Set([
  "invalid_request_error",
  "authentication_error",
  "billing_error",
  "permission_error",
  "not_found_error",
  "request_too_large",
]);

const reported = (fields: Fields): ModelFailure => {
  const error = fieldsOf(fields["error"]);
  const type = textOf(error?.["type"]);
  const said = quote([type, textOf(error?.["message"])].filter(Boolean).join(": ") || "an error without a text");
  return new ModelFailure(`The model server reports: ${said}`, !lasting.has(type));
};

/** What a model that refuses has said until then is not an answer. */
function checkReason(model: string, reason: string): void {
  if (reason === "refusal") throw new ModelFailure(`The model "${model}" declined to answer`, false);
}

function emptiness(model: string, tools: boolean, reason: string): ModelFailure {
  if (tools) return new ModelFailure(`The model "${model}" asked for a tool and said nothing; this kind of bot has no tools`, false);
  if (reason === "max_tokens") return new ModelFailure(`The model "${model}" used up all its tokens before it said anything`, true);
  if (reason === "model_context_window_exceeded") {
    return new ModelFailure(`The conversation is too long for the model "${model}"; a smaller "contextTokens" sends less of it`, false);
  }
  return new ModelFailure(`The model "${model}" gave an empty answer`, true);
}

export function streamReader(model: string): AnswerReader {
  let complete = false;
  let tools = false;
  let reason = "";

  const events = eventBody((data, onText, onThought) => {
    if (complete) return;
    const fields = parseFields(data);
    if (!fields || typeof fields["type"] !== "string") throw garbage(data);
    switch (fields["type"]) {
      case "content_block_start": {
        const block = fieldsOf(fields["content_block"]);
        tools ||= block?.["type"] === "tool_use";
        if (block?.["type"] === "text") onText(textOf(block["text"]));
        return;
      }
      case "content_block_delta": {
        const delta = fieldsOf(fields["delta"]);
        if (delta?.["type"] === "text_delta") onText(textOf(delta["text"]));
        else if (delta?.["type"] === "thinking_delta") onThought(`block-${Number(fields["index"])}`, textOf(delta["thinking"]));
        return;
      }
      case "message_delta":
        reason ||= textOf(fieldsOf(fields["delta"])?.["stop_reason"]);
        checkReason(model, reason);
        return;
      case "message_stop":
        complete = true;
        return;
      case "error":
        throw reported(fields);
      default:
      // message_start, content_block_stop, ping, and what a newer server may say.
    }
  });

  return {
    get complete() {
      return complete;
    },
    push: events.push,
    end() {
      events.end();
      if (reason === "") throw cutShort();
    },
    emptiness: () => emptiness(model, tools, reason),
  };
}

/** For servers that do not stream. */
export function wholeReader(model: string): AnswerReader {
  const body = wholeBody();
  let tools = false;
  let reason = "";
  return {
    complete: false,
    push: body.push,
    end(onText) {
      const { fields, raw } = body.end();
      if (fields["type"] === "error") throw reported(fields);
      if (!Array.isArray(fields["content"])) throw garbage(raw);
      reason = textOf(fields["stop_reason"]);
      checkReason(model, reason);
      for (const each of fields["content"] as unknown[]) {
        const block = fieldsOf(each);
        tools ||= block?.["type"] === "tool_use";
        if (block?.["type"] === "text") onText(textOf(block["text"]));
      }
    },
    emptiness: () => emptiness(model, tools, reason),
  };
}
