import type { TurnOutcome } from "@skep/protocol";
import type { GroupCommit } from "../store/group-commit.ts";
import type { Appended, Closed, Refused, StoredMessage } from "../store/store.ts";
import type { Time } from "../time.ts";
import type { ActiveConversation } from "./active.ts";

/** The only way into a conversation, for people, bots and doors alike: one operation, one commit, then its readers. */
export class ConversationLog {
  readonly #commit: Pick<GroupCommit, "add">;
  readonly #time: Pick<Time, "now">;

  constructor(commit: Pick<GroupCommit, "add">, time: Pick<Time, "now">) {
    this.#commit = commit;
    this.#time = time;
  }

  /** Rejects with Refusal or OutcomeUnknown as `GroupCommit.add` does. */
  append(
    active: ActiveConversation,
    entry: {
      person: string;
      key: string | null;
      sender: string;
      n: number | null;
      text: string;
      bot: string | null;
      files?: readonly string[];
    },
  ): Promise<Appended | Refused> {
    const at = this.#time.now();
    active.pins++;
    return this.#commit.add({ op: "append", conversation: active.conversation, ...entry, at }).then(
      (answer) => {
        active.pins--;
        if (answer.ok && !answer.duplicate) {
          const { person: author, key, text } = entry;
          active.published({
            id: answer.id,
            seq: answer.seq,
            role: "person",
            author,
            key,
            text,
            turn: answer.turn,
            outcome: null,
            createdAt: at,
            parts: null,
            files: answer.files ?? null,
          });
        }
        return answer;
      },
      (error: unknown) => {
        active.pins--;
        throw error;
      },
    );
  }

  /** `onClosed` is called with the stored message just before it is published. */
  closeTurn(
    active: ActiveConversation,
    entry: {
      turn: number;
      attempt: number;
      generation: number;
      outcome: TurnOutcome;
      role: "bot" | "system";
      author: string;
      text: string;
      parts: string | null;
    },
    onClosed: (message: StoredMessage) => void,
  ): Promise<Closed | Refused> {
    const at = this.#time.now();
    return this.#commit.add({ op: "close-turn", ...entry, at }).then((answer) => {
      if (answer.ok) {
        const { role, author, text, turn, outcome, parts } = entry;
        const message = { id: answer.id, seq: answer.seq, role, author, key: null, text, turn, outcome, createdAt: at, parts, files: null };
        onClosed(message);
        active.published(message);
      }
      return answer;
    });
  }
}
