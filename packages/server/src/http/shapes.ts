/** What the doors answer, as schemas: for OpenAPI, and for tests that hold every answer against them. */
import { balanceSchema, errorTable } from "@skep/protocol";
import type { Bot, Conversation, ErrorCode, Message } from "@skep/protocol";
import { z } from "zod";
import type { LogLine } from "../bots/api.ts";
import type { Problem } from "./problem.ts";

/** Names under which OpenAPI refers to a shape. */
export const shapeNames = z.registry<{ id: string }>();

const turnOutcome = z.enum(["completed", "cancelled", "failed"]);
export const turnState = z.enum(["queued", "running", "loading", "retrying", "completed", "cancelled", "failed"]);
const botState = z.enum(["stopped", "starting", "ready", "backoff", "failed", "stopping"]);
const time = z.string().meta({ format: "date-time" });

export const messageShape = z.object({
  seq: z.int(),
  id: z.string(),
  role: z.enum(["person", "bot", "system"]),
  author: z.string(),
  insteadOf: z.string().exactOptional(),
  text: z.string(),
  turn: z.string().exactOptional(),
  outcome: turnOutcome.exactOptional(),
  key: z.string().exactOptional(),
  createdAt: time,
}) satisfies z.ZodType<Message>;

export const conversationShape = z.object({
  id: z.string(),
  bot: z.string(),
  title: z.string(),
  epoch: z.string(),
  head: z.int(),
  createdAt: time,
  activeAt: time,
}) satisfies z.ZodType<Conversation>;

export const botShape = z.object({
  name: z.string(),
  kind: z.string(),
  options: z.record(z.string(), z.unknown()),
  workers: z.union([
    z.int(),
    z.array(z.object({ name: z.string().optional(), weight: z.int(), count: z.int(), options: z.record(z.string(), z.unknown()) })),
  ]),
  balance: balanceSchema,
  fallback: z.array(z.string()),
  restart: z.object({ policy: z.enum(["always", "on-failure", "never"]), maxRestarts: z.int(), windowMs: z.int() }),
  limits: z.object({
    concurrency: z.int(),
    queue: z.int(),
    turnMs: z.int(),
    attempts: z.int(),
    answerBytes: z.int(),
    delivery: z.enum(["at-least-once", "at-most-once"]),
    perMinute: z.int(),
    personPerMinute: z.int(),
    personConcurrency: z.int(),
  }),
  state: botState,
  reason: z.string().exactOptional(),
  queued: z.int(),
  running: z.int(),
  processes: z.array(
    z.object({
      name: z.string(),
      weight: z.int(),
      health: z.enum(["in", "out", "trial"]),
      drained: z.boolean(),
      load: z.int(),
      waiting: z.int(),
      pid: z.int().nullable(),
      state: botState,
      startedAt: z.number().nullable(),
      running: z.int(),
      restarts: z.int(),
    }),
  ),
  createdAt: time,
}) satisfies z.ZodType<Bot>;

export const logLineShape = z.object({
  at: time,
  pid: z.int().nullable(),
  source: z.enum(["skep", "bot", "stderr"]),
  level: z.enum(["debug", "info", "warn", "error"]),
  text: z.string(),
}) satisfies z.ZodType<LogLine>;

export const problemShape = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]]),
  field: z.string().exactOptional(),
  retryAfterMs: z.number().exactOptional(),
  expected: z.int().exactOptional(),
}) satisfies z.ZodType<Problem>;

export const tokenShape = z.object({
  id: z.string(),
  name: z.string(),
  role: z.string(),
  createdAt: time,
  expiresAt: time.nullable(),
});

shapeNames
  .add(messageShape, { id: "Message" })
  .add(conversationShape, { id: "Conversation" })
  .add(botShape, { id: "Bot" })
  .add(logLineShape, { id: "LogLine" })
  .add(problemShape, { id: "Problem" })
  .add(tokenShape, { id: "Token" });
