/** What the doors may ask of the fleet. Throws `Refusal`: `not_found`, `bot_exists`, `field_invalid`, `name_invalid`. */
import type { Bot, BotCreate, BotPatch } from "@skep/protocol";

export interface LogLine {
  /** ISO 8601, UTC. */
  at: string;
  pid: number | null;
  source: "skep" | "bot" | "stderr";
  level: "debug" | "info" | "warn" | "error";
  text: string;
}

export type FleetEvent = { type: "bot"; bot: Bot } | { type: "bot-removed"; name: string };

export interface FleetApi {
  list(): Bot[];
  get(name: string): Bot;
  /** Stores the definition and launches it. */
  add(input: BotCreate): Promise<Bot>;
  change(name: string, patch: BotPatch): Promise<Bot>;
  remove(name: string): Promise<void>;
  start(name: string): Promise<Bot>;
  stop(name: string): Promise<Bot>;
  restart(name: string): Promise<Bot>;
  /** Takes one of its workers out, or back in: it ends what it has and gets nothing new. Survives restarts. */
  drain(name: string, worker: string, drained: boolean): Promise<Bot>;
  /** The newest lines, oldest first, at most `limit`. */
  logs(name: string, limit: number): LogLine[];
  /** Called with every change until the returned function is called. */
  watch(onEvent: (event: FleetEvent) => void): () => void;
}
