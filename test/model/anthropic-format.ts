/** Anthropic's messages API as its documentation gives it. Pure: values in, text out. */
import { behaviours } from "./behaviours.ts";
import type { Answer, OpenaiForm } from "./formats.ts";
import { toolArguments, toolName } from "./formats.ts";
import type { ChatMessage } from "./reply.ts";

type Form = Pick<OpenaiForm, "lineEnd">;

/** The place in the row of content blocks: which one is open. */
export interface Blocks {
  index: number;
  type: "text" | "thinking" | null;
}

const errorTypes: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};

export const error = (status: number, message: string): unknown => ({
  type: "error",
  error: { type: errorTypes[status] ?? "api_error", message },
  request_id: "req_stand_in",
});

const textOf = (content: unknown): string =>
  typeof content === "string"
    ? content
    : Array.isArray(content)
      ? (content as { type?: string; text?: string }[]).map((block) => (block.type === "text" ? (block.text ?? "") : "")).join("")
      : "";

export function messages(body: Record<string, unknown>): ChatMessage[] {
  const given = (body["messages"] as { role: string; content: unknown }[]).map(({ role, content }) => ({ role, content: textOf(content) }));
  return body["system"] === undefined ? given : [{ role: "system", content: textOf(body["system"]) }, ...given];
}

export function wrong(version: unknown, body: Record<string, unknown>): string | null {
  if (version === undefined) return "anthropic-version: header is required";
  if (!Number.isInteger(body["max_tokens"])) return "max_tokens: Field required";
  const given = messages({ messages: body["messages"] });
  if (given[0]?.role !== "user") return 'messages: first message must use the "user" role';
  for (const [index, { role, content }] of given.entries()) {
    if (role === given[index - 1]?.role) return 'messages: roles must alternate between "user" and "assistant"';
    const media = Array.isArray((body["messages"] as { content: unknown }[])[index]?.content);
    if (content.trim() === "" && !media) return "messages: text content blocks must contain non-whitespace text";
  }
  return null;
}

export const models = (): unknown => {
  const data = Object.keys(behaviours).map((id) => ({ type: "model", id, display_name: id, created_at: "2026-01-01T00:00:00Z" }));
  return { data, has_more: false, first_id: data[0]?.id, last_id: data.at(-1)?.id };
};

const event = (value: { type: string } & Record<string, unknown>, { lineEnd }: Form): string =>
  `event: ${value.type}${lineEnd}data: ${JSON.stringify(value)}${lineEnd}${lineEnd}`;

const head = (answer: Answer) => ({ id: `msg_${answer.startedAt}`, type: "message", role: "assistant", model: answer.model });

export const opening = (answer: Answer, form: Form): string =>
  event(
    {
      type: "message_start",
      message: {
        ...head(answer),
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: answer.promptTokens, output_tokens: 1 },
      },
    },
    form,
  ) + event({ type: "ping" }, form);

function close(blocks: Blocks, form: Form): string {
  const { type, index } = blocks;
  blocks.type = null;
  if (type === null) return "";
  const signature = { type: "content_block_delta", index, delta: { type: "signature_delta", signature: "c3RhbmQtaW4=" } };
  return (type === "thinking" ? event(signature, form) : "") + event({ type: "content_block_stop", index }, form);
}

function inBlock(blocks: Blocks, type: "text" | "thinking", text: string, form: Form): string {
  let before = "";
  if (blocks.type !== type) {
    before = close(blocks, form);
    blocks.type = type;
    blocks.index++;
    const block = type === "text" ? { type, text: "" } : { type, thinking: "", signature: "" };
    before += event({ type: "content_block_start", index: blocks.index, content_block: block }, form);
  }
  const delta = type === "text" ? { type: "text_delta", text } : { type: "thinking_delta", thinking: text };
  return before + event({ type: "content_block_delta", index: blocks.index, delta }, form);
}

function tool(blocks: Blocks, form: Form): string {
  const before = close(blocks, form);
  const index = ++blocks.index;
  const delta = { type: "input_json_delta", partial_json: JSON.stringify(toolArguments) };
  return (
    before +
    event({ type: "content_block_start", index, content_block: { type: "tool_use", id: "toolu_1", name: toolName, input: {} } }, form) +
    event({ type: "content_block_delta", index, delta }, form) +
    event({ type: "content_block_stop", index }, form)
  );
}

export function piece(blocks: Blocks, said: { content?: string; thinking?: string; tools?: boolean }, form: Form): string {
  if (said.tools) return tool(blocks, form);
  if (said.thinking !== undefined) return inBlock(blocks, "thinking", said.thinking, form);
  return inBlock(blocks, "text", said.content ?? "", form);
}

export const last = (answer: Answer, blocks: Blocks, reason: string, form: Form): string =>
  close(blocks, form) +
  event(
    { type: "message_delta", delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: answer.answerTokens } },
    form,
  ) +
  event({ type: "message_stop" }, form);

export const midway = (form: Form): string =>
  event({ type: "error", error: { type: "api_error", message: "An unexpected error has occurred" } }, form);

export const whole = (answer: Answer, said: { content?: string; tools?: boolean }): unknown => ({
  ...head(answer),
  content: [
    { type: "text", text: said.content ?? "" },
    ...(said.tools ? [{ type: "tool_use", id: "toolu_1", name: toolName, input: toolArguments }] : []),
  ],
  stop_reason: said.tools ? "tool_use" : "end_turn",
  stop_sequence: null,
  usage: { input_tokens: answer.promptTokens, output_tokens: answer.answerTokens },
});
