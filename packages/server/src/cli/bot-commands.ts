import { styleText } from "node:util";
import type { Bot, BotState } from "@skep/protocol";
import type { LogLine } from "../bots/api.ts";
import type { DefinitionInput } from "./bot-definition.ts";
import { definitionFrom, optionsFrom } from "./bot-definition.ts";
import { coloured, json, pathOf } from "./bot-words.ts";
import { callControl } from "./control-client.ts";
import { exitCodes, Failure } from "./failure.ts";
import { printable, table } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import { workerTable } from "./worker-commands.ts";

export interface AddInput extends DefinitionInput {
  kind: string;
  json: boolean;
}

/** A launch takes some 50 ms; one that takes longer than this says how to follow it. */
const launchMs = 5000;
const settled = new Set<BotState>(["ready", "login-needed", "failed", "stopped", "backoff"]);

export async function addBot(terminal: Terminal, data: string, name: string, input: AddInput): Promise<void> {
  const body = { name, kind: input.kind, options: optionsFrom(input.option), ...definitionFrom(input) };
  await callControl<Bot>(data, "POST", "/api/bots", body);
  const bot = await launched(data, name);
  if (input.json) return terminal.out(json(bot));
  terminal.out(`Added ${name} (${bot.kind}): ${coloured(bot.state)}${bot.reason ? `, ${printable(bot.reason)}` : ""}`);
  if (bot.state === "ready") terminal.out(`Talk to it:  skep chat ${name}\nWatch it:    skep bot status ${name}`);
  else if (!isAwaited(bot))
    terminal.out(`See why:     skep bot why ${name}\nThen:        skep bot restart ${name}, or skep bot remove ${name} and add it again`);
}

/** Nothing is being started: it waits for a program that connects. */
const isAwaited = (bot: Bot): boolean => bot.state === "starting" && bot.reason !== undefined;
/** Options that are not given stay as they are. */
export async function changeBot(terminal: Terminal, data: string, name: string, input: DefinitionInput & { json: boolean }): Promise<void> {
  const options = optionsFrom(input.option);
  const body = definitionFrom(input);
  if (input.option.length > 0) body["options"] = { ...(await callControl<Bot>(data, "GET", pathOf(name))).options, ...options };
  if (Object.keys(body).length === 0) {
    throw new Failure(`Nothing to change was given. What there is to change: skep bot change --help`, exitCodes.usage);
  }
  await callControl<Bot>(data, "PATCH", pathOf(name), body);
  const bot = await launched(data, name);
  if (input.json) return terminal.out(json(bot));
  terminal.out(`Changed ${name} (${bot.kind}): ${coloured(bot.state)}${bot.reason ? `, ${printable(bot.reason)}` : ""}`);
}

async function launched(data: string, name: string): Promise<Bot> {
  const deadline = Date.now() + launchMs;
  for (;;) {
    const bot = await callControl<Bot>(data, "GET", pathOf(name));
    if (settled.has(bot.state) || isAwaited(bot) || Date.now() > deadline) return bot;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Of all its workers together. */
const memoryOf = ({ processes }: Bot): string => {
  const known = processes.flatMap(({ memoryMb }) => (memoryMb === null ? [] : [memoryMb]));
  return known.length === 0 ? "-" : `${Math.round(known.reduce((sum, mb) => sum + mb, 0))} MB`;
};

export async function listBots(terminal: Terminal, data: string, asJson: boolean): Promise<void> {
  const { bots } = await callControl<{ bots: Bot[] }>(data, "GET", "/api/bots");
  if (asJson) return terminal.out(json({ bots }));
  if (bots.length === 0) return terminal.out("No bots. Add one: skep bot add echo --kind echo");
  terminal.out(
    table(
      ["NAME", "KIND", "STATE", "WORKERS", "WORKING", "WAITING", "MEMORY", "WHY"],
      bots.map((bot) => [
        bot.name,
        bot.kind,
        coloured(bot.state),
        String(bot.processes.length),
        String(bot.running),
        String(bot.queued),
        memoryOf(bot),
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
  terminal.out(workerTable(bot.processes));
  terminal.out(`balance = ${bot.balance}`);
  if (bot.fallback.length > 0) terminal.out(`fallback = ${bot.fallback.join(", ")}`);
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
