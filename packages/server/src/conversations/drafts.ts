import type { GroupCommit } from "../store/group-commit.ts";
import type { Turn } from "./turn.ts";

/** What is made durable of an attempt while it runs: that it has begun (B4, B5), and its text so far (T5). */
export class Drafts {
  readonly #commit: Pick<GroupCommit, "add">;
  readonly #generation: number;

  constructor(commit: Pick<GroupCommit, "add">, generation: number) {
    this.#commit = commit;
    this.#generation = generation;
  }

  /** @returns whether this attempt may go on. */
  async record(turn: Turn): Promise<boolean> {
    turn.recorded = true;
    const { attempt, number } = turn;
    const answer = await this.#commit.add({ op: "start-attempt", turn: number, attempt, generation: this.#generation });
    return answer.ok;
  }

  /** As `record`, once for an attempt; when that fails the attempt is counted a moment later, or not at all after a crash. */
  note(turn: Turn): void {
    if (!turn.recorded) this.record(turn).catch(() => {});
  }

  /** Saves what is new of the attempt's text, or at least that it has begun. */
  save(turn: Turn): void {
    const text = turn.stream?.text ?? "";
    if (text.length === turn.savedLength) {
      this.note(turn);
      return;
    }
    const { number, attempt, savedLength: offset } = turn;
    turn.recorded = true;
    turn.savedLength = text.length;
    turn.savedBytes = turn.stream?.bytes ?? 0;
    this.#commit
      .add({ op: "save-draft", turn: number, attempt, generation: this.#generation, offset, text: text.slice(offset) })
      // A draft that is not saved costs its tail after a crash, never a message.
      .catch(() => {});
  }
}
