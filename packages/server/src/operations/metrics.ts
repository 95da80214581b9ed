import { createRequire } from "node:module";
import type * as PromClient from "prom-client";

/** What is read when somebody asks for the metrics; nothing is counted twice on the message path. */
export interface MetricsSources {
  connections(): number;
  pendingTurns(): number;
  activeConversations(): number;
  waitingOperations(): number;
  bots(): { name: string; state: string; running: number; queued: number; restarts: number }[];
}

export interface Metrics {
  accepted(): void;
  refused(code: string): void;
  turnEnded(outcome: string, milliseconds: number): void;
  /** In Prometheus' text format. */
  text(): Promise<string>;
}

export function createMetrics(sources: MetricsSources): Metrics {
  // Loaded as CommonJS: it has no other form.
  const prom = createRequire(import.meta.url)("prom-client") as typeof PromClient;
  const registers = [new prom.Registry()];
  prom.collectDefaultMetrics({ register: registers[0] as PromClient.Registry });
  const accepted = new prom.Counter({ name: "skep_messages_accepted_total", help: "Messages of people that were accepted", registers });
  const refused = new prom.Counter({
    name: "skep_messages_refused_total",
    help: "Sends that were refused",
    labelNames: ["code"],
    registers,
  });
  const turns = new prom.Histogram({
    name: "skep_turn_seconds",
    help: "Time from the start of the last attempt of a turn to its stored end",
    labelNames: ["outcome"],
    buckets: [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300],
    registers,
  });
  const gauge = (name: string, help: string, read: () => number): void => {
    new prom.Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge("skep_connections", "Open WebSockets", () => sources.connections());
  gauge("skep_turns_pending", "Turns without an answer yet", () => sources.pendingTurns());
  gauge("skep_conversations_active", "Conversations in memory", () => sources.activeConversations());
  gauge("skep_store_waiting", "Operations that wait for a commit", () => sources.waitingOperations());
  new prom.Gauge({
    name: "skep_bot_up",
    help: "1 for the state that a bot is in",
    labelNames: ["bot", "state"],
    registers,
    collect() {
      this.reset();
      for (const bot of sources.bots()) this.set({ bot: bot.name, state: bot.state }, 1);
    },
  });
  for (const field of ["running", "queued", "restarts"] as const) {
    new prom.Gauge({
      name: `skep_bot_${field}`,
      help: {
        running: "Turns a bot works on",
        queued: "Turns that wait for a bot",
        restarts: "Restarts of a bot's workers since Skep started",
      }[field],
      labelNames: ["bot"],
      registers,
      collect() {
        this.reset();
        for (const bot of sources.bots()) this.set({ bot: bot.name }, bot[field]);
      },
    });
  }
  return {
    accepted: () => accepted.inc(),
    refused: (code) => refused.inc({ code }),
    turnEnded: (outcome, milliseconds) => turns.observe({ outcome }, milliseconds / 1000),
    text: () => (registers[0] as PromClient.Registry).metrics(),
  };
}
