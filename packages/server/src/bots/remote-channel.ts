/**
 * A worker that is a program elsewhere: it connects in with the bot's token instead of being started.
 *
 *   waiting ──a program comes──> greeted ──hello──> speaking
 *   greeted, speaking ──it goes | is replaced | says no hello──> ended, and the worker waits with a new channel
 *   any ──stop──> ended
 */
import type { CloseName } from "@skep/protocol";
import { checkBotLine } from "@skep/protocol/bot";
import type { FromBot, ToBot } from "@skep/protocol/bot";
import type { Time } from "../time.ts";
import type { Channel, ChannelEvents } from "./channel.ts";
import type { Flusher } from "./worker-process.ts";

/** A program that does not say hello in this time has to come again. */
const helloLimitMs = 15_000;
/** Output without a valid line: beyond this it does not speak the protocol. */
const garbageLimit = 1024 * 1024;
/** What a line that is none counts besides its characters, so that short ones are not free. */
const garbageLineCost = 64;
/** Bytes that it has not read: beyond this it gets no more until it has. */
const unreadLimit = 4 * 1024 * 1024;

/** A program that has connected, as its door sees it. */
export interface RemoteProgram {
  readonly closed: boolean;
  /** When something last came from it. */
  readonly heardAt: number;
  /** Bytes that it has not taken yet. */
  readonly unsent: number;
  send(text: string): void;
  /** From here on each of its lines is passed on, and that it has gone; before, what it says waits. Calls nothing before it returns. */
  attend(listener: RemoteListener): void;
  /** Nothing that it says after this is passed on. */
  end(why: CloseName, reason: string): void;
}

export interface RemoteListener {
  line(text: string): void;
  /** For people: "lost its connection". */
  gone(reason: string): void;
}

export interface RemoteChannelOptions {
  time: Pick<Time, "after" | "soon">;
  flusher: Flusher;
  events: ChannelEvents;
  /** Why there is nobody yet, for people. */
  awaits: string;
  /** Called before its worker hears of the end. */
  ended(reason: string): void;
}

export class RemoteChannel implements Channel {
  readonly pid = null;
  readonly awaits: string;
  readonly #o: RemoteChannelOptions;
  #program: RemoteProgram | null = null;
  #unsent: string[] = [];
  #garbage = 0;
  #broken = false;
  #ended = false;
  #takeBack: (() => void) | null = null;

  constructor(options: RemoteChannelOptions) {
    this.#o = options;
    this.awaits = options.awaits;
  }

  /** When something last came from its program. */
  get heardAt(): number {
    return this.#program?.heardAt ?? 0;
  }

  take(program: RemoteProgram): void {
    this.#program = program;
    this.#takeBack = this.#o.time.after(helloLimitMs, () => this.kill(`did not say hello within ${helloLimitMs / 1000} s`));
    if (this.#unsent.length > 0) this.#o.flusher.flush(this.#flush);
    program.attend({ line: (text) => this.#line(text), gone: (reason) => this.#end(reason) });
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
      if (line.type === "hello") this.#takeBack?.();
      this.#o.events.line(line);
      return;
    }
    this.#garbage += text.length + garbageLineCost;
    this.#o.events.note("bot", `not a line of the bot protocol: ${text.slice(0, 200)}`);
    if (this.#garbage <= garbageLimit || this.#broken) return;
    this.#broken = true;
    this.#o.events.broken("said nothing but what is not the bot protocol");
  }

  send(line: ToBot): void {
    if (this.#ended) return;
    if (this.#unsent.length === 0 && this.#program) this.#o.flusher.flush(this.#flush);
    this.#unsent.push(JSON.stringify(line));
  }

  readonly #flush = (): void => {
    if (this.#ended || !this.#program || this.#unsent.length === 0) return;
    const text = this.#unsent.join("\n");
    this.#unsent = [];
    this.#program.send(text);
  };

  get reads(): boolean {
    return this.#program !== null && this.#program.unsent < unreadLimit;
  }

  /** A newer program takes the place of this one. Its worker waits for that one when this returns. */
  replace(): void {
    this.#program?.end("replaced", "a newer connection of this bot has taken over");
    this.#end("was replaced by a newer connection");
  }

  /** Where nobody is, there is nothing to end. */
  kill(because: string): void {
    if (this.#ended || !this.#program) return;
    this.#program.end(this.#broken ? "protocol" : "ended", because);
    this.#endSoon({ clean: false, reason: because, away: true });
  }

  /** It has to come again when the bot runs again: there is nothing to wait for. */
  stop(_graceMs: number): void {
    if (this.#ended) return;
    const reason = this.#program ? "was let go when the bot was stopped" : "is not waited for any more";
    this.#program?.end("ended", "the bot was stopped; connect again");
    this.#endSoon({ clean: true, reason, away: false });
  }

  #end(reason: string): void {
    if (this.#over(reason)) this.#o.events.exited({ clean: false, reason, away: true });
  }

  /** Who asks for the end hears of it when what it does now is done, as with a process. */
  #endSoon(exit: { clean: boolean; reason: string; away: boolean }): void {
    if (this.#over(exit.reason)) this.#o.time.soon(() => this.#o.events.exited(exit));
  }

  /** @returns false when it was over before. */
  #over(reason: string): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#takeBack?.();
    this.#o.ended(reason);
    return true;
  }
}
