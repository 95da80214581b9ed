/**
 * The bot protocol: JSON lines over a worker's standard input and output (docs/bot-protocol.md).
 * Imports nothing, so that a bot process can use it without cost.
 */
export const botProtocolVersion = 1;

/** One earlier message, oldest first. */
export interface HistoryEntry {
  role: "person" | "bot";
  author: string;
  text: string;
  /** Files that came with it: newer images can be read, all else has only its name. */
  files?: TurnFile[];
}

/** A file of a message, with one way to read it, or none (in the history). */
export interface TurnFile {
  name: string;
  /** A media type; png, jpeg, gif and webp were recognised by the bytes. */
  type: string;
  /** Bytes. */
  size: number;
  /** Hex. */
  sha256: string;
  /** For a process on this machine: where it is while the attempt runs. Only to be read. */
  path?: string;
  /** For a program elsewhere: the bytes in base64. */
  data?: string;
}

/**
 * What an attempt makes besides text: what a coding agent thinks, does and plans. `id` is unique within the attempt; a later part with the
 * same id replaces an earlier one.
 */
export type Part = ThoughtPart | ToolPart | PlanPart;

export interface ThoughtPart {
  type: "thought";
  id: string;
  text: string;
}

export interface ToolPart {
  type: "tool";
  id: string;
  title: string;
  tool: "read" | "edit" | "delete" | "move" | "search" | "execute" | "think" | "fetch" | "other";
  state: "pending" | "running" | "completed" | "failed";
  /** What it was called with, for people: a command line, JSON, a diff. */
  input?: string;
  output?: string;
  /** Files that it concerns. */
  paths?: string[];
}

export interface PlanPart {
  type: "plan";
  id: string;
  steps: { text: string; state: "pending" | "running" | "completed" }[];
}

/** One way to answer a request for permission. `always`: also for later requests of this kind. */
export interface PermissionOption {
  id: string;
  label: string;
  effect: "allow" | "reject";
  always: boolean;
}

/* ---- controller -> bot ---- */
export type ToBot =
  /** Always the first line. `options` are the bot's own, from its definition. */
  | { type: "hello"; protocol: number; bot: string; options: Record<string, unknown> }
  /** `turn` is opaque and different for every attempt: send it back with whatever belongs to this attempt. */
  | {
      type: "turn";
      turn: string;
      attempt: number;
      conversation: string;
      author: string;
      /** May be empty when there are files. */
      text: string;
      files?: TurnFile[];
      history?: HistoryEntry[];
    }
  | { type: "cancel"; turn: string }
  /** Answers the `permission` with that id. `option` null: nobody decided in time, or the turn ended; it counts as a refusal. */
  | { type: "decision"; turn: string; id: string; option: string | null }
  /** Answer with `heartbeat`; asked only of a bot whose hello said `heartbeat: true`. */
  | { type: "ping" };

/* ---- bot -> controller ---- */
export type FromBot =
  /**
   * "I am ready." `context`: does it want the conversation so far with each turn? `concurrency`: the most turns at a time
   * (the smaller of this and the bot's limit counts). `ahead`: how many turns of one conversation it takes before it has answered
   * the first of them; it works on them one after the other, in the order given. 1 when left out; only for context "message".
   */
  | { type: "hello"; protocol: number; context?: "message" | "history"; concurrency?: number; ahead?: number; heartbeat?: boolean }
  | { type: "delta"; turn: string; text: string }
  /** Ends the turn. Without `text` the answer is what was streamed. With `text` after deltas, it must be what was streamed. */
  | { type: "answer"; turn: string; text?: string }
  /** Ends the attempt. `retry: false` means that another attempt cannot help. */
  | { type: "failure"; turn: string; reason: string; retry?: boolean }
  /** The attempt goes on, but people should know: `loading` a model, `waiting` for a model server that is silent; `running` when it goes on. */
  | { type: "status"; turn: string; state: "loading" | "waiting" | "running"; detail: string }
  /** Appends to the thought with this id, and begins it. */
  | { type: "thought"; turn: string; id: string; text: string }
  | { type: "part"; turn: string; part: ToolPart | PlanPart }
  /**
   * May this be done? A `decision` with the same id follows, always. `detail`: what exactly, for people; `part`: the tool part that waits
   * for it; `limitMs`: after so many milliseconds the bot takes it as refused and goes on.
   */
  | {
      type: "permission";
      turn: string;
      id: string;
      title: string;
      detail?: string;
      part?: string;
      limitMs?: number;
      options: PermissionOption[];
    }
  /** `needed`: no turn can be worked on until somebody signs in where the bot runs; `detail` says how. With false the bot is ready again. */
  | { type: "login"; needed: boolean; detail: string }
  | { type: "heartbeat" }
  | { type: "log"; level: "debug" | "info" | "warn" | "error"; text: string };

