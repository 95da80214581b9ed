/** A bot of the kind `acp` with the coding agent for tests behind it, in a folder of its own. */
import type { FromBot } from "@skep/protocol/bot";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BotProcess } from "../bots/bot-process.ts";
import { launchOf, spawnBot } from "../bots/bot-process.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
/** Shared by all, since hundreds are started, and kept for the next run. */
const compileCache = fileURLToPath(new URL("../../node_modules/.cache/test-agent", import.meta.url));

/** Options of a definition with the agent for tests. */
export const agentOptions = (args: readonly string[] = [], more: Record<string, unknown> = {}): Record<string, unknown> => ({
  command: process.execPath,
  args: [main, ...args],
  set: { NODE_COMPILE_CACHE: compileCache },
  ...more,
});

/** A bot's process that has got its hello. */
export function spawnAgentBot(options: Record<string, unknown>, folder: string, environment = process.env): BotProcess {
  const launch = launchOf("acp", options, folder, environment);
  const bot = spawnBot({ ...launch, env: { ...launch.env, NODE_COMPILE_CACHE: compileCache } });
  bot.send({ type: "hello", protocol: 1, bot: "test", options });
  return bot;
}

export async function startAgentBot(options: Record<string, unknown>, folder: string, environment = process.env): Promise<BotProcess> {
  const bot = spawnAgentBot(options, folder, environment);
  await bot.line("hello");
  return bot;
}

export interface AgentFolder extends Disposable {
  /** The bot's own folder. */
  bot: string;
  /** Its working folder; it exists. */
  work: string;
  /** Where the agent keeps its sessions. */
  sessions: string;
  /** Starts the bot in it. */
  start(args?: readonly string[], more?: Record<string, unknown>): Promise<BotProcess>;
}

export function agentFolder(): AgentFolder {
  const root = mkdtempSync(join(tmpdir(), "skep-agent-"));
  const bot = join(root, "bot");
  const work = join(bot, "work");
  const sessions = join(root, "sessions");
  mkdirSync(work, { recursive: true });
  return {
    bot,
    work,
    sessions,
    start: (args = [], more = {}) => startAgentBot(agentOptions(["--sessions", sessions, ...args], more), bot),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true, maxRetries: 3 }),
  };
}

type LineOf<Type extends FromBot["type"]> = Extract<FromBot, { type: Type }>;

/** What was said of this turn, oldest first. */
export const linesOf = <Type extends FromBot["type"]>(bot: BotProcess, type: Type, turn: string): LineOf<Type>[] =>
  bot.lines.filter((line): line is LineOf<Type> => line.type === type && "turn" in line && line.turn === turn);

/** The answer to a command that answers with JSON. */
export const asked = async (bot: BotProcess, text: string): Promise<unknown> => JSON.parse((await bot.ending(bot.ask(text))).streamed);
