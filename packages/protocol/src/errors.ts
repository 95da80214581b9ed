/**
 * The closed table of refusals: code -> what every door says about it.
 * HTTP doors send `status`; WebSocket closes with `close` where the connection itself ends;
 * `retry` says whether the same request can succeed later without being changed.
 */
export const errorTable = {
  message_empty: { status: 400, retry: false, title: "Message cannot be empty" },
  message_too_large: { status: 413, retry: false, title: "Message is too large" },
  name_invalid: { status: 400, retry: false, title: "Name is invalid" },
  field_invalid: { status: 400, retry: false, title: "A field is invalid" },
  json_malformed: { status: 400, retry: false, title: "The body is not valid JSON" },
  media_type: { status: 415, retry: false, title: "The body must be application/json" },
  body_too_large: { status: 413, retry: false, title: "The request is too large" },
  head_too_large: { status: 431, retry: false, title: "The header fields are too large" },
  head_malformed: { status: 400, retry: false, title: "The head of the request is not valid" },
  not_signed_in: { status: 401, retry: false, title: "Sign in first", close: 4501 },
  not_allowed: { status: 403, retry: false, title: "Not allowed", close: 4503 },
  origin_refused: { status: 403, retry: false, title: "This origin is not allowed" },
  host_refused: { status: 421, retry: false, title: "This host name is not served here" },
  not_found: { status: 404, retry: false, title: "Not found" },
  method_not_allowed: { status: 405, retry: false, title: "This method is not allowed here" },
  key_conflict: { status: 422, retry: false, title: "This key was used for another message" },
  send_gap: { status: 409, retry: false, title: "A send before this one is missing" },
  files_full: { status: 507, retry: false, title: "No room for more files" },
  bot_exists: { status: 409, retry: false, title: "A bot with this name exists" },
  state_conflict: { status: 409, retry: false, title: "Not possible in this state" },
  fenced: { status: 409, retry: false, title: "A newer owner has taken over" },
  busy: { status: 429, retry: true, title: "Too much work, try again" },
  store_unavailable: { status: 503, retry: true, title: "The store is not available" },
  store_full: { status: 507, retry: true, title: "The disk is full" },
  shutting_down: { status: 503, retry: true, title: "The server is shutting down", close: 4001 },
  internal: { status: 500, retry: true, title: "Something went wrong here" },
} as const satisfies Record<string, { status: number; retry: boolean; title: string; close?: number }>;

export type ErrorCode = keyof typeof errorTable;

/** WebSocket close codes: 4000-4499 reconnect, 4500-4999 do not (rule C3). */
export const closeCodes = {
  shutting_down: 4001,
  slow_consumer: 4002,
  no_pong: 4003,
  internal: 4004,
  ended: 4005,
  not_signed_in: 4501,
  protocol: 4502,
  not_allowed: 4503,
  replaced: 4504,
} as const;

export type CloseName = keyof typeof closeCodes;

/** May a client that was closed with this code connect again by itself? Codes of the transport (1000-1015) say yes. */
export const mayReconnect = (code: number): boolean => code < 4500 || code > 4999;

/** A refusal as it goes over the wire. `expected` comes with `send_gap`; offsets and sizes stand in `detail` for people. */
export interface WireError {
  code: ErrorCode;
  status: number;
  detail: string;
  field?: string;
  retryAfterMs?: number;
  expected?: number;
}

/** The one class for what a caller can be told. Anything else that is thrown is a bug. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly extra: { field?: string; retryAfterMs?: number; expected?: number };

  constructor(code: ErrorCode, detail?: string, extra: { field?: string; retryAfterMs?: number; expected?: number } = {}) {
    super(detail ?? errorTable[code].title);
    this.name = "Refusal";
    this.code = code;
    this.extra = extra;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  toWire(): WireError {
    return { code: this.code, status: this.status, detail: this.message, ...this.extra };
  }
}
