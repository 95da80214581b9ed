/**
 * A model behind any endpoint that speaks OpenAI's chat completions: POST {baseUrl}/chat/completions, answered by server-sent
 * events. Each holds the next piece in `choices[0].delta.content`; `finish_reason` says that the text is complete, `[DONE]` ends
 * it. A server that does not stream answers with one JSON body, which is taken too. Reasoning and tool calls are not part of the
 * answer.
 */
import { eventBody, wholeBody } from "./answer-body.ts";
import type { CreateDriver } from "./driver.ts";
import type { ChatMessage } from "./fit-history.ts";
import { fitHistory } from "./fit-history.ts";
import type { Fields } from "./json-fields.ts";
import { errorMessage, fieldsOf, firstOf, parseFields, textOf } from "./json-fields.ts";
import { cutShort, explainKey, explainStatus, garbage, keyMissing, ModelFailure, quote } from "./model-failure.ts";
import { modelServer } from "./model-server.ts";
import type { AnswerReader } from "./model-turn.ts";
import { modelDriver } from "./model-turn.ts";
import type { OpenaiOptions } from "./openai-options.ts";
import { openaiDefaults } from "./openai-options.ts";
import type { RunningTurn } from "./running-turn.ts";
import { readFor } from "./turn-files.ts";

export const createDriver: CreateDriver = (given) => {
  const options = { ...openaiDefaults, ...given } as OpenaiOptions;
  if (!options.model) throw new Error('The option "model" is missing');
  const key = options.apiKeyEnv === "" ? undefined : process.env[options.apiKeyEnv];
  const server = modelServer(options.baseUrl, key ? { authorization: `Bearer ${key}` } : {}, "/models", options);
  const driver = modelDriver(
    server,
    {
      path: "/chat/completions",
      body: (turn) => JSON.stringify(openaiRequest(options, turn)),
      reader: (contentType) => (contentType.includes("json") ? wholeReader(options.model) : streamReader(options.model)),
      refusal: (status, body) => explainOpenai(status, body, options, server.origin),
    },
    options,
  );
  if (options.apiKeyEnv === "" || key) return driver;
  return { ...driver, run: (turn) => turn.failure(keyMissing(options.apiKeyEnv), false) };
};

export function openaiRequest(options: OpenaiOptions, turn: Pick<RunningTurn, "history" | "text" | "files">): Record<string, unknown> {
  const files = turn.files.map((file) => readFor(file, false));
  return {
    ...options.extra,
    model: options.model,
    messages: fitHistory(options.system, turn.history, turn.text, options.contextTokens, files).map(withImages),
    stream: true,
    ...(options.temperature !== null && { temperature: options.temperature }),
    ...(options.maxTokens !== null && { max_tokens: options.maxTokens }),
  };
}

/** A message with images is a list of parts, and an image an address that holds its bytes. */
function withImages({ role, content, files }: ChatMessage): unknown {
  if (!files) return { role, content };
  const images = files.flatMap((file) =>
    file.kind === "image" ? [{ type: "image_url", image_url: { url: `data:${file.type};base64,${file.data}` } }] : [],
  );
  return { role, content: [...(content === "" ? [] : [{ type: "text", text: content }]), ...images] };
}

export function explainOpenai(
  status: number,
  body: string,
  { model, apiKeyEnv, baseUrl }: Pick<OpenaiOptions, "model" | "apiKeyEnv" | "baseUrl">,
  origin: string,
): ModelFailure {
  const said = errorMessage(body);
  if (status === 401 || status === 403) return explainKey(status, said, apiKeyEnv, origin);
  if (status !== 404) return explainStatus(status, said, origin);
  const error = fieldsOf(parseFields(body)?.["error"]);
  return error && (error["code"] === "model_not_found" || textOf(error["message"]).includes("model"))
    ? new ModelFailure(`The model "${model}" is not on this server: ${quote(said)}`, false)
    : new ModelFailure(
        `There is no ${new URL(baseUrl).pathname.replace(/\/+$/, "")}/chat/completions at ${origin} (404); most servers want a baseUrl that ends in /v1`,
        false,
      );
}

/** What one choice says, be it a piece (`delta`) or the whole (`message`). */
interface Said {
  text: string;
  tools: boolean;
  finish: string;
}

/** Some servers send a list of parts, of which thoughts and references are not part of the answer. */
function contentOf(content: unknown): string {
  if (!Array.isArray(content)) return textOf(content);
  let text = "";
  for (const part of content as unknown[]) {
    const fields = fieldsOf(part);
    if (fields?.["type"] === "text") text += textOf(fields["text"]);
  }
  return text;
}

function readChoice(fields: Fields, raw: string): Said {
  if (fields["error"] !== undefined && fields["error"] !== null) {
    throw new ModelFailure(`The model server reports: ${quote(errorMessage(raw))}`, true);
  }
  if (!Array.isArray(fields["choices"])) throw garbage(raw);
  // The last event may hold usage figures and no choice.
  const choice = fieldsOf(firstOf(fields["choices"]));
  const message = fieldsOf(choice?.["delta"]) ?? fieldsOf(choice?.["message"]);
  const tools = Boolean(message?.["tool_calls"] ?? message?.["function_call"]);
  return { text: contentOf(message?.["content"]) || textOf(message?.["refusal"]), tools, finish: textOf(choice?.["finish_reason"]) };
}

function emptiness(model: string, tools: boolean, finish: string): ModelFailure {
  if (tools) return new ModelFailure(`The model "${model}" asked for a tool and said nothing; this kind of bot has no tools`, false);
  if (finish === "content_filter") return new ModelFailure("The model server's content filter withheld the answer", false);
  if (finish === "length") return new ModelFailure(`The model "${model}" used up all its tokens before it said anything`, true);
  return new ModelFailure(`The model "${model}" gave an empty answer`, true);
}

export function streamReader(model: string): AnswerReader {
  let complete = false;
  let tools = false;
  let finish = "";

  const events = eventBody((data, onText) => {
    if (complete) return;
    if (data === "[DONE]") {
      // Without a reason to finish before, this is still how the protocol ends.
      complete = true;
      return;
    }
    const fields = parseFields(data);
    if (!fields) throw garbage(data);
    const said = readChoice(fields, data);
    tools ||= said.tools;
    finish ||= said.finish;
    onText(said.text);
  });

  return {
    get complete() {
      return complete;
    },
    push: events.push,
    end() {
      events.end();
      if (finish === "") throw cutShort();
    },
    emptiness: () => emptiness(model, tools, finish),
  };
}

/** For servers that do not stream. */
export function wholeReader(model: string): AnswerReader {
  const body = wholeBody();
  let said: Said = { text: "", tools: false, finish: "" };
  return {
    complete: false,
    push: body.push,
    end(onText) {
      const { fields, raw } = body.end();
      said = readChoice(fields, raw);
      onText(said.text);
    },
    emptiness: () => emptiness(model, said.tools, said.finish),
  };
}
