import { type ErrorCode, errorTable, Refusal } from "@skep/protocol/errors";

export interface ServerCaller {
  /** One REST call; a body is sent as JSON, a `Blob` as it is. @throws Refusal what the server said; TypeError when there was no answer */
  (method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<unknown>;
}

interface Problem {
  code?: string;
  detail?: string;
  title?: string;
  field?: string;
  retryAfterMs?: number;
}

/** @param base the server's address without a path @param token null: the browser's cookie speaks for the person */
export function serverCaller(base: string, token: string | null, fetchFrom: typeof fetch): ServerCaller {
  return async (method, path, body, signal) => {
    const headers: Record<string, string> = { accept: "application/json" };
    if (token !== null) headers["authorization"] = `Bearer ${token}`;
    else if (method !== "GET") headers["skep-request"] = "1";
    const bytes = body instanceof Blob;
    if (body !== undefined) headers["content-type"] = bytes ? body.type || "application/octet-stream" : "application/json";
    const request: RequestInit = { method, headers, credentials: "same-origin" };
    if (body !== undefined) request.body = bytes ? body : JSON.stringify(body);
    if (signal) request.signal = signal;
    const response = await fetchFrom(base + path, request);
    const text = await response.text();
    if (response.ok) return text === "" ? null : (JSON.parse(text) as unknown);
    throw refusalFrom(response.status, text);
  };
}

function refusalFrom(status: number, text: string): Refusal {
  let problem: Problem = {};
  try {
    problem = JSON.parse(text) as Problem;
  } catch {
    // Something between us and the server answered in its own words.
  }
  const known = problem.code !== undefined && Object.hasOwn(errorTable, problem.code);
  const code = known ? (problem.code as ErrorCode) : codeOf(status);
  const extra: { field?: string; retryAfterMs?: number } = {};
  if (problem.field !== undefined) extra.field = problem.field;
  if (problem.retryAfterMs !== undefined) extra.retryAfterMs = problem.retryAfterMs;
  return new Refusal(code, problem.detail ?? problem.title ?? `HTTP ${status}`, extra);
}

function codeOf(status: number): ErrorCode {
  if (status === 401) return "not_signed_in";
  if (status === 403) return "not_allowed";
  if (status === 404) return "not_found";
  if (status === 429) return "busy";
  return status >= 500 ? "store_unavailable" : "internal";
}
