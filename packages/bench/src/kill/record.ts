/**
 * What one client writes down, in the order in which it happened to it; entries are only ever appended.
 * A record holds what was sent and what came over the wire, before any logic of the client has touched it.
 */
import type { Message } from "@skep/protocol";

export type RecordEntry =
  /** Written before the frame is handed to the socket. One entry for every try, so a key may stand here many times. */
  | { what: "sent"; conversation: string; sender: string; n: number; key: string; text: string }
  | { what: "accepted"; conversation: string; key: string; epoch: string; seq: number; duplicate: boolean; turn: string | null }
  | { what: "refused"; conversation: string; key: string; code: string }
  /** The client will not send this key again, although it does not know whether the server has it. */
  | { what: "abandoned"; conversation: string; key: string }
  /** A new subscription: everything after `from` must follow, without a gap. */
  | { what: "resumed"; conversation: string; epoch: string; from: number }
  | { what: "reset"; conversation: string; epoch: string; reason: string }
  | { what: "live"; conversation: string; seq: number }
  | { what: "seen"; conversation: string; message: Message }
  | { what: "connected" }
  | { what: "cut"; code: number };

export interface ClientRecord {
  client: string;
  entries: RecordEntry[];
}

/** A conversation as it was read, from first to last, after everything had come to rest. */
export interface FullLog {
  conversation: string;
  epoch: string;
  head: number;
  messages: Message[];
}
