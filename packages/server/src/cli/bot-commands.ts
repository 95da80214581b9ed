import { styleText } from "node:util";
import type { Bot, BotState } from "@skep/protocol";
import type { LogLine } from "../bots/api.ts";
import { callControl } from "./control-client.ts";
import { exitCodes, Failure } from "./failure.ts";
import { printable, table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const pathOf = (name: string): string => `/api/bots/${encodeURIComponent(name)}`;
const json = (value: unknown): string => JSON.stringify(value, null, 2);

const colours = { ready: "green", starting: "yellow", backoff: "yellow", stopping: "yellow", failed: "red", stopped: "gray" } as const;
const coloured = (state: BotState): string => styleText(colours[state], state);

/** `temperature=0.2`: the value is JSON where it can be read as JSON, and text otherwise. @throws Failure */
export function optionsFrom(pairs: readonly string[]): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at <= 0) throw new Failure(`--option ${pair} needs a name and a value: --option model=llama3`, exitCodes.usage);
    const value = pair.slice(at + 1);
    try {
      options[pair.slice(0, at)] = JSON.parse(value) as unknown;
    } catch {
      options[pair.slice(0, at)] = value;
    }
  }
  return options;
}

export interface AddInput {
  kind: string;
  option: string[];
  workers?: string;
  restart?: string;
  concurrency?: string;
  attempts?: string;
  turnSeconds?: string;
  permissions?: string;
  json: boolean;
}

const count = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Failure(`--${name} must be a whole number, not "${text}".`, exitCodes.usage);
  return Number(text);
};

const defined = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** A launch takes some 50 ms; one that takes longer than this says how to follow it. */
const launchMs = 5000;
const settled = new Set<BotState>(["ready", "failed", "stopped", "backoff"]);

export async function addBot(terminal: Terminal, data: string, name: string, input: AddInput): Promise<void> {
  const seconds = count("turn-seconds", input.turnSeconds);
  const limits = defined({
    concurrency: count("concurrency", input.concurrency),
    attempts: count("attempts", input.attempts),
    turnMs: seconds === undefined ? undefined : seconds * 1000,
    permissions: input.permissions,
  });
  const body = {
    name,
    kind: input.kind,
    options: optionsFrom(input.option),
    ...defined({ workers: count("workers", input.workers) }),
    ...(input.restart === undefined ? {} : { restart: { policy: input.restart } }),
    limits,
  };
  await callControl<Bot>(data, "POST", "/api/bots", body);
  const bot = await launched(data, name);
  if (input.json) return terminal.out(json(bot));
  terminal.out(`Added ${name} (${bot.kind}): ${coloured(bot.state)}${bot.reason ? `, ${printable(bot.reason)}` : ""}`);
  if (bot.state === "ready") terminal.out(`Talk to it:  skep chat ${name}\nWatch it:    skep bot status ${name}`);
  else if (!isAwaited(bot))
    terminal.out(`See why:     skep bot logs ${name}\nThen:        skep bot restart ${name}, or skep bot remove ${name} and add it again`);
}

/** Nothing is being started: it waits for a program that connects. */
const isAwaited = (bot: Bot): boolean => bot.state === "starting" && bot.reason !== undefined;

