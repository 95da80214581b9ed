/** What a bot's definition says, how it is checked, stored and read. Pure. */
import { isDeepStrictEqual } from "node:util";
import { Refusal, balanceSchema, botLimitsSchema, fallbackSchema, parseWith, restartSchema, workersSchema } from "@skep/protocol";
import type { Balance, BotAbility, BotCreate, BotLimits, BotPatch, RestartSettings, WorkerSpec } from "@skep/protocol";
import { z } from "zod";
import type { Kind } from "./kinds/kind.ts";
import type { WorkerPlan } from "./worker-spec.ts";
import { sharedName, workerPlans } from "./worker-spec.ts";

export interface Definition {
  /** With defaults where all workers are alike; as they were given where workers have options of their own. */
  options: Record<string, unknown>;
  workers: number | WorkerSpec[];
  balance: Balance;
  fallback: string[];
  restart: RestartSettings;
  limits: BotLimits;
  /** Names of workers that were taken out by hand. */
  drained: string[];
}

/** What turns need of it. */
export interface BotSettings extends BotLimits {
  fallback: readonly string[];
  /** Does it take files? */
  files: boolean;
}

export const settingsOf = (kind: Kind | undefined, { options, limits, fallback }: Definition): BotSettings => ({
  ...limits,
  fallback,
  files: abilitiesOf(kind, options).includes("files"),
});

/** What the kind can do, and what the options say that the program can. */
export function abilitiesOf(kind: Kind | undefined, options: Record<string, unknown>): readonly BotAbility[] {
  if (!kind) return [];
  return options["files"] === true && "files" in kind.options.shape ? [...kind.can, "images", "files"] : kind.can;
}

/** @throws Refusal `field_invalid` */
export function newDefinition(kind: Kind, input: BotCreate): Definition {
  const { options, workers, balance, fallback, restart, limits } = input;
  return checked(kind, { options, workers, balance, fallback, restart, limits, drained: [] });
}

/** @throws Refusal `field_invalid` */
export function changedDefinition(kind: Kind, before: Definition, patch: BotPatch): Definition {
  return checked(kind, {
    options: patch.options ?? before.options,
    workers: patch.workers ?? before.workers,
    balance: patch.balance ?? before.balance,
    fallback: patch.fallback ?? before.fallback,
    restart: parseWith(restartSchema, { ...before.restart, ...defined(patch.restart) }),
    limits: parseWith(botLimitsSchema, { ...before.limits, ...defined(patch.limits) }),
    drained: before.drained,
  });
}

/** Is only the way in which turns are dealt another? Then the workers stay as they are. @returns their weights, or null when more has changed. */
export function newShares(kind: Kind, before: Definition, after: Definition): number[] | null {
  const rest = (definition: Definition): unknown => {
    const { options: _, workers: __, balance: ___, ...others } = definition;
    return { ...others, plans: storedPlans(kind, definition).map(({ name, options }) => ({ name, options })) };
  };
  return isDeepStrictEqual(rest(before), rest(after)) ? storedPlans(kind, after).map(({ weight }) => weight) : null;
}

/** The workers, each with all of its options, checked together by the kind. @throws Refusal `field_invalid` */
function plansOf(kind: Kind, { options, workers }: Pick<Definition, "options" | "workers">): WorkerPlan[] {
  return workerPlans(workers).map((plan) => ({ ...plan, options: optionsOf(kind, options, plan) }));
}

/** The same for what is stored: what a kind has come to refuse since then is for its workers to say when they are started. */
export function storedPlans(kind: Kind | undefined, { options, workers }: Pick<Definition, "options" | "workers">): WorkerPlan[] {
  return workerPlans(workers).map((plan) => {
    const together = { ...options, ...plan.options };
    return { ...plan, options: kind?.options.safeParse(together).data ?? together };
  });
}

function checked(kind: Kind, definition: Definition): Definition {
  const plans = plansOf(kind, definition);
  const twice = sharedName(plans);
  if (twice !== null) throw new Refusal("field_invalid", `"workers": two workers are named "${twice}"`, { field: "workers" });
  return {
    ...definition,
    options: typeof definition.workers === "number" ? (plans[0]?.options ?? definition.options) : definition.options,
    drained: definition.drained.filter((name) => plans.some((plan) => plan.name === name)),
  };
}

/** The field of a wrong option is named as the caller wrote it: `options.url`, or `workers.1.options.url`. */
function optionsOf(kind: Kind, options: Record<string, unknown>, plan: WorkerPlan): Record<string, unknown> {
  const result = kind.options.safeParse({ ...options, ...plan.options });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const keys = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const path = [...(issue?.path.map(String) ?? []), ...keys];
  const own = plan.index !== null && path[0] !== undefined && Object.hasOwn(plan.options, path[0]);
  const field = [...(own ? ["workers", String(plan.index)] : []), "options", ...path].join(".");
  throw new Refusal("field_invalid", `"${field}": ${issue?.message ?? "is invalid"}`, { field });
}

/** Definitions of earlier versions lack what came later: it gets its default. */
const storedSchema = z.object({
  options: z.record(z.string(), z.unknown()),
  workers: workersSchema,
  balance: balanceSchema.default("least-busy"),
  fallback: fallbackSchema.default([]),
  restart: restartSchema.prefault({}),
  limits: botLimitsSchema.prefault({}),
  drained: z.array(z.string()).default([]),
});

export const storedDefinition = (json: string): Definition => parseWith(storedSchema, JSON.parse(json));

const defined = <T extends object>(fields: T | undefined): Partial<T> =>
  Object.fromEntries(Object.entries(fields ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>;
