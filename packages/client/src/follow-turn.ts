import type { Message, Part, Permission, PlacedPart } from "@skep/protocol";
import type { Draft, TurnView } from "./conversation-state.ts";

/** What a turn's reader gets. The texts of the deltas since the last `restart`, joined, are the answer so far. */
export type TurnPart =
  | { type: "delta"; text: string }
  /** The attempt was interrupted: what was streamed so far is void. */
  | { type: "restart" }
  | { type: "state"; turn: TurnView }
  /** A thought, tool call or plan, new or changed; the same index again is the same part. */
  | { type: "part"; index: number; part: Part }
  /** A request for permission, new or settled. */
  | { type: "permission"; permission: Permission }
  /** The last part: the bot's answer, or the message that says why there is none (see `message.outcome`). */
  | { type: "answer"; message: Message };

export interface TurnNow {
  draft: Draft | undefined;
  view: TurnView | undefined;
  permissions: readonly Permission[];
}

/**
 * From drafts and messages to the parts of one turn. For an answer that was completed, the deltas joined are its text, byte for byte (T2),
 * also where some of them were never seen.
 * @param look what is known at this moment
 * @param change resolves at the next change, or when there will be none
 */
export async function* followTurn(
  turn: string,
  messages: AsyncGenerator<Message, void>,
  look: () => TurnNow,
  change: () => Promise<void>,
): AsyncGenerator<TurnPart, void> {
  let stream: string | null = null;
  let told = "";
  let view: TurnView | undefined;
  let parts: readonly PlacedPart[] = [];
  const asked = new Map<string, Permission>();
  let next = messages.next();
  for (;;) {
    // Whoever reads us takes as long as they like: what changes meanwhile must be seen in the next round.
    const changed = change();
    const now = look();
    if (now.draft && now.draft.stream !== stream) {
      if (told !== "" || parts.length > 0) yield { type: "restart" };
      stream = now.draft.stream;
      told = "";
      parts = [];
    }
    if (now.draft && now.draft.text.length > told.length) {
      const text = now.draft.text.slice(told.length);
      told = now.draft.text;
      yield { type: "delta", text };
    }
    const before = parts;
    parts = now.draft?.parts ?? parts;
    for (const [index, placed] of parts.entries()) {
      if (parts !== before && placed !== before[index]) yield { type: "part", index, part: placed.part };
    }
    for (const permission of now.permissions) {
      if (asked.get(permission.id) === permission) continue;
      asked.set(permission.id, permission);
      yield { type: "permission", permission };
    }
    if (now.view && now.view !== view) yield { type: "state", turn: now.view };
    view = now.view;
    next.catch(() => {}); // It may fail while we are read from; the race says so then.
    const step = await Promise.race([next, changed]);
    if (!step) continue;
    if (step.done) return;
    next = messages.next();
    const message = step.value;
    if (message.turn !== turn || message.role === "person") continue;
    if (message.outcome === "completed" || message.outcome === undefined) {
      const goesOn = message.text.startsWith(told);
      if (!goesOn) yield { type: "restart" };
      const rest = goesOn ? message.text.slice(told.length) : message.text;
      if (rest !== "") yield { type: "delta", text: rest };
    }
    yield { type: "answer", message };
    return;
  }
}
