/** What the doors answer, as schemas: for OpenAPI, and for tests that hold every answer against them. */
import type { Bot, BotEvent, Conversation, ErrorCode, Fork, Message, MessageFile, Part, Permission } from "@skep/protocol";
import { balanceSchema, errorTable } from "@skep/protocol";
import { z } from "zod";
import type { KindDescription, LogLine } from "../bots/api.ts";
import type { FoundModels } from "../operations/found-models.ts";
import type { Problem } from "./problem.ts";

/** Names under which OpenAPI refers to a shape. */
export const shapeNames = z.registry<{ id: string }>();

const turnOutcome = z.enum(["completed", "cancelled", "failed"]);
export const turnState = z.enum(["queued", "running", "loading", "waiting", "retrying", "completed", "cancelled", "failed"]);
const botAbility = z.enum(["cancel", "resume", "tools", "images", "files"]);
const botState = z.enum(["stopped", "starting", "ready", "login-needed", "hung", "backoff", "failed", "stopping"]);
const time = z.string().meta({ format: "date-time" });

const permissionOptionShape = z.object({ id: z.string(), label: z.string(), effect: z.enum(["allow", "reject"]), always: z.boolean() });

export const partShape = z.discriminatedUnion("type", [
  z.object({ type: z.literal("thought"), id: z.string(), text: z.string() }),
  z.object({
    type: z.literal("tool"),
    id: z.string(),
    title: z.string(),
    tool: z.enum(["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "other"]),
    state: z.enum(["pending", "running", "completed", "failed"]),
    input: z.string().exactOptional(),
    output: z.string().exactOptional(),
    paths: z.array(z.string()).exactOptional(),
  }),
  z.object({
    type: z.literal("plan"),
    id: z.string(),
    steps: z.array(z.object({ text: z.string(), state: z.enum(["pending", "running", "completed"]) })),
  }),
]) satisfies z.ZodType<Part>;

export const permissionShape = z.object({
  id: z.string(),
  conversation: z.string(),
  turn: z.string(),
  bot: z.string(),
  title: z.string(),
  detail: z.string(),
  part: z.string().exactOptional(),
  options: z.array(permissionOptionShape),
  state: z.enum(["pending", "decided", "expired", "withdrawn"]),
  option: z.string().exactOptional(),
  how: z.enum(["person", "policy", "expiry"]).exactOptional(),
  decidedBy: z.string().exactOptional(),
  decidedAt: time.exactOptional(),
  createdAt: time,
  expiresAt: time,
}) satisfies z.ZodType<Permission>;

export const fileShape = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  size: z.int(),
}) satisfies z.ZodType<MessageFile>;

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
  files: z.array(fileShape).exactOptional(),
  parts: z.array(z.object({ at: z.int(), part: partShape })).exactOptional(),
}) satisfies z.ZodType<Message>;

export const conversationShape = z.object({
  id: z.string(),
  bot: z.string(),
  title: z.string(),
  epoch: z.string(),
  head: z.int(),
  createdAt: time,
  activeAt: time,
  from: z.object({ conversation: z.string().nullable(), seq: z.int() }).exactOptional(),
}) satisfies z.ZodType<Conversation>;

export const forkShape = z.object({ seq: z.int(), conversations: z.array(z.string()), shown: z.int() }) satisfies z.ZodType<Fork>;

export const botShape = z.object({
  name: z.string(),
  kind: z.string(),
  can: z.array(botAbility).readonly(),
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
    partsBytes: z.int(),
    permissions: z.enum(["ask", "allow", "reject"]),
    permissionMs: z.int(),
    delivery: z.enum(["at-least-once", "at-most-once"]),
    heartbeatMs: z.int(),
    progressMs: z.int(),
    memoryMb: z.int(),
    nice: z.int(),
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
      memoryMb: z.number().nullable(),
      reason: z.string().exactOptional(),
    }),
  ),
  createdAt: time,
}) satisfies z.ZodType<Bot>;

export const kindShape = z.object({
  name: z.string(),
  title: z.string(),
  summary: z.string(),
  can: z.array(botAbility).readonly(),
  options: z.record(z.string(), z.unknown()).describe("JSON Schema of the options"),
}) satisfies z.ZodType<KindDescription>;

export const foundModelsShape = z.object({
  servers: z.array(
    z.object({
      title: z.string(),
      url: z.string(),
      kind: z.enum(["ollama", "openai"]),
      options: z.record(z.string(), z.string()).describe("With `model`, the options of a bot of this kind"),
      models: z.array(z.object({ name: z.string(), bytes: z.number().nullable() })),
    }),
  ),
  ollamaUrl: z.string().describe("Where Ollama was looked for"),
}) satisfies z.ZodType<FoundModels>;

export const botEventShape = z.object({
  number: z.int(),
  at: time,
  what: z.enum([
    "start",
    "stop",
    "restart",
    "skep-started",
    "launched",
    "ready",
    "login-needed",
    "signed-in",
    "stuck",
    "replaced",
    "ended",
  ]),
  pid: z.int().nullable(),
  reason: z.string(),
  code: z.int().exactOptional(),
  signal: z.string().exactOptional(),
  uptimeMs: z.number().exactOptional(),
  memoryMb: z.number().exactOptional(),
  attempts: z.array(z.object({ conversation: z.string(), attempt: z.string() })).exactOptional(),
  output: z.array(z.string()).exactOptional(),
  decision: z.enum(["restart", "stays-stopped", "failed", "stopped"]).exactOptional(),
  restartInMs: z.number().exactOptional(),
}) satisfies z.ZodType<BotEvent>;

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
  .add(partShape, { id: "Part" })
  .add(fileShape, { id: "File" })
  .add(permissionShape, { id: "Permission" })
  .add(conversationShape, { id: "Conversation" })
  .add(forkShape, { id: "Fork" })
  .add(botShape, { id: "Bot" })
  .add(kindShape, { id: "Kind" })
  .add(foundModelsShape, { id: "FoundModels" })
  .add(botEventShape, { id: "BotEvent" })
  .add(logLineShape, { id: "LogLine" })
  .add(problemShape, { id: "Problem" })
  .add(tokenShape, { id: "Token" });
