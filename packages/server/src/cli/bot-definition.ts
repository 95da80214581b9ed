/** How a bot's definition is written on the command line. */
import type { Command } from "commander";
import { exitCodes, Failure } from "./failure.ts";

export interface DefinitionInput {
  option: string[];
  worker: string[];
  fallback: string[];
  workers?: string;
  balance?: string;
  restart?: string;
  concurrency?: string;
  queue?: string;
  attempts?: string;
  turnSeconds?: string;
  permissions?: string;
  memory?: string;
  perMinute?: string;
  personPerMinute?: string;
  personConcurrency?: string;
}

export function withDefinition(made: Command): Command {
  const collect = (value: string, before: string[]): string[] => [...before, value];
  return made
    .option("--option <name=value>", "an option of its kind; the value is JSON or text; can be given several times", collect, [])
    .option("--workers <count>", "how many processes work for it, all alike")
    .option(
      "--worker <pairs>",
      'one that is not like the others: "name=gpu-1 weight=50 url=http://…", or JSON; can be given several times',
      collect,
      [],
    )
    .option("--balance <policy>", "which worker gets a message: least-busy, round-robin, weighted, sticky-conversation or sticky-person")
    .option("--fallback <bot>", "a bot that answers when this one cannot; can be given several times, - for none", collect, [])
    .option("--restart <policy>", "when a process ends: always, on-failure or never")
    .option("--concurrency <count>", "how many messages one process works on at a time")
    .option("--queue <count>", "how many messages may wait for it")
    .option("--attempts <count>", "how often a message is tried before it fails")
    .option("--turn-seconds <seconds>", "how long one attempt may take")
    .option("--permissions <policy>", "what it asks to be allowed: ask (people), allow or reject")
    .option("--memory <megabytes>", "the most memory that one process may take, with all that it starts; 0: any")
    .option("--per-minute <count>", "how many messages it takes in a minute; 0: any number")
    .option("--person-per-minute <count>", "the same, from one person")
    .option("--person-concurrency <count>", "how many messages of one person may be pending; 0: any number");
}

/** What was given of a definition, as the REST door takes it; `options` not among it. @throws Failure */
export function definitionFrom(input: DefinitionInput): Record<string, unknown> {
  const seconds = count("turn-seconds", input.turnSeconds);
  const limits = defined({
    concurrency: count("concurrency", input.concurrency),
    queue: count("queue", input.queue),
    attempts: count("attempts", input.attempts),
    turnMs: seconds === undefined ? undefined : seconds * 1000,
    permissions: input.permissions,
    memoryMb: count("memory", input.memory),
    perMinute: count("per-minute", input.perMinute),
    personPerMinute: count("person-per-minute", input.personPerMinute),
    personConcurrency: count("person-concurrency", input.personConcurrency),
  });
  if (input.workers !== undefined && input.worker.length > 0) {
    throw new Failure("Give --workers for processes that are alike, or --worker for each that is not; not both.", exitCodes.usage);
  }
  return defined({
    workers: input.worker.length > 0 ? input.worker.map(workerFrom) : count("workers", input.workers),
    balance: input.balance,
    fallback: input.fallback.length > 0 ? input.fallback.filter((name) => name !== "-") : undefined,
    restart: input.restart === undefined ? undefined : { policy: input.restart },
    limits: Object.keys(limits).length > 0 ? limits : undefined,
  });
}

/** `name=gpu-1 weight=50 url=http://…`: name, weight and count are the worker's own, all else are options of its kind. @throws Failure */
export function workerFrom(text: string): Record<string, unknown> {
  if (text.trimStart().startsWith("{")) {
    try {
      return JSON.parse(text) as Record<string, unknown>;
    } catch {
      throw new Failure(`--worker ${text} is no valid JSON.`, exitCodes.usage);
    }
  }
  const {
    name,
    weight,
    count: many,
    ...options
  } = optionsFrom(
    text.split(/\s+/).filter((word) => word !== ""),
    "--worker",
    "name=gpu-1",
  );
  return defined({ name: typeof name === "number" ? String(name) : name, weight, count: many, options });
}

/** `temperature=0.2`: the value is JSON where it can be read as JSON, and text otherwise. @throws Failure */
export function optionsFrom(pairs: readonly string[], flag = "--option", example = "model=llama3"): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at <= 0) throw new Failure(`${flag} ${pair} needs a name and a value: ${flag} ${example}`, exitCodes.usage);
    const value = pair.slice(at + 1);
    try {
      options[pair.slice(0, at)] = JSON.parse(value) as unknown;
    } catch {
      options[pair.slice(0, at)] = value;
    }
  }
  return options;
}

const count = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Failure(`--${name} must be a whole number, not "${text}".`, exitCodes.usage);
  return Number(text);
};

const defined = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
