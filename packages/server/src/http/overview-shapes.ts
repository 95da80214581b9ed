/** What the overview answers, as schemas. Figures that were not measured are null. */
import type { Alert, BotsOverview, CapacityUse, Overview } from "@skep/protocol";
import { z } from "zod";
import { shapeNames } from "./shapes.ts";

const time = z.string().meta({ format: "date-time" });
const column = z.array(z.number().nullable());
const moments = z.array(z.number()).describe("Milliseconds since the Unix epoch, the end of each step");
const quantiles = z.object({ p50: z.number().nullable(), p95: z.number().nullable(), p99: z.number().nullable() });

export const alertShape = z.object({
  id: z.string(),
  what: z.enum([
    "store",
    "store-queue",
    "disk",
    "delay",
    "answers",
    "errors",
    "memory",
    "worker-memory",
    "places",
    "queue",
    "bot-failed",
    "bot-login",
    "workers-failed",
  ]),
  severity: z.enum(["warning", "critical"]),
  bot: z.string().exactOptional(),
  title: z.string(),
  advice: z.string(),
  since: time,
}) satisfies z.ZodType<Alert>;

const capacityShape = z.object({
  what: z.enum(["places", "queue", "disk", "memory", "store-queue"]),
  bot: z.string().exactOptional(),
  used: z.number(),
  limit: z.number(),
}) satisfies z.ZodType<CapacityUse>;

export const overviewRange = z.enum(["15m", "1h", "24h"]);

export const overviewShape = z.object({
  at: time,
  startedAt: time,
  range: overviewRange,
  stepMs: z.int(),
  now: z.object({
    messagesPerSecond: z.number(),
    answerMs: quantiles,
    storedMs: quantiles,
    turns: z.object({ ended: z.int(), failed: z.int() }),
    queued: z.int(),
    running: z.int(),
    memoryMb: z.object({ controller: z.number(), bots: z.number(), limit: z.number() }),
    loopDelayMs: z.number(),
    connections: z.int(),
  }),
  series: z.object({
    at: moments,
    messagesPerSecond: column,
    answerP50: column,
    answerP95: column,
    answerP99: column,
    storedP50: column,
    storedP95: column,
    storedP99: column,
    ended: column,
    failed: column,
    queued: column,
    running: column,
    controllerMb: column,
    botsMb: column,
    loopDelayMs: column,
    connections: column,
  }),
  alerts: z.array(alertShape),
  capacity: z.array(capacityShape),
}) satisfies z.ZodType<Overview>;

export const botsOverviewShape = z.object({
  stepMs: z.int(),
  bots: z.array(z.object({ name: z.string(), at: moments, memoryMb: column, answerP50: column, answerP95: column })),
}) satisfies z.ZodType<BotsOverview>;

shapeNames.add(alertShape, { id: "Alert" }).add(overviewShape, { id: "Overview" }).add(botsOverviewShape, { id: "BotsOverview" });
