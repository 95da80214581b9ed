/** JSON, one line per event: a noun-verb name and the ids it is about. The closed set of fields keeps message text and secrets out. */
import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import type { Config } from "./config.ts";

export interface LogFields {
  conversation?: string;
  bot?: string;
  turn?: string;
  attempt?: number;
  person?: string;
  credential?: string;
  node?: string;
  pid?: number;
  count?: number;
  ms?: number;
  /** A method and a route's pattern, never a query. */
  route?: string;
  status?: number;
  code?: string;
  /** A short reason, made here or by the system; never what a person or a bot wrote. */
  reason?: string;
  error?: unknown;
}

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** Writes what is still in memory; to be called last. */
  flush(): void;
}

export const logFile = (data: string): string => join(data, "skep.log");

/** Lines wait this long at most, so that a busy server writes many at once. */
const flushEveryMs = 500;

const nothing = (): void => {};
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, flush: nothing };

export function createLog(config: Pick<Config, "log" | "logLevel" | "data">): Log {
  if (config.log === "off") return silentLog;
  if (config.log === "file") mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const destination = pino.destination({
    // Opened here, because a destination that is still being opened loses its lines at an early exit.
    dest: config.log === "file" ? openSync(logFile(config.data), "a", 0o600) : 2,
    sync: false,
    minLength: 4096,
    periodicFlush: flushEveryMs,
  });
  // A log that cannot be written (full disk, closed pipe) must not end the server.
  destination.on("error", nothing);
  const logger = pino(
    {
      level: config.logLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: "event",
      errorKey: "error",
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    destination,
  );
  const line =
    (level: Config["logLevel"]) =>
    (event: string, fields: LogFields = {}): void =>
      logger[level](fields, event);
  return {
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // Not open yet, or cannot be written: nothing is left to try.
      }
    },
  };
}
