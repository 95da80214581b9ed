/** Ollama's and OpenAI's protocols as their documentation gives them. Pure: values in, text out. */
import { behaviours } from "./behaviours.ts";

export interface Answer {
  model: string;
  promptTokens: number;
  answerTokens: number;
  startedAt: number;
}

export const toolName = "look_up_weather";
export const toolArguments = { city: "Bern" };

/* ---- Ollama ---- */

const details = {
  parent_model: "",
  format: "gguf",
  family: "stand-in",
  families: ["stand-in"],
  parameter_size: "0B",
  quantization_level: "F16",
};
const modifiedAt = "2026-01-01T00:00:00Z";
const digest = "0".repeat(64);

export const ollamaTags = (): unknown => ({
  models: Object.keys(behaviours).map((name) => ({
    name: `${name}:latest`,
    model: `${name}:latest`,
    modified_at: modifiedAt,
    size: 0,
    digest,
    details,
  })),
});

export const ollamaShow = (model: string): unknown => ({
  modelfile: `FROM ${model}`,
  parameters: "",
  template: "{{ .Prompt }}",
  details,
  model_info: { "general.architecture": "stand-in", "general.parameter_count": 0, "stand-in.context_length": 4096 },
  capabilities: ["completion", ...(model.endsWith(":vision") ? ["vision"] : [])],
  modified_at: modifiedAt,
});

export const ollamaError = (message: string): unknown => ({ error: message });

type Said = { content?: string; thinking?: string; tools?: boolean };

const ollamaMessage = ({ content = "", thinking, tools }: Said): unknown => ({
  role: "assistant",
  content,
  ...(thinking !== undefined && { thinking }),
  ...(tools && { tool_calls: [{ function: { name: toolName, arguments: toolArguments } }] }),
});

const ollamaEnd = (answer: Answer): unknown => {
  const total = (Date.now() - answer.startedAt) * 1e6;
  return {
    done: true,
    done_reason: "stop",
    total_duration: total,
    load_duration: 0,
    prompt_eval_count: answer.promptTokens,
    prompt_eval_duration: 0,
    eval_count: answer.answerTokens,
    eval_duration: total,
  };
};

const ollamaHead = (answer: Answer) => ({ model: answer.model, created_at: new Date().toISOString() });

export const ollamaPiece = (answer: Answer, said: Said): string =>
  `${JSON.stringify({ ...ollamaHead(answer), message: ollamaMessage(said), done: false })}\n`;

export const ollamaLast = (answer: Answer): string =>
  `${JSON.stringify({ ...ollamaHead(answer), message: ollamaMessage({}), ...(ollamaEnd(answer) as object) })}\n`;

export const ollamaWhole = (answer: Answer, said: Said): unknown => ({
  ...ollamaHead(answer),
  message: ollamaMessage(said),
  ...(ollamaEnd(answer) as object),
});

/* ---- OpenAI ---- */

const created = Math.floor(Date.parse(modifiedAt) / 1000);

export const openaiModels = (): unknown => ({
  object: "list",
  data: Object.keys(behaviours).map((id) => openaiModel(id)),
});

export const openaiModel = (id: string): unknown => ({ id, object: "model", created, owned_by: "stand-in" });

export const openaiError = (message: string, type: string, code: string | null, param: string | null = null): unknown => ({
  error: { message, type, param, code },
});

const usageOf = (answer: Answer): unknown => ({
  prompt_tokens: answer.promptTokens,
  completion_tokens: answer.answerTokens,
  total_tokens: answer.promptTokens + answer.answerTokens,
});

const openaiHead = (answer: Answer, object: string) => ({
  id: `chatcmpl-${answer.startedAt}`,
  object,
  created: Math.floor(answer.startedAt / 1000),
  model: answer.model,
  system_fingerprint: "fp_stand_in",
});

const toolCall = { id: "call_1", type: "function", function: { name: toolName, arguments: JSON.stringify(toolArguments) } };

export interface OpenaiForm {
  lineEnd: "\n" | "\r\n";
  usage: boolean;
}

const event = (data: string, form: OpenaiForm): string => `data: ${data}${form.lineEnd}${form.lineEnd}`;

export function openaiPiece(answer: Answer, said: Said & { role?: "assistant"; finish?: string }, form: OpenaiForm): string {
  const delta = {
    ...(said.role && { role: said.role }),
    ...(said.content !== undefined && { content: said.content }),
    ...(said.thinking !== undefined && { reasoning_content: said.thinking }),
    ...(said.tools && { tool_calls: [{ index: 0, ...toolCall }] }),
  };
  const chunk = {
    ...openaiHead(answer, "chat.completion.chunk"),
    choices: [{ index: 0, delta, logprobs: null, finish_reason: said.finish ?? null }],
    ...(form.usage && { usage: null }),
  };
  return event(JSON.stringify(chunk), form);
}

export function openaiLast(answer: Answer, finish: string, form: OpenaiForm): string {
  const usage = { ...openaiHead(answer, "chat.completion.chunk"), choices: [], usage: usageOf(answer) };
  return openaiPiece(answer, { finish }, form) + (form.usage ? event(JSON.stringify(usage), form) : "") + event("[DONE]", form);
}

export const openaiEvent = (value: unknown, form: OpenaiForm): string => event(JSON.stringify(value), form);

export const openaiWhole = (answer: Answer, said: Said): unknown => ({
  ...openaiHead(answer, "chat.completion"),
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content: said.content ?? null,
        refusal: null,
        ...(said.thinking !== undefined && { reasoning_content: said.thinking }),
        ...(said.tools && { tool_calls: [toolCall] }),
      },
      logprobs: null,
      finish_reason: said.tools ? "tool_calls" : "stop",
    },
  ],
  usage: usageOf(answer),
});
