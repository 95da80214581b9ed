/** Checks of everything that comes in, one schema a shape; REST and OpenAPI use the same ones. Errors name the field. */
import { z } from "zod";
import { Refusal } from "./errors.ts";
import { limits } from "./limits.ts";
import type { ClientMessage } from "./wire.ts";

/** Unpaired surrogates cannot be stored byte for byte (R-B4). */
const wellFormed = (text: string): boolean => text.isWellFormed();

export const nameSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, dashes or underscores");
export const idSchema = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z0-9_.-]+$/, "is not an id");
export const keySchema = z.string().min(1).max(limits.keyLength).refine(wellFormed, "has an unpaired surrogate");
export const textSchema = z.string().refine(wellFormed, "has an unpaired surrogate");
export const titleSchema = z.string().trim().max(limits.titleLength).refine(wellFormed, "has an unpaired surrogate");
const seqSchema = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const countSchema = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const optionSchema = z.string().min(1).max(200).refine(wellFormed, "has an unpaired surrogate");
/** Ids that `POST /api/files` has given out, in the order in which they are shown. */
const filesSchema = z
  .array(idSchema)
  .min(1)
  .max(limits.messageFiles)
  .refine((ids) => new Set(ids).size === ids.length, "names a file twice");
const positionSchema = z.strictObject({ epoch: z.string().min(1).max(64), seq: seqSchema });

export const clientMessageSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("authenticate"), token: z.string().min(1).max(200) }),
  z.strictObject({ type: z.literal("subscribe"), conversation: idSchema, after: positionSchema.optional() }),
  z.strictObject({ type: z.literal("unsubscribe"), conversation: idSchema }),
  z.strictObject({
    type: z.literal("send"),
    conversation: idSchema,
    key: keySchema,
    n: countSchema.optional(),
    sender: idSchema.optional(),
    text: textSchema,
    files: filesSchema.optional(),
  }),
  z.strictObject({ type: z.literal("cancel"), conversation: idSchema, turn: idSchema }),
  z.strictObject({ type: z.literal("retry"), conversation: idSchema, turn: idSchema }),
  z.strictObject({ type: z.literal("watch"), topic: z.literal("fleet") }),
  z.strictObject({ type: z.literal("unwatch"), topic: z.literal("fleet") }),
  z.strictObject({
    type: z.literal("snapshot"),
    conversation: idSchema,
    stream: idSchema,
    offset: seqSchema,
    parts: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal("decide"), conversation: idSchema, permission: idSchema, option: optionSchema }),
]);

export const restartSchema = z.strictObject({
  policy: z.enum(["always", "on-failure", "never"]).default("always"),
  maxRestarts: z.number().int().min(0).max(1_000_000).default(10),
  windowMs: z.number().int().min(1000).max(86_400_000).default(600_000),
});

export const botLimitsSchema = z.strictObject({
  concurrency: z.number().int().min(1).max(10_000).default(16),
  queue: z.number().int().min(1).max(1_000_000).default(10_000),
  turnMs: z.number().int().min(100).max(86_400_000).default(600_000),
  attempts: z.number().int().min(1).max(100).default(5),
  answerBytes: z
    .number()
    .int()
    .min(1)
    .max(64 * 1024 * 1024)
    .default(1024 * 1024),
  partsBytes: z
    .number()
    .int()
    .min(1024)
    .max(64 * 1024 * 1024)
    .default(1024 * 1024),
  permissions: z.enum(["ask", "allow", "reject"]).default("ask"),
  permissionMs: z.number().int().min(100).max(604_800_000).default(600_000),
  delivery: z.enum(["at-least-once", "at-most-once"]).default("at-least-once"),
  heartbeatMs: z.number().int().min(200).max(3_600_000).default(1500),
  progressMs: z.number().int().min(0).max(86_400_000).default(0),
  memoryMb: z.number().int().min(0).max(1_048_576).default(2048),
  nice: z.number().int().min(0).max(19).default(5),
  perMinute: z.number().int().min(0).max(1_000_000).default(0),
  personPerMinute: z.number().int().min(0).max(1_000_000).default(0),
  personConcurrency: z.number().int().min(0).max(1_000_000).default(0),
});

const workersMax = 64;
export const workerSpecSchema = z.strictObject({
  name: nameSchema.optional(),
  weight: z.number().int().min(1).max(100).default(1),
  count: z.number().int().min(1).max(workersMax).default(1),
  options: z.record(z.string(), z.unknown()).default({}),
});

