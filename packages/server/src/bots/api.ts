/** What the doors may ask of the fleet. Throws `Refusal`: `not_found`, `bot_exists`, `field_invalid`, `name_invalid`. */
import type { RemoteProgram } from "./remote-channel.ts";
import type { Bot, BotAbility, BotCreate, BotEvent, BotPatch } from "@skep/protocol";

export interface LogLine {
  /** ISO 8601, UTC. */
  at: string;
  pid: number | null;
  source: "skep" | "bot" | "stderr";
  level: "debug" | "info" | "warn" | "error";
  text: string;
}

/** A kind of bot, for somebody who chooses one. */
export interface KindDescription {
  name: string;
  title: string;
  summary: string;
  can: readonly BotAbility[];
  /** JSON Schema of a definition's options. */
  options: Record<string, unknown>;
}

export type FleetEvent = { type: "bot"; bot: Bot } | { type: "bot-removed"; name: string };

export interface FleetApi {
  kinds(): KindDescription[];
  list(): Bot[];
  get(name: string): Bot;
  /** Stores the definition and launches it. */
  add(input: BotCreate): Promise<Bot>;
  change(name: string, patch: BotPatch): Promise<Bot>;
  remove(name: string): Promise<void>;
  start(name: string): Promise<Bot>;
  stop(name: string): Promise<Bot>;
  restart(name: string): Promise<Bot>;
  /** Do programs connect as this bot, with its token? */
  expectsPrograms(name: string): boolean;
  /** A program has come with this bot's token. It is ended at once when there is no such bot. */
  connect(name: string, program: RemoteProgram): void;
  /** Takes one of its workers out, or back in: it ends what it has and gets nothing new. Survives restarts. */
  drain(name: string, worker: string, drained: boolean): Promise<Bot>;
  /** The newest lines, oldest first, at most `limit`. */
  logs(name: string, limit: number): LogLine[];
  /** The newest entries before that number, oldest first, at most `limit`. */
  timeline(name: string, page: { before?: number; limit: number }): Promise<BotEvent[]>;
  /** Called with every change until the returned function is called. */
  watch(onEvent: (event: FleetEvent) => void): () => void;
}
