import type { StreamOutcome } from "@skep/protocol";
import { AnswerParts } from "./answer-parts.ts";
import { encodeDelta } from "./encode.ts";

const endsInHighSurrogate = /[\uD800-\uDBFF]$/;

/** The text of one attempt while it is written. Kept once, however many readers there are; each owns only an offset into it (C4, T1). */
export class Stream {
  readonly id: string;
  readonly turn: string;
  /** Set once, when the attempt is over (T4). */
  outcome: StreamOutcome | null = null;
  /** What it makes besides text. */
  parts: AnswerParts | null = null;
  readonly #publicId: string;
  #text = "";
  /** Half of a character that the next piece completes. */
  #carry = "";
  #bytes = 0;
  #encoded = { from: -1, to: -1, delta: "" };

  constructor(publicId: string, turn: string, id: string) {
    this.#publicId = publicId;
    this.turn = turn;
    this.id = id;
  }

  get text(): string {
    return this.#text;
  }

  /** UTF-8 bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  push(piece: string): void {
    let text = this.#carry + piece;
    this.#carry = "";
    if (endsInHighSurrogate.test(text)) {
      this.#carry = text.slice(-1);
      text = text.slice(0, -1);
    }
    text = text.toWellFormed();
    this.#text += text;
    this.#bytes += Buffer.byteLength(text);
  }

  /** @param most bytes of all its parts */
  partsWithin(most: number): AnswerParts {
    return (this.parts ??= new AnswerParts(most));
  }

  /** Messages for a reader that knows its parts up to this version. */
  partsFrom(version: number): readonly string[] {
    return this.parts?.changesFrom(version, this.#publicId, this.turn, this.id) ?? [];
  }

  /** Encoded once for all readers that are at the same offset. */
  deltaFrom(offset: number): string {
    const to = this.#text.length;
    if (this.#encoded.from !== offset || this.#encoded.to !== to) {
      this.#encoded = { from: offset, to, delta: encodeDelta(this.#publicId, this.turn, this.id, offset, this.#text.slice(offset)) };
    }
    return this.#encoded.delta;
  }
}
