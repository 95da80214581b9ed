/**
 * One turn with a model server, the same for every API: ask, stream, watch for silence, say clearly what went wrong.
 * What differs between APIs is a `ModelApi` and an `AnswerReader`, which do no input or output.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Driver } from "./driver.ts";
import { cutShort, explainError, ModelFailure } from "./model-failure.ts";
import type { ModelServer } from "./model-server.ts";
import type { RunningTurn } from "./running-turn.ts";
import type { SilenceWatch } from "./silence-watch.ts";
import { watchSilence } from "./silence-watch.ts";
import { sleep } from "./sleep.ts";
import { NotForModels } from "./turn-files.ts";

/** Reads one answer, however it is chunked. */
export interface AnswerReader {
  /** @throws ModelFailure when it is not what the protocol says, or says that something failed */
  push(chunk: string, onText: (text: string) => void, onThought: (id: string, text: string) => void): void;
  /** Has everything come, whatever may follow? */
  readonly complete: boolean;
  /** At the end of the body, when it was not complete before. @throws ModelFailure when the end came too early */
  end(onText: (text: string) => void): void;
  /** Why a complete answer has no text. */
  emptiness(): ModelFailure;
}

export interface ModelApi {
  path: string;
  /** @throws NotForModels */
  body(turn: RunningTurn): string;
  reader(contentType: string): AnswerReader;
  /** What a status other than 200 means. @param body at most its first 64 KiB */
  refusal(status: number, body: string): ModelFailure;
}

export interface ModelTurnSettings {
  silenceMs: number;
  limitMs: number;
}

/** More turns at a time than any model server works on; the bot's own limit is the one that counts. */
const concurrency = 64;
const errorBodyLength = 64 * 1024;
/** After a complete answer, the rest of its body may take this long; then its connection is given up. */
const restMs = 1000;
/** An attempt waits at most so long because its server asked it to. */
const longestPauseMs = 60_000;

export function modelDriver(server: ModelServer, api: ModelApi, settings: ModelTurnSettings): Driver {
  return { context: "history", concurrency, run: (turn) => runModelTurn(turn, server, api, settings) };
}

async function runModelTurn(turn: RunningTurn, server: ModelServer, api: ModelApi, settings: ModelTurnSettings): Promise<void> {
  let request: ClientRequest | undefined;
  let answering = false;
  let stoppedBy: ModelFailure | undefined;
  const stop = (failure: ModelFailure): void => {
    stoppedBy ??= failure;
    request?.destroy(stoppedBy);
  };
  turn.onCancel = () => stop(new ModelFailure("Cancelled", false));
  const watch = watchSilence({
    silenceMs: settings.silenceMs,
    probe: () => server.probe(),
    status: (state, detail) => turn.status(state, detail),
    gone: stop,
  });
  const limit =
    settings.limitMs > 0
      ? setTimeout(() => stop(new ModelFailure(`The model took longer than ${settings.limitMs / 1000} s`, true)), settings.limitMs)
      : undefined;
  try {
    const post = (): Promise<IncomingMessage> =>
      server.post(api.path, api.body(turn), (opened) => {
        request = opened;
        if (stoppedBy) opened.destroy(stoppedBy);
      });
    const withFiles = hasFiles(turn);
    const response = await (withFiles ? oneByOne(turn, post) : post());
    answering = true;
    watch.heard();
    const status = response.statusCode ?? 0;
    if (status !== 200) {
      const said = api.refusal(status, await firstPart(response, errorBodyLength));
      const refusal = withFiles ? aboutFiles(said, status) : said;
      const ms = refusal.retry ? askedPause(response.headers["retry-after"]) : 0;
      if (ms > 0) {
        watch.stop();
        turn.status("waiting", `The model server asks for a pause of ${Math.ceil(ms / 1000)} s (${status})`);
        await sleep(ms, turn);
      }
      throw refusal;
    }
    const reader = api.reader(response.headers["content-type"] ?? "");
    await streamAnswer(response, reader, turn, watch);
    if (turn.streamed) turn.answer();
    else throw reader.emptiness();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof NotForModels) return turn.failure(error.message, false);
    const failure = stoppedBy ?? explainError(error, server.origin, answering);
    request?.destroy(failure);
    turn.failure(failure.message, failure.retry);
  } finally {
    clearTimeout(limit);
    watch.stop();
  }
}

const hasFiles = ({ files, history }: RunningTurn): boolean => files.length > 0 || history.some((entry) => entry.files !== undefined);

let sending: Promise<unknown> = Promise.resolve();

/** However many turns with files there are, the bytes of one are in memory: the next one waits until this one's request was answered. */
function oneByOne(turn: RunningTurn, post: () => Promise<IncomingMessage>): Promise<IncomingMessage> {
  const response = sending.then(() => {
    if (turn.ended) throw new ModelFailure("Cancelled", false);
    return post();
  });
  sending = response.catch(() => {});
  return response;
}

/** A server that does not take the request may not take what came with it. */
const aboutFiles = (said: ModelFailure, status: number): ModelFailure =>
  said.retry || [401, 403, 404].includes(status)
    ? said
    : new ModelFailure(`${said.message}. The message or an earlier one has images or files: perhaps this model takes none`, false);

/** Events and not iteration: to leave an iteration early closes the connection, which is to be used again. */
function streamAnswer(response: IncomingMessage, reader: AnswerReader, turn: RunningTurn, watch: SilenceWatch): Promise<void> {
  return new Promise((resolve, reject) => {
    const onText = (text: string): void => turn.delta(text);
    const onThought = (id: string, text: string): void => turn.thought(id, text);
    const attempt = (step: () => void): void => {
      try {
        step();
      } catch (error) {
        reject(error);
      }
    };
    const resume = (): void => {
      watch.heard();
      response.resume();
    };
    const finish = (): void => {
      resolve();
      if (response.complete) return;
      const rest = setTimeout(() => response.destroy(), restMs);
      response.once("close", () => clearTimeout(rest));
    };
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      if (reader.complete) return;
      watch.heard();
      attempt(() => {
        reader.push(chunk, onText, onThought);
        if (reader.complete) finish();
      });
      const drained = turn.drained();
      if (!drained) return;
      response.pause();
      watch.pause();
      void drained.then(resume);
    });
    response.on("end", () => {
      if (reader.complete) return;
      attempt(() => {
        reader.end(onText);
        resolve();
      });
    });
    response.on("error", reject);
    // An end without "end": the connection was cut.
    response.on("close", () => reject(cutShort()));
  });
}

/** A server that has too much to do may say when to come again. @returns milliseconds; 0 when it did not say so in seconds */
const askedPause = (header: string | undefined): number =>
  /^\d{1,9}(\.\d+)?$/.test(header ?? "") ? Math.min(Number(header) * 1000, longestPauseMs) : 0;

/** Enough of an error's body to tell what it says. A body that breaks off is taken as far as it came. */
function firstPart(response: IncomingMessage, length: number): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
      if (text.length < length) return;
      resolve(text);
      response.destroy();
    });
    response.on("end", () => resolve(text));
    response.on("error", () => resolve(text));
    response.on("close", () => resolve(text));
  });
}
