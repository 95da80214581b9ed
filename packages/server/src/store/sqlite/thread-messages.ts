/** What goes between the store and its threads. Numbers answer numbers; every request is answered exactly once. */
import type { Answer, Operation, StoreFailure } from "../store.ts";
import type { Reads } from "./reads.ts";
import type { Life } from "./life.ts";

export interface WriterData {
  file: string;
  life: Life | null;
  epoch: string;
  now: number;
}

export type ToWriter = { type: "commit"; id: number; batch: readonly Operation[] } | { type: "checkpoint" } | { type: "close" };

export interface FailureData {
  reason: StoreFailure["reason"];
  outcome: StoreFailure["outcome"];
  final: boolean;
  message: string;
}

export type FromWriter =
  | { type: "ready"; epoch: string; generation: number; lastMessage: number }
  | { type: "not-ready"; name: string; message: string }
  | { type: "committed"; id: number; answers: Answer[]; lastMessage: number }
  | { type: "failed"; id: number; failure: FailureData }
  /** The work behind the messages (search index, removal) stopped; messages go on. */
  | { type: "upkeep-failed"; message: string }
  | { type: "closed" };

export type ReadName = Exclude<keyof Reads, "constructor">;
export interface ReadRequest {
  id: number;
  name: ReadName;
  values: unknown[];
}
export type FromReader =
  | { type: "answer"; id: number; value: unknown }
  | { type: "error"; id: number; message: string }
  | { type: "checkpointed"; pages: number; done: number };
export type ToReader = ({ type: "read" } & ReadRequest) | { type: "close" };