type Check = (line: Record<string, unknown>) => boolean;
const text: Check = (l) => typeof l["text"] === "string";
const turn: Check = (l) => typeof l["turn"] === "string";
const optional =
  (field: string, type: "string" | "number" | "boolean"): Check =>
  (l) =>
    l[field] === undefined || typeof l[field] === type;
const oneOf =
  (field: string, values: readonly string[], required: boolean): Check =>
  (l) =>
    l[field] === undefined ? !required : values.includes(l[field] as string);
const string =
  (field: string): Check =>
  (l) =>
    typeof l[field] === "string";
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const everyObject = (value: unknown, check: (one: Record<string, unknown>) => boolean): boolean =>
  Array.isArray(value) && value.every((one) => isObject(one) && check(one));

const tools = ["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "other"];
const toolStates = ["pending", "running", "completed", "failed"];
const stepStates = ["pending", "running", "completed"];
const toolChecks: readonly Check[] = [
  string("title"),
  oneOf("tool", tools, true),
  oneOf("state", toolStates, true),
  optional("input", "string"),
  optional("output", "string"),
  (l) => l["paths"] === undefined || (Array.isArray(l["paths"]) && l["paths"].every((path) => typeof path === "string")),
];
const isStep: Check = (l) => typeof l["text"] === "string" && oneOf("state", stepStates, true)(l);
const isPart = (part: unknown): boolean => {
  if (!isObject(part) || !string("id")(part)) return false;
  return part["type"] === "tool" ? toolChecks.every((check) => check(part)) : part["type"] === "plan" && everyObject(part["steps"], isStep);
};
const isOption: Check = (l) =>
  string("id")(l) && string("label")(l) && oneOf("effect", ["allow", "reject"], true)(l) && typeof l["always"] === "boolean";

const levels = ["debug", "info", "warn", "error"];

const checks: Record<FromBot["type"], readonly Check[]> = {
  hello: [
    (l) => typeof l["protocol"] === "number",
    oneOf("context", ["message", "history"], false),
    optional("concurrency", "number"),
    optional("ahead", "number"),
    optional("heartbeat", "boolean"),
  ],
  delta: [turn, text],
  answer: [turn, optional("text", "string")],
  failure: [turn, (l) => typeof l["reason"] === "string", optional("retry", "boolean")],
  status: [turn, oneOf("state", ["loading", "waiting", "running"], true), (l) => typeof l["detail"] === "string"],
  thought: [turn, string("id"), text],
  part: [turn, (l) => isPart(l["part"])],
  permission: [
    turn,
    string("id"),
    string("title"),
    optional("detail", "string"),
    optional("part", "string"),
    optional("limitMs", "number"),
    (l) => everyObject(l["options"], isOption) && (l["options"] as unknown[]).length > 0,
  ],
  login: [(l) => typeof l["needed"] === "boolean", string("detail")],
  heartbeat: [],
  log: [oneOf("level", levels, true), text],
};

/** @returns the line, or null when it is not one of the protocol's. Unknown fields are left alone, so that bots may be newer than the controller. */
export function checkBotLine(value: unknown): FromBot | null {
  if (typeof value !== "object" || value === null) return null;
  const line = value as Record<string, unknown>;
  const list =
    typeof line["type"] === "string" && Object.hasOwn(checks, line["type"]) ? checks[line["type"] as FromBot["type"]] : undefined;
  if (!list) return null;
  for (const check of list) if (!check(line)) return null;
  return value as FromBot;
}
