import type { Duplex } from "node:stream";
import { closeCodes } from "@skep/protocol";
import type { CloseName } from "@skep/protocol";
import type { WebSocket } from "ws";
import type { BotIdentity } from "../access/access.ts";
import { authenticateWithinMs, unknownBytes } from "../access/unknown-sockets.ts";
import type { RemoteListener, RemoteProgram } from "../bots/remote-channel.ts";
import { pingEveryMs, pongWithinMs, stalledMs } from "./connection.ts";
import { textFrame } from "./text-frame.ts";

/** Bytes of one frame, either way of counting: a line cannot be longer. */
export const botFrameBytes = 4 * 1024 * 1024;
/** So many lines are worked on before others get their turn (B8). */
const linesAtOnce = 500;
/** What WebSocket allows for a reason. */
const reasonBytes = 123;
const closeWithinMs = 1000;

export interface BotConnectionOptions {
  authenticateToken(token: string): BotIdentity | null;
  /** It is who it says it is. */
  connect(bot: string, program: RemoteProgram): void;
  now(): number;
}

/**
 * One program at `/bots`: frames become lines, lines become frames. It knows nothing of the bot protocol.
 *
 *   unknown ──token──> known ──attend──> heard ──closed, all lines passed on──> gone
 *   any ──end──> ended: what still comes is dropped (B4)
 */
export class BotConnection implements RemoteProgram {
  readonly #socket: WebSocket;
  readonly #stream: Duplex & { bytesWritten?: number };
  readonly #o: BotConnectionOptions;
  #identity: BotIdentity | null = null;
  #listener: RemoteListener | null = null;
  /** Frames with lines that nobody has seen yet; `at` is the place in the first one. Nothing more is read while there are any. */
  #frames: string[] = [];
  #at = 0;
  #working = false;
  #ended = false;
  #closedBecause: string | null = null;
  #unknownBytes = 0;
  readonly #openedAt: number;
  heardAt: number;
  #pingedAt: number;
  #pongDue = 0;
  #progress = { taken: 0, at: 0 };

  readonly #onKnown: () => void;

