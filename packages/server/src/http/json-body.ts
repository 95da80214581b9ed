import { Refusal } from "@skep/protocol/errors";

/** Deeper values can be parsed, but not written again: JSON.stringify calls itself. */
const maxDepth = 64;

const openers = new Set([0x7b, 0x5b]);
const closers = new Set([0x7d, 0x5d]);
const [quote, backslash] = [0x22, 0x5c];

function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  let inText = false;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] as number;
    if (inText) {
      if (byte === backslash) i += 1;
      else if (byte === quote) inText = false;
    } else if (byte === quote) inText = true;
    else if (openers.has(byte)) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (closers.has(byte)) depth -= 1;
  }
  return false;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The parser's own words go into `cause`, for the log: they quote the body. */
export class MalformedJson extends Refusal {
  constructor(cause: unknown) {
    super("json_malformed");
    this.cause = cause;
  }
}

/** Bytes that are no UTF-8 are refused, not replaced (R-B4). @throws Refusal `json_malformed` with a text that is always the same (R-B6). */
export function parseJsonBody(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  if (isTooDeep(bytes)) throw new Refusal("json_malformed", `The body is nested more than ${maxDepth} levels deep`);
  try {
    return JSON.parse(decoder.decode(bytes)) as unknown;
  } catch (error) {
    throw new MalformedJson(error);
  }
}
