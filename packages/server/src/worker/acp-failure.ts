/** What an agent's errors and stop reasons mean for people, and whether another attempt can help. Pure. */
import type { AuthMethod, StopReason } from "@agentclientprotocol/sdk";
import { RequestError } from "@agentclientprotocol/sdk";
import { basename } from "node:path";
import type { Program } from "./acp-program.ts";
import { bounded } from "./bounded-text.ts";

const authRequired = -32000;
const noSuchResource = -32002;
/** Invalid request, no such method, invalid parameters: the same again gives the same again. */
const hopeless = new Set([-32600, -32601, -32602]);
const sentenceLimit = 500;

export const needsSignIn = (error: unknown): boolean => error instanceof RequestError && error.code === authRequired;
export const unknownSession = (error: unknown): boolean => error instanceof RequestError && error.code === noSuchResource;

export function sentenceOf(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  const data: unknown = error instanceof RequestError ? error.data : undefined;
  const details = typeof data === "string" ? data : textIn(data, "details") || textIn(data, "message");
  return bounded(details === "" || said.includes(details) ? said : `${said}: ${details}`, sentenceLimit);
}

function textIn(value: unknown, field: string): string {
  const found = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[field] : undefined;
  return typeof found === "string" ? found : "";
}

export const explainError = (error: unknown): { reason: string; retry: boolean } => ({
  reason: `The agent reports: ${sentenceOf(error)}`,
  retry: !(error instanceof RequestError && hopeless.has(error.code)),
});

/** How a turn ends: with what was streamed and perhaps a last word, or without an answer. */
export type Conclusion = { answer: string } | { reason: string; retry: boolean };

/** @param did has it done anything that people saw? */
export function conclude(
  stop: StopReason,
  { said, did, cancelRequested }: { said: boolean; did: boolean; cancelRequested: boolean },
): Conclusion {
  if (cancelRequested) return { reason: "Cancelled", retry: false };
  switch (stop) {
    case "end_turn":
      if (said) return { answer: "" };
      return did ? { answer: "(Done; the agent said nothing about it.)" } : { reason: "The agent gave an empty answer", retry: true };
    case "max_tokens":
    case "max_turn_requests": {
      const limit = stop === "max_tokens" ? "tokens" : "steps";
      return said || did
        ? { answer: `${said ? "\n\n" : ""}(Cut off: the agent has used up its ${limit} for one answer. Ask it to go on.)` }
        : { reason: `The agent used up its ${limit} for one answer before it said anything`, retry: false };
    }
    case "refusal":
      return { reason: "The agent refuses to answer this", retry: false };
    case "cancelled":
      return { reason: "The agent has broken off its work by itself", retry: false };
    default:
      return stop satisfies never;
  }
}

/** What somebody has to do who is to sign in. */
export function signInDetail(program: Program, ways: readonly AuthMethod[]): string {
  const offered = ways.map(({ name }) => name).join(", ");
  const lines = ways.flatMap((way) =>
    "type" in way && way.type === "terminal" ? [[basename(program.command), ...program.args, ...(way.args ?? [])].join(" ")] : [],
  );
  const line = program.login || lines[0];
  const how = line === undefined ? "sign in with the agent's own command line" : `run "${line}"`;
  return bounded(
    `The agent has to be signed in. Where this bot runs, as the same user, ${how}${offered === "" ? "" : ` (it offers: ${offered})`}.`,
    sentenceLimit,
  );
}