  /** @param onKnown called once it is known who it is, at the latest when it is gone */
  constructor(
    socket: WebSocket,
    stream: Duplex,
    identity: BotIdentity | null,
    options: BotConnectionOptions,
    onKnown: () => void = () => {},
  ) {
    this.#onKnown = onKnown;
    this.#socket = socket;
    this.#stream = stream;
    this.#o = options;
    this.#openedAt = options.now();
    this.heardAt = this.#openedAt;
    this.#pingedAt = this.#openedAt;
    socket.on("message", (data: Buffer, isBinary: boolean) => this.#frame(data, isBinary));
    socket.on("pong", () => {
      this.#pongDue = 0;
      this.heardAt = options.now();
    });
    socket.on("error", (error: Error & { code?: string }) => {
      const large = error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
      this.#breakOff("protocol", large ? `sent a frame of more than ${botFrameBytes} bytes` : "lost its connection");
    });
    socket.once("close", (code: number) => this.#closed(code));
    if (identity) this.#known(identity);
    else stream.on("data", this.#countUnknown);
  }

  readonly #countUnknown = (chunk: Buffer): void => {
    this.#unknownBytes += chunk.length;
    if (this.#unknownBytes > unknownBytes) this.end("not_signed_in", "the first line must be authenticate");
  };

  get credential(): string | null {
    return this.#identity?.credential ?? null;
  }

  get closed(): boolean {
    return this.#ended || this.#closedBecause !== null;
  }

  get unsent(): number {
    return this.#stream.writableLength;
  }

  onClose(run: () => void): void {
    this.#socket.once("close", run);
  }

  #known(identity: BotIdentity): void {
    this.#identity = identity;
    this.#onKnown();
    this.#stream.off("data", this.#countUnknown);
    this.#o.connect(identity.bot, this);
  }

  /* ---- to the program ---- */

  send(text: string): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#stream.write(textFrame(text));
  }

  end(why: CloseName, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener = null;
    this.#frames = [];
    this.#stream.off("data", this.#countUnknown);
    this.#socket.resume();
    this.#socket.close(closeCodes[why], shortened(reason));
    // Who does not answer the close is not waited for.
    const timer = setTimeout(() => this.#socket.terminate(), closeWithinMs);
    this.#socket.once("close", () => clearTimeout(timer));
  }

  /** The same, and whoever attends is told. */
  #breakOff(why: CloseName, reason: string): void {
    const listener = this.#listener;
    this.end(why, reason);
    listener?.gone(reason);
  }

  /** Called every second or so: pings, and ends what is dead, silent or stuck. */
  check(now: number): void {
    if (this.closed) return;
    if (!this.#identity && now - this.#openedAt > authenticateWithinMs) {
      this.end("not_signed_in", `no token within ${authenticateWithinMs / 1000} s`);
      return;
    }
    const taken = (this.#stream.bytesWritten ?? 0) - this.unsent;
    if (this.unsent === 0 || taken !== this.#progress.taken) this.#progress = { taken, at: now };
    else if (now - this.#progress.at > stalledMs) {
      this.#breakOff("slow_consumer", `took nothing of what it was sent for ${stalledMs / 1000} s`);
      return;
    }
    // On a slow line the ping waits behind what was sent before it, and cannot be answered yet.
    if (this.#pongDue !== 0 && this.unsent > 0) this.#pongDue = now + pongWithinMs;
    // A pong that waits behind lines that wait here has not been read.
    if (this.#pongDue !== 0 && now > this.#pongDue && this.#frames.length === 0) {
      this.#breakOff("no_pong", `did not answer a ping within ${pongWithinMs / 1000} s`);
      return;
    }
    if (now - this.#pingedAt < pingEveryMs) return;
    this.#pingedAt = now;
    if (this.#pongDue === 0) this.#pongDue = now + pongWithinMs;
    this.#socket.ping();
  }

  /* ---- from the program ---- */

  attend(listener: RemoteListener): void {
    this.#listener = listener;
    if (this.#frames.length > 0) this.#workLater();
  }

  #frame(data: Buffer, isBinary: boolean): void {
    if (this.#ended) return;
    this.heardAt = this.#o.now();
    if (isBinary) {
      this.#breakOff("protocol", "sent a binary frame; text frames only");
      return;
    }
    this.#frames.push(data.toString());
    if (!this.#working) this.#workOn();
  }

  #workLater(): void {
    if (this.#working) return;
    this.#working = true;
    setImmediate(this.#workOn);
  }

  readonly #workOn = (): void => {
    this.#working = false;
    for (let left = linesAtOnce; left > 0 && this.#frames.length > 0; left--) {
      if (this.#identity && !this.#listener) break;
      this.#line(this.#nextLine());
    }
    if (this.#ended) return;
    if (this.#frames.length > 0) {
      this.#socket.pause();
      if (this.#listener) this.#workLater();
    } else if (this.#closedBecause !== null) {
      this.#listener?.gone(this.#closedBecause);
      this.#listener = null;
    } else if (this.#socket.isPaused) this.#socket.resume();
  };

  #nextLine(): string {
    const frame = this.#frames[0] ?? "";
    const end = frame.indexOf("\n", this.#at);
    const line = end === -1 ? frame.slice(this.#at) : frame.slice(this.#at, end);
    if (end === -1) this.#frames.shift();
    this.#at = end === -1 ? 0 : end + 1;
    return line;
  }

  #line(line: string): void {
    if (line === "" || line === "\r") return;
    if (this.#identity) {
      this.#listener?.line(line);
      return;
    }
    const token = tokenIn(line);
    const identity = token === null ? null : this.#o.authenticateToken(token);
    if (identity) this.#known(identity);
    else this.end("not_signed_in", token === null ? "the first line must be authenticate" : "this token is not valid");
  }

  #closed(code: number): void {
    this.#closedBecause = hangUps.has(code) ? "hung up" : "lost its connection";
    // What came before the end counts, if there is anybody for it.
    if (!this.#listener) this.#frames = [];
    else if (!this.#ended && !this.#working) this.#workOn();
  }
}

/** Normal end, going away, no code. */
const hangUps = new Set([1000, 1001, 1005]);

function tokenIn(line: string): string | null {
  try {
    const value = JSON.parse(line) as { type?: unknown; token?: unknown } | null;
    return value?.type === "authenticate" && typeof value.token === "string" ? value.token : null;
  } catch {
    return null;
  }
}

/** Cut between characters. */
function shortened(reason: string): string {
  const bytes = Buffer.from(reason);
  return bytes.length <= reasonBytes ? reason : bytes.toString("utf8", 0, reasonBytes - 2).replace(/\ufffd+$/, "");
}