/** A number of workers that are alike, or a list of those that are not. */
export const workersSchema = z.union(
  [
    z.number().int().min(1).max(workersMax),
    z
      .array(workerSpecSchema)
      .min(1)
      .refine((specs) => specs.reduce((sum, { count }) => sum + count, 0) <= workersMax, `must be at most ${workersMax} workers together`),
  ],
  { error: `must be a number from 1 to ${workersMax}, or a list such as [{"name": "gpu-1", "weight": 50, "options": {}}]` },
);
export const balanceSchema = z.enum(["least-busy", "round-robin", "weighted", "sticky-conversation", "sticky-person"]);
export const fallbackSchema = z
  .array(nameSchema)
  .max(8)
  .refine((names) => new Set(names).size === names.length, "names a bot twice");

export const botCreateSchema = z.strictObject({
  name: nameSchema,
  kind: z.string().min(1).max(32),
  options: z.record(z.string(), z.unknown()).default({}),
  workers: workersSchema.default(1),
  balance: balanceSchema.default("least-busy"),
  fallback: fallbackSchema.default([]),
  restart: restartSchema.prefault({}),
  limits: botLimitsSchema.prefault({}),
});
export type BotCreate = z.infer<typeof botCreateSchema>;

/** PATCH: what is given replaces; inside `restart` and `limits` field by field. */
export const botPatchSchema = z.strictObject({
  options: z.record(z.string(), z.unknown()).optional(),
  workers: workersSchema.optional(),
  balance: balanceSchema.optional(),
  fallback: fallbackSchema.optional(),
  restart: restartSchema.partial().optional(),
  limits: botLimitsSchema.partial().optional(),
});
export type BotPatch = z.infer<typeof botPatchSchema>;

export const conversationCreateSchema = z.strictObject({ bot: nameSchema, title: titleSchema.default("") });
export const branchCreateSchema = z.strictObject({ before: countSchema, text: textSchema, key: keySchema.optional() });
export const conversationPatchSchema = z.strictObject({ title: titleSchema });
export const decisionSchema = z.strictObject({ option: optionSchema });
export const messageCreateSchema = z.strictObject({
  text: textSchema,
  key: keySchema.optional(),
  n: countSchema.optional(),
  sender: idSchema.optional(),
  files: filesSchema.optional(),
});

/** Of a choice between shapes: what is wrong inside the one that was meant, or that it is none of them. */
function innermost(issue: z.core.$ZodIssue): { issue: z.core.$ZodIssue; path: PropertyKey[] } {
  if (issue.code !== "invalid_union") return { issue, path: issue.path };
  for (const [first] of issue.errors) {
    if (!first || (first.code === "invalid_type" && first.path.length === 0)) continue;
    const inner = innermost(first);
    return { issue: inner.issue, path: [...issue.path, ...inner.path] };
  }
  return { issue, path: issue.path };
}

/** The first problem of a failed check as a refusal that names the field, as a dotted path. */
export function refusalFrom(error: z.ZodError): Refusal {
  const [first] = error.issues;
  if (!first) return new Refusal("field_invalid");
  const { issue, path } = innermost(first);
  const keys = issue.code === "unrecognized_keys" ? issue.keys : [];
  const field = [...path.map(String), ...keys.slice(0, 1)].join(".");
  const detail = issue.code === "unrecognized_keys" ? `Unknown field "${field}"` : field ? `"${field}": ${issue.message}` : issue.message;
  const code = field === "name" ? "name_invalid" : "field_invalid";
  return new Refusal(code, code === "name_invalid" ? `Name ${nameRule}` : detail, field ? { field } : {});
}
const nameRule = "must be 1 to 64 letters, digits, dashes or underscores";

/** @throws Refusal `field_invalid` that names the field. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw refusalFrom(result.error);
  return result.data;
}

/** What a client may send, as JSON Schema: for those who make it, or what is not it. */
export const clientMessageJsonSchema = (): unknown => z.toJSONSchema(clientMessageSchema, { io: "input", unrepresentable: "any" });

/** One element of a client's frame. @throws Refusal */
export const parseClientMessage = (value: unknown): ClientMessage => parseWith(clientMessageSchema as z.ZodType<ClientMessage>, value);

/** R-B1, R-B2: not empty (white space only counts as empty) unless there are files, not over the limit. @throws Refusal */
export function checkText(text: string, maxBytes: number, hasFiles = false): void {
  if (!hasFiles && text.trim() === "") throw new Refusal("message_empty", undefined, { field: "text" });
  // A UTF-16 unit is at most 3 bytes of UTF-8, so most texts need no count.
  if (text.length * 3 > maxBytes) {
    const bytes = new TextEncoder().encode(text).length;
    if (bytes > maxBytes) {
      throw new Refusal("message_too_large", `Message has ${bytes} bytes, the limit is ${maxBytes}`, { field: "text" });
    }
  }
}
