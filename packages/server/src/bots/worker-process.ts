/** One process of a bot: started in a group of its own, spoken to in JSON lines, gone without a trace when it ends (B7, B8). */
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { setPriority } from "node:os";
import type { Readable } from "node:stream";
import { checkBotLine } from "@skep/protocol/bot";
import type { FromBot, ToBot } from "@skep/protocol/bot";
import type { Time } from "../time.ts";
import { Allowance } from "./allowance.ts";
import type { Channel, ChannelEvents, ChannelExit } from "./channel.ts";
import type { Launch } from "./kinds/kind.ts";
import { killGroup } from "./ledger.ts";
import { LineReader } from "./line-reader.ts";
import { markVariable } from "../worker/mark.ts";

/** UTF-16 units of one line of output. */
const lineLimit = 4 * 1024 * 1024;
/** Output without a valid line: beyond this the bot does not speak the protocol. */
const garbageLimit = 1024 * 1024;
/** Unread input beyond this: the worker does not read, and gets no more until it does. */
const unreadLimit = 4 * 1024 * 1024;

/**
 * What is read of a worker's output and error output, in UTF-16 units, beyond which it is made to wait (B8). A line costs as much as `lineCost`
 * units more: however short lines are, reading at the limit takes a tenth of a core. The whole message path of a fast bot is half of it. Not less for
 * error output: who waits in its own `write` answers no heartbeat.
 */
const readAllowance = { burst: 16 * 1024 * 1024, perSecond: 8 * 1024 * 1024 };
const lineCost = 100;

/** After the exit of a process, what it wrote last may still be on its way. */
const lastWordsMs = 200;

export interface Flusher {
  flush(run: () => void): void;
}

export interface WorkerProcessOptions {
  /** By which all that it starts is found. */
  mark: string;
  /** How far it stands back behind the controller, 0 to 19. */
  nice: number;
  time: Pick<Time, "now" | "after">;
  flusher: Flusher;
}

export class WorkerProcess implements Channel {
  readonly pid: number | null;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #events: ChannelEvents;
  readonly #flusher: Flusher;
  readonly #time: WorkerProcessOptions["time"];
  #unsent: string[] = [];
  #garbage = 0;
  #ended = false;
  /** The timers of its end. */
  #takeBack: (() => void)[] = [];
  /** Why it was killed, when it was. */
  #killedBecause: string | null = null;

  constructor(launch: Launch, { mark, nice, time, flusher }: WorkerProcessOptions, events: ChannelEvents) {
    this.#events = events;
    this.#flusher = flusher;
    this.#time = time;
    this.#child = spawn(launch.command, launch.args, {
      cwd: launch.cwd,
      env: { ...launch.env, [markVariable]: mark },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
      windowsHide: true,
    });
    this.pid = this.#child.pid ?? null;
    if (this.pid !== null && nice > 0) standBack(this.pid, nice);
    const child = this.#child;
    child.on("error", (error) => this.#exit({ clean: false, reason: `could not be started: ${error.message}`, code: null, signal: null }));
    // "close" comes after the last output was read, so an answer written just before the exit counts.
    child.on("close", (code, signal) => this.#exit(describeExit(code, signal)));
    // A grandchild that holds the pipes open must not keep a dead worker alive.
    child.on("exit", (code, signal) => {
      if (this.pid !== null) killGroup(this.pid, "SIGKILL");
      for (const takeBack of this.#takeBack) takeBack();
      this.#takeBack = [time.after(lastWordsMs, () => this.#exit(describeExit(code, signal)))];
    });
    child.stdin.on("error", () => {
      // EPIPE: the exit says the rest.
    });
    const lines = new LineReader(lineLimit);
    const onLine = (line: string): void => this.#line(line);
    const onTooLong = (beginning: string): void => {
      this.#garbage += lineLimit;
      events.note("bot", `a line of more than ${lineLimit} characters was skipped: ${beginning}…`);
    };
    this.#read(child.stdout, (chunk) => lines.push(chunk, onLine, onTooLong));
    const errors = new LineReader(8192);
    const onError = (line: string): void => events.note("stderr", line);
    const onLongError = (beginning: string): void => events.note("stderr", `${beginning}…`);
    this.#read(child.stderr, (chunk) => errors.push(chunk, onError, onLongError));
  }

  /** @param take handles a chunk; answers how many lines it had */
  #read(stream: Readable, take: (chunk: string) => number): void {
    const time = this.#time;
    const allowance = new Allowance(readAllowance, time.now());
    let takeBack = (): void => {};
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      const lines = take(chunk);
      const waitMs = allowance.take(chunk.length + lines * lineCost, time.now());
      if (waitMs === 0 || this.#ended) return;
      stream.pause();
      takeBack = time.after(waitMs, () => stream.resume());
    });
    stream.on("close", () => takeBack());
  }

  #exit(exit: ChannelExit): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const takeBack of this.#takeBack) takeBack();
    if (this.pid !== null) killGroup(this.pid, "SIGKILL");
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    this.#events.exited(this.#killedBecause === null ? exit : { ...exit, clean: false, reason: this.#killedBecause });
  }

  #line(text: string): void {
    if (this.#ended) return;
    let line: FromBot | null;
    try {
      line = checkBotLine(JSON.parse(text));
    } catch {
      line = null;
    }
    if (line) {
      this.#garbage = 0;
      this.#events.line(line);
      return;
    }
    this.#garbage += text.length;
    this.#events.note("bot", `not a line of the bot protocol: ${text.slice(0, 200)}`);
    if (this.#garbage > garbageLimit) this.#events.broken("its output is not the bot protocol");
  }

  send(line: ToBot): void {
    if (this.#ended) return;
    if (this.#unsent.length === 0) this.#flusher.flush(this.#flush);
    this.#unsent.push(JSON.stringify(line));
  }

  readonly #flush = (): void => {
    if (this.#ended || this.#unsent.length === 0) return;
    const text = `${this.#unsent.join("\n")}\n`;
    this.#unsent = [];
    this.#child.stdin.write(text);
  };

  get reads(): boolean {
    return this.#child.stdin.writableLength < unreadLimit;
  }

  kill(because: string): void {
    this.#killedBecause ??= because;
    if (this.pid !== null) killGroup(this.pid, "SIGKILL");
  }

  /** Asks it to end: end of input, then SIGTERM, then SIGKILL. */
  stop(graceMs: number): void {
    if (this.#ended) return;
    this.#child.stdin.end();
    const { pid } = this;
    if (pid === null) return;
    this.#takeBack.push(
      this.#time.after(graceMs / 2, () => killGroup(pid, "SIGTERM")),
      this.#time.after(graceMs, () => killGroup(pid, "SIGKILL")),
    );
  }
}

const describeExit = (code: number | null, signal: NodeJS.Signals | null): ChannelExit => ({
  clean: code === 0,
  reason: signal ? `was ended by ${signal}` : `exited with code ${code ?? "unknown"}`,
  code,
  signal,
});

function standBack(pid: number, nice: number): void {
  try {
    setPriority(pid, nice);
  } catch {
    // It has ended already, or this system does not have it: it runs as it is.
  }
}
