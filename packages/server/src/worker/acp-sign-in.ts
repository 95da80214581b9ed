/**
 * Whether the agent can work at all, or somebody has to do something first where the bot runs: sign in, or install it.
 *
 * fine --need--> needed --check finds nothing wrong | a prompt works--> fine.
 *
 * While it is needed, turns wait; it is checked again every `checkMs`. An agent that asks for a sign-in only when it is prompted cannot be checked:
 * then the turns that wait try.
 */
import type { Output } from "./output.ts";
import type { RunningTurn } from "./running-turn.ts";

export class SignIn {
  readonly #output: Output;
  readonly #checkMs: number;
  readonly #check: () => Promise<string | null>;
  /** What is to be done; null when nothing is. */
  #needed: string | null = null;
  #seenByPrompt = false;
  #timer: NodeJS.Timeout | undefined;
  #announced = false;
  readonly #waiting = new Set<() => void>();
  /** Turns of which people know that they wait. */
  readonly #told = new Set<RunningTurn>();

  /** @param check finds out what is needed; null: nothing */
  constructor(output: Output, checkMs: number, check: () => Promise<string | null>) {
    this.#output = output;
    this.#checkMs = checkMs;
    this.#check = check;
  }

  need(detail: string, seenByPrompt: boolean): void {
    this.#seenByPrompt = seenByPrompt;
    if (this.#needed !== detail) {
      this.#needed = detail;
      if (this.#announced) this.#output.write({ type: "login", needed: true, detail });
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#again(), this.#checkMs);
  }

  /** Called once the bot has said hello: a line before that would be nobody's. */
  announce(): void {
    this.#announced = true;
    if (this.#needed !== null) this.#output.write({ type: "login", needed: true, detail: this.#needed });
  }

  fine(): void {
    if (this.#needed === null) return;
    this.#needed = null;
    clearTimeout(this.#timer);
    if (this.#announced) this.#output.write({ type: "login", needed: false, detail: "" });
    for (const turn of this.#told) turn.status("running", "It goes on");
    this.#told.clear();
    this.#wake();
  }

  async #again(): Promise<void> {
    // A turn that is just trying has not found out yet.
    if (this.#seenByPrompt && [...this.#told].some((turn) => !turn.ended)) {
      this.need(this.#needed ?? "", true);
      this.#wake();
      return;
    }
    const needed = this.#seenByPrompt ? null : await this.#check();
    if (needed === null) this.fine();
    else this.need(needed, false);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }

  /** Waits while it is needed. A turn that is cancelled meanwhile has ended. */
  async pass(turn: RunningTurn): Promise<void> {
    if (this.#needed === null) return;
    if (!this.#told.has(turn)) turn.status("waiting", this.#needed);
    this.#told.add(turn);
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
      turn.onCancelRequest = () => {
        this.#waiting.delete(resolve);
        this.#told.delete(turn);
        turn.failure("Cancelled", false);
        resolve();
      };
    });
  }
}
