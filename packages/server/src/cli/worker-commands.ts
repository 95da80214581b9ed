import { styleText } from "node:util";
import type { Bot, BotWorker } from "@skep/protocol";
import { callControl } from "./control-client.ts";
import { coloured, json, pathOf } from "./bot-words.ts";
import { printable, table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** One line for each worker of a bot. */
export function workerTable(workers: readonly BotWorker[]): string {
  return table(
    ["WORKER", "WEIGHT", "STATE", "TURNS", "WORKING", "WAITING", "PID", "SINCE", "RESTARTS", "MEMORY", "WHY"],
    workers.map((worker) => [
      printable(worker.name),
      String(worker.weight),
      coloured(worker.state),
      worker.drained ? styleText("yellow", "drained") : worker.health === "in" ? "in" : styleText("red", worker.health),
      String(worker.load),
      String(worker.waiting),
      worker.pid === null ? "-" : String(worker.pid),
      worker.startedAt === null ? "-" : new Date(worker.startedAt).toISOString(),
      String(worker.restarts),
      worker.memoryMb === null ? "-" : `${worker.memoryMb} MB`,
      printable(worker.reason ?? ""),
    ]),
  );
}

export async function listWorkers(terminal: Terminal, data: string, name: string, asJson: boolean): Promise<void> {
  const bot = await callControl<Bot>(data, "GET", pathOf(name));
  if (asJson) return terminal.out(json({ balance: bot.balance, workers: bot.processes }));
  terminal.out(`${bot.balance}${bot.fallback.length > 0 ? `; ${bot.fallback.join(", then ")} when it cannot` : ""}`);
  terminal.out(workerTable(bot.processes));
}

export async function drainWorker(
  terminal: Terminal,
  data: string,
  name: string,
  worker: string,
  verb: "drain" | "undrain",
  asJson: boolean,
): Promise<void> {
  const bot = await callControl<Bot>(data, "POST", `${pathOf(name)}/workers/${encodeURIComponent(worker)}/${verb}`);
  if (asJson) return terminal.out(json(bot));
  terminal.out(workerTable(bot.processes));
  if (verb === "drain")
    terminal.out(`${worker} ends what it has and gets nothing new. Take it back in: skep bot undrain ${name} ${worker}`);
  if (bot.processes.every(({ drained }) => drained)) terminal.out(`All workers of ${name} are drained: messages to it wait.`);
}
