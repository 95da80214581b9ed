/**
 * A model on an Ollama server: POST /api/chat, answered by one JSON object a line. Each holds the next piece of the answer in
 * `message.content`; the last has `done: true`. What a model thinks (`message.thinking`) and the tools that it asks for
 * (`message.tool_calls`) are not part of the answer.
 */
import type { CreateDriver } from "./driver.ts";
import type { ChatMessage } from "./fit-history.ts";
import { fitHistory } from "./fit-history.ts";
import { errorMessage, fieldsOf, parseFields, textOf } from "./json-fields.ts";
import { lineSplitter } from "./line-splitter.ts";
import { cutShort, explainStatus, garbage, ModelFailure, quote } from "./model-failure.ts";
import { modelServer } from "./model-server.ts";
import type { ModelServer } from "./model-server.ts";
import type { AnswerReader } from "./model-turn.ts";
import { modelDriver } from "./model-turn.ts";
import type { OllamaOptions } from "./ollama-options.ts";
import { ollamaDefaults } from "./ollama-options.ts";
import type { RunningTurn } from "./running-turn.ts";
import { isImage, readFor } from "./turn-files.ts";

const showMs = 5000;
/** A line of the protocol is one token long; more than this without an end is something else. */
const lineLimit = 1024 * 1024;

export const createDriver: CreateDriver = (given) => {
  const options = { ...ollamaDefaults, ...given } as OllamaOptions;
  if (!options.model) throw new Error('The option "model" is missing');
  const server = modelServer(options.url, {}, "/api/version", options);
  const driver = modelDriver(
    server,
    {
      path: "/api/chat",
      body: (turn) => JSON.stringify(ollamaRequest(options, turn)),
      reader: () => ollamaReader(options.model),
      refusal: (status, body) => explainOllama(status, body, options.model, server.origin),
    },
    options,
  );
  let looks = false;
  /** Some versions drop images that a model cannot look at, without a word. */
  const withImages = async (turn: RunningTurn): Promise<void> => {
    looks ||= await looksAtImages(server, options.model);
    if (!looks) turn.failure(`The model "${options.model}" does not look at images; choose one that does, such as llava or gemma3`, false);
    else if (!turn.ended) await driver.run(turn);
  };
  return { ...driver, run: (turn) => (looks || !turn.files.some(isImage) ? driver.run(turn) : withImages(turn)) };
};

/** A server that does not say is believed to: its answer will tell. */
async function looksAtImages(server: ModelServer, model: string): Promise<boolean> {
  try {
    const response = await server.post("/api/show", JSON.stringify({ model }), (request) =>
      request.setTimeout(showMs, () => request.destroy()),
    );
    const pieces: Buffer[] = [];
    for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
    const capabilities = parseFields(Buffer.concat(pieces).toString("utf8"))?.["capabilities"];
    return response.statusCode !== 200 || !Array.isArray(capabilities) || capabilities.includes("vision");
  } catch {
    return true;
  }
}

export function ollamaRequest(options: OllamaOptions, turn: Pick<RunningTurn, "history" | "text" | "files">): Record<string, unknown> {
  const files = turn.files.map((file) => readFor(file, false));
  return {
    model: options.model,
    messages: fitHistory(options.system, turn.history, turn.text, options.contextTokens, files).map(withImages),
    stream: true,
    ...(Object.keys(options.options).length > 0 && { options: options.options }),
    ...(options.keepAlive !== "" && { keep_alive: options.keepAlive }),
  };
}

const withImages = ({ role, content, files }: ChatMessage): unknown =>
  files ? { role, content, images: files.map(({ data }) => data) } : { role, content };

export function explainOllama(status: number, body: string, model: string, origin: string): ModelFailure {
  const said = errorMessage(body);
  if (status === 401 || status === 403) {
    return new ModelFailure(`The model server at ${origin} does not let this bot in (${status})${said ? `: ${quote(said)}` : ""}`, false);
  }
  if (status !== 404) return explainStatus(status, said, origin);
  return parseFields(body)
    ? new ModelFailure(`The model "${model}" is not on this server; \`ollama pull ${model}\` gets it`, false)
    : new ModelFailure(`There is no /api/chat at ${origin} (404); is it an Ollama server?`, false);
}

export function ollamaReader(model: string): AnswerReader {
  const lines = lineSplitter();
  let complete = false;
  let tools = false;

  const read = (line: string, onText: (text: string) => void): void => {
    if (complete || line.trim() === "") return;
    const fields = parseFields(line);
    if (!fields) throw garbage(line);
    if (fields["error"] !== undefined) throw new ModelFailure(`The model server reports: ${quote(errorMessage(line))}`, true);
    const message = fieldsOf(fields["message"]);
    if (!message && fields["done"] !== true) throw garbage(line);
    if (message?.["tool_calls"] !== undefined) tools = true;
    onText(textOf(message?.["content"]));
    complete = fields["done"] === true;
  };

  return {
    get complete() {
      return complete;
    },
    push(chunk, onText) {
      lines.push(chunk, (line) => read(line, onText));
      if (lines.rest.length > lineLimit) throw garbage(lines.rest);
    },
    end(onText) {
      read(lines.rest, onText);
      if (!complete) throw cutShort();
    },
    emptiness: () => emptyAnswer(model, tools),
  };
}

export const emptyAnswer = (model: string, tools: boolean): ModelFailure =>
  tools
    ? new ModelFailure(`The model "${model}" asked for a tool and said nothing; this kind of bot has no tools`, false)
    : new ModelFailure(`The model "${model}" gave an empty answer`, true);
