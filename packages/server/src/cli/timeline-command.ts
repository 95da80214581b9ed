import { styleText } from "node:util";
import type { BotEvent } from "@skep/protocol";
import { callControl } from "./control-client.ts";
import { printable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export async function printTimeline(terminal: Terminal, data: string, name: string, limit: string, asJson: boolean): Promise<void> {
  const path = `/api/bots/${encodeURIComponent(name)}/timeline?limit=${encodeURIComponent(limit)}`;
  const { entries } = await callControl<{ entries: BotEvent[] }>(data, "GET", path);
  if (!asJson && entries.length === 0) return terminal.out(`Nothing has happened to ${name} yet.`);
  for (const entry of entries) terminal.out(asJson ? JSON.stringify(entry) : describe(entry));
}

const colours = { ready: "green", "signed-in": "green", "login-needed": "yellow", stuck: "yellow", replaced: "yellow" } as const;

/** One entry: a line, and for an end what is known about it, indented. */
export function describe(entry: BotEvent): string {
  const colour = entry.what === "ended" ? (entry.decision === "stopped" ? "gray" : "red") : colours[entry.what as keyof typeof colours];
  const sentence = `${sentences[entry.what]}${entry.reason === "" ? "" : `: ${printable(entry.reason)}`}`;
  const lines = [`${entry.at}  ${entry.pid === null ? "" : `${entry.pid} `}${colour ? styleText(colour, sentence) : sentence}`];
  const facts = [
    entry.uptimeMs === undefined
      ? null
      : entry.what === "ready"
        ? `after ${span(entry.uptimeMs)}`
        : `it had run for ${span(entry.uptimeMs)}`,
    entry.memoryMb === undefined ? null : `it took ${entry.memoryMb} MB`,
    decisionOf(entry),
  ].filter((fact) => fact !== null);
  if (facts.length > 0) lines.push(`    ${facts.join("; ")}`);
  if (entry.attempts) {
    lines.push(`    at work on ${entry.attempts.map(({ conversation, attempt }) => `${attempt} in ${conversation}`).join(", ")}`);
  }
  for (const line of entry.output ?? []) lines.push(`    | ${printable(line)}`);
  return lines.join("\n");
}

const sentences: Record<BotEvent["what"], string> = {
  start: "started by hand",
  stop: "stopped by hand",
  restart: "restarted by hand",
  "skep-started": "Skep was started",
  launched: "launched",
  ready: "ready",
  "login-needed": "somebody has to sign in",
  "signed-in": "signed in",
  stuck: "an attempt was taken away",
  replaced: "replaced",
  ended: "ended",
};

function decisionOf({ decision, restartInMs }: BotEvent): string | null {
  switch (decision) {
    case "restart":
      return restartInMs === 0 ? "started again at once" : `started again in ${span(restartInMs ?? 0)}`;
    case "stays-stopped":
      return "it stays stopped";
    case "failed":
      return "it has failed too often and is not started again";
    case "stopped":
      return "as it was asked to";
    default:
      return null;
  }
}

function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
