import type { Time } from "../time.ts";
import type { Channel, ChannelEvents } from "./channel.ts";
import { RemoteChannel } from "./remote-channel.ts";
import type { RemoteProgram } from "./remote-channel.ts";
import type { Flusher } from "./worker-process.ts";

export interface RemotePlacesOptions {
  bot: string;
  time: Pick<Time, "after" | "soon" | "now">;
  flusher: Flusher;
}

/** Brings together the workers of one bot and the programs that connect as it. One for all of the bot's life: programs come before and between workers. */
export class RemotePlaces {
  readonly #o: RemotePlacesOptions;
  /** Workers without a program, the one that has waited longest first. */
  #waiting: RemoteChannel[] = [];
  readonly #connected = new Set<RemoteChannel>();
  /** Programs without a worker: the bot is stopped, or about to run again. They hear nothing until it does. */
  #early: RemoteProgram[] = [];
  #awaits: string;
  /** How many programs there may be: the bot's number of workers. */
  limit = 1;

  constructor(options: RemotePlacesOptions) {
    this.#o = options;
    this.#awaits = `no program has connected yet; \`skep bot token ${options.bot}\` makes the token that it needs`;
  }

  /** For a worker; it waits when no program is here. */
  open(events: ChannelEvents): Channel {
    const { time, flusher } = this.#o;
    const channel = new RemoteChannel({
      time,
      flusher,
      events,
      awaits: this.#awaits,
      ended: (reason) => this.#ended(channel, reason),
    });
    this.#early = this.#early.filter((program) => !program.closed);
    const program = this.#early.shift();
    if (program) this.#give(channel, program);
    else this.#waiting.push(channel);
    return channel;
  }

  #ended(channel: RemoteChannel, reason: string): void {
    this.#waiting = this.#waiting.filter((each) => each !== channel);
    if (!this.#connected.delete(channel)) return;
    const at = new Date(this.#o.time.now()).toISOString().slice(0, 19).replace("T", " ");
    this.#awaits = `not connected since ${at} UTC: its program ${reason}`;
  }

  #give(channel: RemoteChannel, program: RemoteProgram): void {
    this.#connected.add(channel);
    channel.take(program);
  }

  /**
   * The newest program always gets in: one that was started again must not wait until its old connection, of which the network says nothing, is
   * found dead. Where all places are taken it gets that of the program that has been silent for longest.
   */
  connect(program: RemoteProgram): void {
    if (program.closed) return;
    if (this.#waiting.length === 0 && this.#connected.size >= this.limit) {
      [...this.#connected].toSorted((a, b) => a.heardAt - b.heardAt)[0]?.replace();
    }
    const channel = this.#waiting.shift();
    if (channel) return this.#give(channel, program);
    this.#early = [...this.#early.filter((each) => !each.closed), program];
    if (this.#early.length > this.limit) this.#early.shift()?.end("replaced", "a newer connection of this bot has taken over");
  }

  /** The programs that no worker has: the bot is gone. */
  close(): void {
    for (const program of this.#early) program.end("not_allowed", "there is no such bot any more");
    this.#early = [];
  }
}
