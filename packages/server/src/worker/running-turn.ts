/**
 * One attempt at one turn, as a driver sees it.
 *
 * running --answer | failure--> ended; running --cancel--> ended.
 *
 * Promises: exactly one line ends it, and nothing follows that line; no delta ends between the two halves of a character, and
 * no unpaired surrogate leaves the process, so that what is stored is what was streamed.
 */
import type { FromBot, HistoryEntry, PlanPart, ToBot, ToolPart } from "@skep/protocol/bot";
import type { Output } from "./output.ts";

type TurnLine = Extract<ToBot, { type: "turn" }>;
export type PermissionQuestion = Omit<Extract<FromBot, { type: "permission" }>, "type" | "turn">;

export class RunningTurn {
  readonly id: string;
  readonly attempt: number;
  readonly conversation: string;
  readonly text: string;
  readonly history: readonly HistoryEntry[];
  /** Has anything of the answer been streamed? */
  streamed = false;
  ended = false;
  /** Set by the driver: called once when the turn is cancelled, to stop what is under way. */
  onCancel: (() => void) | undefined = undefined;
  /** Set by the host: called once when the turn ends. */
  onEnd: (() => void) | undefined = undefined;
  readonly #output: Output;
  #half = "";
  /** Questions without a decision yet, by their ids. */
  #asked: Map<string, (option: string | null) => void> | undefined;

  constructor(line: TurnLine, output: Output) {
    this.id = line.turn;
    this.attempt = line.attempt;
    this.conversation = line.conversation;
    this.text = line.text;
    this.history = line.history ?? [];
    this.#output = output;
  }

  delta(text: string): void {
    if (this.ended || text === "") return;
    let whole = this.#half + text;
    const last = whole.charCodeAt(whole.length - 1);
    const cut = last >= 0xd800 && last <= 0xdbff;
    this.#half = cut ? whole.slice(-1) : "";
    if (cut) whole = whole.slice(0, -1);
    if (whole === "") return;
    this.streamed = true;
    this.#output.write({ type: "delta", turn: this.id, text: whole.toWellFormed() });
  }

  /** Appends to the thought with this id: what the model thinks is no part of the answer. */
  thought(id: string, text: string): void {
    if (!this.ended && text !== "") this.#output.write({ type: "thought", turn: this.id, id, text: text.toWellFormed() });
  }

  /** Without `text`, the answer is what was streamed. */
  answer(text?: string): void {
    if (this.ended) return;
    if (text === undefined) {
      if (this.#half !== "") this.#output.write({ type: "delta", turn: this.id, text: "\ufffd" });
      this.#output.write({ type: "answer", turn: this.id });
    } else {
      this.#output.write({ type: "answer", turn: this.id, text: text.toWellFormed() });
    }
    this.#end();
  }

  failure(reason: string, retry: boolean): void {
    if (this.ended) return;
    this.#output.write({ type: "failure", turn: this.id, reason, retry });
    this.#end();
  }

  status(state: "loading" | "waiting" | "running", detail: string): void {
    if (!this.ended) this.#output.write({ type: "status", turn: this.id, state, detail });
  }

  part(part: ToolPart | PlanPart): void {
    if (!this.ended) this.#output.write({ type: "part", turn: this.id, part });
  }

  /** @returns the option that was chosen; null when there is none: rejected, not decided in time, or the turn has ended */
  permission(question: PermissionQuestion): Promise<string | null> {
    if (this.ended) return Promise.resolve(null);
    return new Promise((resolve) => {
      (this.#asked ??= new Map()).set(question.id, resolve);
      this.#output.write({ type: "permission", turn: this.id, ...question });
    });
  }

  /** What was decided. Called by the host. */
  decided(id: string, option: string | null): void {
    const resolve = this.#asked?.get(id);
    this.#asked?.delete(id);
    resolve?.(option);
  }

  /** Ends the turn at once; the driver hears of it through `onCancel`. */
  cancel(): void {
    if (this.ended) return;
    this.failure("Cancelled", false);
    this.onCancel?.();
  }

  /** Nothing while the controller keeps up with what is written. */
  drained(): Promise<void> | undefined {
    return this.#output.drained();
  }

  #end(): void {
    this.ended = true;
    if (this.#asked) for (const id of this.#asked.keys()) this.decided(id, null);
    this.onEnd?.();
  }
}
