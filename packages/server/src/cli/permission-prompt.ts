import { styleText } from "node:util";
import { Refusal, visibleText } from "@skep/client";
import type { Conversation } from "@skep/client";
import type { Permission } from "@skep/protocol";
import { outcomeOf } from "./permission-commands.ts";

/** Asks the person at the terminal what a bot may do, one request after the other. */
export class PermissionPrompt {
  readonly #conversation: Pick<Conversation, "decide">;
  readonly #write: (text: string) => void;
  readonly #waiting = new Map<string, Permission>();
  #asked: Permission | null = null;

  constructor(conversation: Pick<Conversation, "decide">, write: (text: string) => void) {
    this.#conversation = conversation;
    this.#write = write;
  }

  /** A request is new, or somebody has decided. */
  changed(permission: Permission): void {
    if (permission.state === "pending") this.#waiting.set(permission.id, permission);
    else {
      this.#waiting.delete(permission.id);
      this.#write(styleText("dim", `(${outcomeOf(permission)})\n`));
      if (this.#asked?.id === permission.id) this.#asked = null;
    }
    if (!this.#asked) this.#next();
  }

  /** The turn is over. */
  end(): void {
    this.#waiting.clear();
    this.#asked = null;
  }

  #next(): void {
    const [permission] = this.#waiting.values();
    if (!permission) return;
    this.#asked = permission;
    const { bot, title, detail, options } = permission;
    this.#write(`\n${styleText("bold", `${bot} asks: ${visibleText(title)}`)}\n`);
    if (detail !== "") this.#write(`${visibleText(detail).replaceAll(/^/gm, "  ")}\n`);
    for (const [index, { label }] of options.entries()) this.#write(`  ${styleText("bold", String(index + 1))} ${visibleText(label)}\n`);
    this.#write(`1 to ${options.length}> `);
  }

  /** What the person has typed while a bot works: the number, id or label of an option. */
  async line(text: string): Promise<void> {
    const permission = this.#asked;
    const said = text.trim();
    if (!permission || said === "") return;
    const { options } = permission;
    const option = options[Number(said) - 1] ?? options.find(({ id, label }) => id === said || label.toLowerCase() === said.toLowerCase());
    if (!option) return this.#write(`Type a number from 1 to ${options.length}> `);
    try {
      await this.#conversation.decide(permission.id, option.id);
    } catch (error) {
      this.#write(`${styleText("red", error instanceof Refusal ? error.message : "no connection; try again")}\n`);
    }
  }
}
