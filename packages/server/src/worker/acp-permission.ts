/** What becomes of an agent's request for permission: a policy decides, or people do. Pure. */
import type { PermissionOption as AcpOption, RequestPermissionOutcome } from "@agentclientprotocol/sdk";
import type { PermissionOption, ToolPart } from "@skep/protocol/bot";
import type { AcpOptions, PermissionPolicy } from "./acp-options.ts";
import { bounded } from "./bounded-text.ts";

const most = 20;
const labelLimit = 200;

/** A rule for the kind of tool comes before the rule for all. */
export const policyFor = (tool: ToolPart["tool"], { permissions, rules }: Pick<AcpOptions, "permissions" | "rules">): PermissionPolicy =>
  rules[tool] ?? permissions;

export const choices = (options: readonly AcpOption[]): PermissionOption[] =>
  options.slice(0, most).map(({ optionId, name, kind }) => ({
    id: optionId,
    label: bounded(name, labelLimit),
    effect: kind.startsWith("allow") ? "allow" : "reject",
    always: kind.endsWith("_always"),
  }));

/** A policy decides this once only: the agent would not ask again after "always", and a changed policy would have no effect. */
export function decided(effect: "allow" | "reject", options: readonly AcpOption[]): RequestPermissionOutcome {
  const option = options.find(({ kind }) => kind === `${effect}_once`) ?? options.find(({ kind }) => kind === `${effect}_always`);
  return option ? { outcome: "selected", optionId: option.optionId } : { outcome: "cancelled" };
}

/** @param option as people chose it; null or one that was not offered is a refusal */
export function chosen(option: string | null, options: readonly AcpOption[]): RequestPermissionOutcome {
  const known = options.find(({ optionId }) => optionId === option);
  return known ? { outcome: "selected", optionId: known.optionId } : decided("reject", options);
}

export const allows = (outcome: RequestPermissionOutcome, options: readonly AcpOption[]): boolean =>
  outcome.outcome === "selected" && options.some(({ optionId, kind }) => optionId === outcome.optionId && kind.startsWith("allow"));
