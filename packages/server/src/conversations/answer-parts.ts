import type { Part, PlacedPart, PlanPart, ToolPart } from "@skep/protocol";
import { encodePart, encodeThought } from "./encode.ts";
import { bytesOf, cleanPlan, cleanTool, cutMark, fit, partId } from "./fit-part.ts";

const mostParts = 5000;
const endsInHighSurrogate = /[\uD800-\uDBFF]$/;

interface Entry {
  at: number;
  part: Part;
  bytes: number;
  /** `version` after its last change. */
  changed: number;
  /** Of a thought: how much of it was there at the version that was told last (UTF-16 units). */
  told: number;
  /** Half of a character that the thought's next piece completes. */
  carry: string;
  /** Nothing more is taken. */
  full: boolean;
}

/**
 * The parts of one attempt while it runs, each in the place where it began. Kept once; a reader owns one number, the version up to which it has
 * been told (C4): whoever is in step is sent what was added to a thought, whoever was behind is sent what has changed, whole.
 */
export class AnswerParts {
  version = 0;
  readonly #entries: Entry[] = [];
  readonly #byId = new Map<string, Entry>();
  readonly #most: number;
  #bytes = 0;
  #more = false;
  #toldVersion = 0;
  #encoded: { from: number; to: number; messages: readonly string[] } = { from: -1, to: -1, messages: [] };

  /** @param most UTF-8 bytes of all of them, as JSON */
  constructor(most: number) {
    this.#most = most;
  }

  /** @param at length of the text so far */
  thought(id: string, piece: string, at: number): void {
    const key = partId(id);
    let entry = this.#byId.get(key);
    if (!entry) entry = this.#add({ type: "thought", id: key, text: "" }, at);
    if (!entry || entry.part.type !== "thought" || entry.full) return;
    let text = entry.carry + piece;
    entry.carry = endsInHighSurrogate.test(text) ? text.slice(-1) : "";
    if (entry.carry !== "") text = text.slice(0, -1);
    text = text.toWellFormed();
    const bytes = bytesOf(text) - 2;
    if (bytes > this.#most - this.#bytes) {
      text = cutMark;
      entry.full = true;
    } else this.#grow(entry, bytes);
    entry.part.text += text;
    entry.changed = ++this.version;
  }

  put(given: ToolPart | PlanPart, at: number): void {
    const clean = given.type === "tool" ? cleanTool(given) : cleanPlan(given);
    const entry = this.#byId.get(clean.id);
    if (!entry) {
      const part = fit(clean, this.#most - this.#bytes);
      if (part) this.#add(part, at);
      else this.#markMore(at);
      return;
    }
    if (entry.part.type === "thought") return;
    let part: Part | null = fit(clean, this.#most - this.#bytes + entry.bytes);
    // No room for what is new of it; how it stands is told all the same.
    if (!part && entry.part.type === "tool" && clean.type === "tool") part = { ...entry.part, state: clean.state };
    if (!part) return;
    entry.part = part;
    this.#grow(entry, bytesOf(part) - entry.bytes);
    entry.changed = ++this.version;
  }

  #add(part: Part, at: number): Entry | undefined {
    if (this.#entries.length >= mostParts || this.#bytes >= this.#most) {
      this.#markMore(at);
      return undefined;
    }
    const entry = { at, part, bytes: 0, changed: ++this.version, told: 0, carry: "", full: false };
    this.#grow(entry, bytesOf(part));
    this.#entries.push(entry);
    this.#byId.set(part.id, entry);
    return entry;
  }

  #grow(entry: Entry, bytes: number): void {
    entry.bytes += bytes;
    this.#bytes += bytes;
  }

  /** The last part says that there was more. */
  #markMore(at: number): void {
    if (this.#more) return;
    this.#more = true;
    const part: Part = { type: "thought", id: "…", text: "More was thought and done than is kept here." };
    this.#entries.push({ at, part, bytes: 0, changed: ++this.version, told: 0, carry: "", full: true });
  }

  /** What a reader that was told everything up to `version` is to be sent, encoded once for all that are there. */
  changesFrom(version: number, conversation: string, turn: string, stream: string): readonly string[] {
    const known = this.#encoded;
    if (known.from === version && known.to === this.version) return known.messages;
    const inStep = version === this.#toldVersion;
    const messages: string[] = [];
    for (const [index, entry] of this.#entries.entries()) {
      if (entry.changed <= version) continue;
      const { at, part } = entry;
      const place = { turn, stream, index, at };
      if (part.type === "thought") {
        const offset = inStep ? entry.told : 0;
        messages.push(encodeThought(conversation, place, part.id, offset, part.text.slice(offset)));
        entry.told = part.text.length;
      } else messages.push(encodePart(conversation, place, part));
    }
    // A thought that this reader knew already may be further than at the version that was told before.
    if (!inStep) {
      for (const entry of this.#entries) if (entry.part.type === "thought") entry.told = entry.part.text.length;
    }
    this.#toldVersion = this.version;
    this.#encoded = { from: version, to: this.version, messages };
    return messages;
  }

  /** JSON of all of them, for the message that ends the turn; null when there are none. */
  stored(): string | null {
    if (this.#entries.length === 0) return null;
    return JSON.stringify(this.#entries.map(({ at, part }): PlacedPart => ({ at, part })));
  }
}
