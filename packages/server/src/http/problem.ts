/** Everything that can go wrong as problem details (RFC 9457). What is no refusal is a bug: one sentence for the caller, the rest for the log. */
import { errorTable, Refusal } from "@skep/protocol/errors";
import type { ErrorCode } from "@skep/protocol/errors";
import { OutcomeUnknown } from "../store/group-commit.ts";

export const problemType = "application/problem+json";

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  field?: string;
  retryAfterMs?: number;
  expected?: number;
}

export function problemOf(refusal: Refusal): Problem {
  const { code, status, message, extra } = refusal;
  return { type: `urn:skep:error:${code}`, title: errorTable[code].title, status, detail: message, code, ...extra };
}

/** Fastify's own refusals, by its codes. */
const frameworkCodes: Readonly<Record<string, () => Refusal>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => new Refusal("media_type"),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => new Refusal("json_malformed", "The body is not as long as Content-Length says"),
  FST_ERR_BAD_URL: () => new Refusal("field_invalid", "The address is not a valid URL"),
  FST_ERR_MAX_PARAM_LENGTH: () => new Refusal("not_found"),
};

/** @returns what the caller is told; null for a bug. */
export function refusalOf(error: unknown, bodyLimit: number): Refusal | null {
  if (error instanceof Refusal) return error;
  if (error instanceof OutcomeUnknown) {
    // K2: neither accepted nor refused. 500 is the one status that promises neither.
    return new Refusal("internal", "It is not known whether this was stored. Send it again with the same key to find out.", {
      retryAfterMs: 1000,
    });
  }
  const code = (error as { code?: unknown } | null)?.code;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return new Refusal("body_too_large", `The limit of a request is ${bodyLimit} bytes`);
  return typeof code === "string" && Object.hasOwn(frameworkCodes, code) ? (frameworkCodes[code]?.() ?? null) : null;
}

export const bug = (): Refusal => new Refusal("internal", "Something went wrong here. The server's log says what.");
