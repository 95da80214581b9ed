import type { Message, Position } from "@skep/protocol/wire";
import type { WireError } from "@skep/protocol/errors";
import { type Content, contentOf } from "./content.ts";
import type { Acceptance, Lane } from "./outbox.ts";

/** A message on its way, for people to see. It disappears when the message itself arrives. */
export interface PendingSend extends Content {
  key: string;
  /** `waiting`: for a connection, or because the server asked for time; `error` says why, if it did. */
  state: "sending" | "waiting" | "queued" | "accepted" | "failed";
  error: WireError | null;
}

/** Bridges the moments between the outbox and the log, so that a message is never shown twice nor, for a blink, not at all. */
export class PendingSends {
  /** Accepted, but not seen in the log yet. */
  readonly #accepted = new Map<string, { content: Content; seq: number }>();
  readonly #failed = new Map<string, { content: Content; error: WireError }>();
  /** Seen in the log, but not accepted yet: the message may come before the answer. */
  readonly #seen = new Set<string>();

  /** Oldest first. */
  pending(lane: Lane | undefined): PendingSend[] {
    const list: PendingSend[] = [];
    for (const [key, { content }] of this.#accepted) list.push({ key, ...content, state: "accepted", error: null });
    for (const [key, { content, error }] of this.#failed) list.push({ key, ...content, state: "failed", error });
    for (const send of lane?.sends ?? []) {
      const { key, state } = send;
      if (this.#seen.has(key)) continue;
      const shown = state === "queued" ? "queued" : state === "flying" ? "sending" : "waiting";
      list.push({ key, ...contentOf(send), state: shown, error: shown === "waiting" ? (lane?.waitingFor ?? null) : null });
    }
    return list;
  }

  failed(key: string, content: Content, error: WireError): void {
    this.#failed.set(key, { content, error });
  }

  accepted(key: string, content: Content, { epoch, seq }: Acceptance, position: Position | null): void {
    if (this.#seen.delete(key)) return;
    if (position?.epoch === epoch && position.seq >= seq) return;
    this.#accepted.set(key, { content, seq });
  }

  arrived({ seq, key }: Message, lane: Lane | undefined): void {
    if (key !== undefined && !this.#accepted.delete(key) && lane?.sends.some((send) => send.key === key)) this.#seen.add(key);
    // From a server that does not tell us the key: by then the message stands in the log all the same.
    for (const [accepted, send] of this.#accepted) if (send.seq <= seq) this.#accepted.delete(accepted);
  }

  /** @returns whether there was one */
  dismiss(key: string): boolean {
    return this.#failed.delete(key);
  }

  /** The log is not followed any more, or begins anew. */
  forget(): void {
    this.#accepted.clear();
    this.#seen.clear();
  }
}
