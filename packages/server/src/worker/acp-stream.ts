/**
 * An agent's standard input and output as a stream of ACP messages. Unlike the one in the library, it drops lines that are not JSON, a bounded
 * amount of them, does not read on while nobody takes what was read, and never waits for an agent that does not read.
 */
import type { Stream } from "@agentclientprotocol/sdk";
import type { Readable, Writable } from "node:stream";
import { lineSplitter } from "./line-splitter.ts";

type Message = Stream["readable"] extends ReadableStream<infer One> ? One : never;

/** UTF-16 units of one message. */
const messageLimit = 16 * 1024 * 1024;
/** Output without a message in it: beyond this the program does not speak ACP. */
const garbageLimit = 1024 * 1024;
/** What the agent has not read yet: beyond this it is stuck. */
const unreadLimit = 16 * 1024 * 1024;

export interface MessageStreamEvents {
  /** A line that is not a message, at most its first part. */
  garbage(line: string): void;
  /** Nothing more can come of it: the agent should be ended. */
  broken(reason: string): void;
  /** Nothing while what was read can be passed on. */
  drained(): Promise<void> | undefined;
}

export function messageStream(input: Writable, output: Readable, events: MessageStreamEvents): Stream {
  const lines = lineSplitter();
  let garbage = 0;
  let broken = false;
  let read: ((message: Message) => void) | undefined;
  const breakOff = (reason: string): void => {
    if (broken) return;
    broken = true;
    events.broken(reason);
  };
  const onLine = (line: string): void => {
    const message = parse(line);
    if (message) {
      garbage = 0;
      read?.(message);
    } else if (line.trim() !== "" && !broken) {
      garbage += line.length;
      events.garbage(line);
      if (garbage > garbageLimit) breakOff("its output is not the Agent Client Protocol");
    }
  };
  input.on("error", () => {
    // EPIPE: the exit says the rest.
  });
  output.setEncoding("utf8");

  const readable = new ReadableStream<Message>({
    start(controller) {
      read = (message) => controller.enqueue(message);
      output.on("data", (chunk: string) => {
        if (broken) return;
        lines.push(chunk, onLine);
        if (lines.rest.length > messageLimit) breakOff(`it wrote a message of more than ${messageLimit} characters`);
        const drained = events.drained();
        if (!drained && (controller.desiredSize ?? 0) > -16) return;
        output.pause();
        if (drained) void drained.then(() => output.resume());
      });
      output.on("end", () => {
        read = undefined;
        controller.close();
      });
      output.on("error", () => breakOff("its output could not be read"));
    },
    pull() {
      if (!events.drained()) output.resume();
    },
  });
  const writable = new WritableStream<Message>({
    write(message) {
      input.write(`${JSON.stringify(message)}\n`);
      if (input.writableLength > unreadLimit) breakOff("it does not read its input");
    },
  });
  return { readable, writable };
}

function parse(line: string): Message | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) && "jsonrpc" in value ? (value as Message) : null;
  } catch {
    return null;
  }
}
