/**
 * One attempt at one turn, as a driver sees it.
 *
 * running --answer | failure--> ended; running --cancel--> ended, unless the driver ends cancelled turns itself (`onCancelRequest`):
 * running --cancel--> cancelRequested --answer | failure--> ended.
 *
 * Promises: exactly one line ends it, and nothing follows that line; no delta ends between the two halves of a character, and
 * no unpaired surrogate leaves the process, so that what is stored is what was streamed; who asks for permission gets an answer, at the
 * latest when the turn ends.
 */
import type { FromBot, HistoryEntry, PlanPart, ToBot, ToolPart, TurnFile } from "@skep/protocol/bot";
import type { Output } from "./output.ts";

type TurnLine = Extract<ToBot, { type: "turn" }>;
export type PermissionQuestion = Omit<Extract<FromBot, { type: "permission" }>, "type" | "turn">;

const noFiles: readonly TurnFile[] = [];

export class RunningTurn {
  readonly id: string;
  readonly attempt: number;
  readonly conversation: string;
  readonly text: string;
  readonly files: readonly TurnFile[];
  readonly history: readonly HistoryEntry[];
  /** Has anything of the answer been streamed? */
  streamed = false;
  ended = false;
  /** Set by the driver: called once when the turn is cancelled, to stop what is under way. */
  onCancel: (() => void) | undefined = undefined;
  /** Set instead by a driver that has to wait until its work has stopped: called once, and the driver ends the turn. */
  onCancelRequest: (() => void) | undefined = undefined;
  cancelRequested = false;
  /** Set by the host: called once when the turn ends. */
  onEnd: (() => void) | undefined = undefined;
  readonly #output: Output;
  #half = "";
  #thought = { id: "", half: "" };
  /** Questions without a decision yet, by their ids. */
  #asked: Map<string, (option: string | null) => void> | undefined = undefined;

  constructor(line: TurnLine, output: Output) {
    this.id = line.turn;
    this.attempt = line.attempt;
    this.conversation = line.conversation;
    this.text = line.text;
    this.files = line.files ?? noFiles;
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

  /** Appends to the thought with this id. */
  thought(id: string, text: string): void {
    if (this.ended || text === "") return;
    let whole = (this.#thought.id === id ? this.#thought.half : "") + text;
    const last = whole.charCodeAt(whole.length - 1);
    const cut = last >= 0xd800 && last <= 0xdbff;
    this.#thought = { id, half: cut ? whole.slice(-1) : "" };
    if (cut) whole = whole.slice(0, -1);
    if (whole !== "") this.#output.write({ type: "thought", turn: this.id, id, text: whole.toWellFormed() });
  }

  /** The texts in it must be well-formed. */
  part(part: ToolPart | PlanPart): void {
    if (!this.ended) this.#output.write({ type: "part", turn: this.id, part });
  }

  /**
   * @param question its id is unique within the attempt
   * @returns the id of the option that was decided for; null is a refusal: nobody decided in time, or the turn was cancelled or has ended
   */
  permission(question: PermissionQuestion): Promise<string | null> {
    if (this.ended || this.cancelRequested) return Promise.resolve(null);
    const { id, limitMs } = question;
    this.#output.write({ type: "permission", turn: this.id, ...question });
    return new Promise((resolve) => {
      const timer = limitMs === undefined ? undefined : setTimeout(() => this.decided(id, null), limitMs);
      this.#asked ??= new Map();
      this.#asked.set(id, (option) => {
        clearTimeout(timer);
        resolve(option);
      });
    });
  }

  /** Called by the host. A decision that comes too late, or a second one, does nothing. */
  decided(id: string, option: string | null): void {
    const resolve = this.#asked?.get(id);
    this.#asked?.delete(id);
    resolve?.(option);
  }

  #refuseAll(): void {
    if (this.#asked) for (const id of this.#asked.keys()) this.decided(id, null);
  }

  /** Ends the turn at once, and the driver hears of it through `onCancel`; or asks the driver to end it. */
  cancel(): void {
    if (this.ended || this.cancelRequested) return;
    if (this.onCancelRequest) {
      this.cancelRequested = true;
      this.#refuseAll();
      this.onCancelRequest();
      return;
    }
    this.failure("Cancelled", false);
    this.onCancel?.();
  }

  /** Nothing while the controller keeps up with what is written. */
  drained(): Promise<void> | undefined {
    return this.#output.drained();
  }

  #end(): void {
    this.ended = true;
    this.#refuseAll();
    this.onEnd?.();
  }
}
