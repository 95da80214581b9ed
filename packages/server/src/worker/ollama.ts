/**
 * A model on an Ollama server: POST /api/chat, answered by one JSON object a line. Each holds the next piece of the answer in
 * `message.content`; the last has `done: true`. What a model thinks (`message.thinking`) and the tools that it asks for
 * (`message.tool_calls`) are not part of the answer.
 */
import type { CreateDriver } from "./driver.ts";
import { fitHistory } from "./fit-history.ts";
import { errorMessage, fieldsOf, parseFields, textOf } from "./json-fields.ts";
import { lineSplitter } from "./line-splitter.ts";
import { cutShort, explainStatus, garbage, ModelFailure, quote } from "./model-failure.ts";
import { modelServer } from "./model-server.ts";
import type { AnswerReader } from "./model-turn.ts";
import { modelDriver } from "./model-turn.ts";
import type { OllamaOptions } from "./ollama-options.ts";
import { ollamaDefaults } from "./ollama-options.ts";
import type { RunningTurn } from "./running-turn.ts";

/** A line of the protocol is one token long; more than this without an end is something else. */
const lineLimit = 1024 * 1024;

export const createDriver: CreateDriver = (given) => {
  const options = { ...ollamaDefaults, ...given } as OllamaOptions;
  if (!options.model) throw new Error('The option "model" is missing');
  const server = modelServer(options.url, {}, "/api/version", options);
  return modelDriver(
    server,
    {
      path: "/api/chat",
      body: (turn) => JSON.stringify(ollamaRequest(options, turn)),
      reader: () => ollamaReader(options.model),
      refusal: (status, body) => explainOllama(status, body, options.model, server.origin),
    },
    options,
  );
};

export function ollamaRequest(options: OllamaOptions, turn: Pick<RunningTurn, "history" | "text">): Record<string, unknown> {
  return {
    model: options.model,
    messages: fitHistory(options.system, turn.history, turn.text, options.contextTokens),
    stream: true,
    ...(Object.keys(options.options).length > 0 && { options: options.options }),
    ...(options.keepAlive !== "" && { keep_alive: options.keepAlive }),
  };
}

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
