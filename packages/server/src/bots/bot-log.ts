import type { LogLine } from "./api.ts";

const lines = 500;
const characters = 2000;

/** The last lines of a bot, bounded in number and length (B8). */
export class BotLog {
  #lines: LogLine[] = [];

  add(line: LogLine): void {
    this.#lines.push(line.text.length > characters ? { ...line, text: `${line.text.slice(0, characters)}…` } : line);
    if (this.#lines.length > lines * 2) this.#lines = this.#lines.slice(-lines);
  }

  newest(limit: number): LogLine[] {
    return this.#lines.slice(-Math.min(limit, lines));
  }
}