async function launched(data: string, name: string): Promise<Bot> {
  const deadline = Date.now() + launchMs;
  for (;;) {
    const bot = await callControl<Bot>(data, "GET", pathOf(name));
    if (settled.has(bot.state) || isAwaited(bot) || Date.now() > deadline) return bot;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function listBots(terminal: Terminal, data: string, asJson: boolean): Promise<void> {
  const { bots } = await callControl<{ bots: Bot[] }>(data, "GET", "/api/bots");
  if (asJson) return terminal.out(json({ bots }));
  if (bots.length === 0) return terminal.out("No bots. Add one: skep bot add echo --kind echo");
  terminal.out(
    table(
      ["NAME", "KIND", "STATE", "WORKERS", "WORKING", "WAITING", "WHY"],
      bots.map((bot) => [
        bot.name,
        bot.kind,
        coloured(bot.state),
        String(bot.workers),
        String(bot.running),
        String(bot.queued),
        printable(bot.reason ?? ""),
      ]),
    ),
  );
}

export async function showBot(terminal: Terminal, data: string, name: string, asJson: boolean): Promise<void> {
  const bot = await callControl<Bot>(data, "GET", pathOf(name));
  if (asJson) return terminal.out(json(bot));
  terminal.out(`${styleText("bold", bot.name)} (${bot.kind}): ${coloured(bot.state)}${bot.reason ? `, ${printable(bot.reason)}` : ""}`);
  terminal.out(`${bot.running} working, ${bot.queued} waiting`);
  terminal.out(
    table(
      ["PID", "STATE", "SINCE", "WORKING", "RESTARTS"],
      bot.processes.map(({ pid, state, startedAt, running, restarts }) => [
        pid === null ? "-" : String(pid),
        coloured(state),
        startedAt === null ? "-" : new Date(startedAt).toISOString(),
        String(running),
        String(restarts),
      ]),
    ),
  );
  for (const [option, value] of Object.entries(bot.options)) terminal.out(`${option} = ${JSON.stringify(value)}`);
}

export async function actOnBot(
  terminal: Terminal,
  data: string,
  name: string,
  verb: "start" | "stop" | "restart",
  asJson: boolean,
): Promise<void> {
  const answered = await callControl<Bot>(data, "POST", `${pathOf(name)}/${verb}`);
  const bot = verb === "stop" ? answered : await launched(data, name);
  if (asJson) return terminal.out(json(bot));
  terminal.out(`${name}: ${coloured(bot.state)}${bot.reason ? `, ${printable(bot.reason)}` : ""}`);
  if (verb === "stop") terminal.out(`Messages to it wait. Start it again: skep bot start ${name}`);
}

export async function removeBot(terminal: Terminal, data: string, name: string, yes: boolean): Promise<void> {
  if (!yes) {
    // Also says so at once when there is no such bot, before anyone is asked anything.
    await callControl<Bot>(data, "GET", pathOf(name));
    if (!terminal.interactive) throw new Failure(`Removing ${name} needs a yes: add --yes.`, exitCodes.usage);
    const answer = await terminal.ask(`Remove ${name}? Its conversations stay readable, but nobody answers in them. [y/N] `);
    if (answer === null || !/^y(es)?$/i.test(answer.trim())) throw new Failure("Nothing was removed.");
  }
  await callControl<undefined>(data, "DELETE", pathOf(name));
  terminal.out(`Removed ${name}.`);
}

export async function makeBotToken(terminal: Terminal, data: string, name: string, asJson: boolean): Promise<void> {
  const made = await callControl<{ token: string; createdAt: string }>(data, "POST", `${pathOf(name)}/token`);
  if (asJson) return terminal.out(json(made));
  // Alone on standard output, so that a script can take it: TOKEN=$(skep bot token far)
  terminal.out(made.token);
  terminal.error(
    `This is the only time it is shown, and an older one has ended. With it a program connects as ${name}: docs/bot-protocol.md.`,
  );
}

export async function revokeBotToken(terminal: Terminal, data: string, name: string): Promise<void> {
  await callControl<undefined>(data, "DELETE", `${pathOf(name)}/token`);
  terminal.out(`The token of ${name} is revoked; its program cannot connect any more.`);
}

export async function printLogs(terminal: Terminal, data: string, name: string, limit: string, asJson: boolean): Promise<void> {
  const { lines } = await callControl<{ lines: LogLine[] }>(data, "GET", `${pathOf(name)}/logs?limit=${encodeURIComponent(limit)}`);
  for (const line of lines) {
    if (asJson) terminal.out(JSON.stringify(line));
    else terminal.out(`${line.at} ${line.pid ?? "-"} ${line.source} ${line.level}: ${printable(line.text)}`);
  }
}
