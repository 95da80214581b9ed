import { Refusal } from "@skep/protocol";
import type { BotState } from "@skep/protocol";
import { z } from "zod";
import type { FleetApi } from "../../bots/api.ts";
import type { Route } from "../route.ts";
import { route } from "../route.ts";

export interface Readiness {
  ok: boolean;
  /** Why not, for people. */
  reason?: string;
}

export interface OperationParts {
  fleet: Pick<FleetApi, "list">;
  version: string;
  startedAt: number;
  /** The server's own address. */
  url: () => string;
  ready: () => Readiness;
  /** In Prometheus' text format. */
  metrics: () => Promise<string>;
  openApi: () => string;
}

export function operationRoutes({ fleet, version, startedAt, url, ready, metrics, openApi }: OperationParts): Route[] {
  return [
    route({
      method: "GET",
      path: "/healthz",
      summary: "Alive",
      permission: null,
      status: 200,
      response: z.object({ status: z.literal("ok") }),
      handler: async () => ({ status: "ok" as const }),
    }),
    route({
      method: "GET",
      path: "/readyz",
      summary: "Ready to take messages; 503 with the reason otherwise",
      permission: null,
      status: 200,
      response: z.object({ status: z.literal("ready") }),
      handler: async () => {
        const { ok, reason } = ready();
        if (!ok) throw new Refusal("store_unavailable", reason, { retryAfterMs: 1000 });
        return { status: "ready" as const };
      },
    }),
    route({
      method: "GET",
      path: "/metrics",
      summary: "Figures for Prometheus",
      permission: null,
      status: 200,
      type: "text/plain; version=0.0.4; charset=utf-8",
      handler: () => metrics(),
    }),
    route({
      method: "GET",
      path: "/openapi.json",
      summary: "This description",
      permission: null,
      status: 200,
      type: "application/json; charset=utf-8",
      handler: async () => openApi(),
    }),
    route({
      method: "GET",
      path: "/api/status",
      summary: "The server at a glance",
      permission: "bots.read",
      status: 200,
      response: z.object({
        version: z.string(),
        url: z.string(),
        startedAt: z.string(),
        ready: z.boolean(),
        reason: z.string().exactOptional(),
        bots: z.object({ total: z.int(), ready: z.int(), failed: z.int(), stopped: z.int() }),
      }),
      handler: async () => {
        const { ok, reason } = ready();
        const bots = fleet.list();
        const count = (state: BotState): number => bots.filter((bot) => bot.state === state).length;
        return {
          version,
          url: url(),
          startedAt: new Date(startedAt).toISOString(),
          ready: ok,
          ...(reason === undefined ? {} : { reason }),
          bots: { total: bots.length, ready: count("ready"), failed: count("failed"), stopped: count("stopped") },
        };
      },
    }),
  ];
}
