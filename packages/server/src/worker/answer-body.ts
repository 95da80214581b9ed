/** How the two bodies of an answer are read, whatever their events and fields mean: server-sent events, and one JSON body of a server that does not stream. */
import type { Fields } from "./json-fields.ts";
import { parseFields } from "./json-fields.ts";
import { garbage } from "./model-failure.ts";
import type { AnswerReader } from "./model-turn.ts";
import { sseParser } from "./sse-parser.ts";

const eventLimit = 1024 * 1024;
const openingLength = 80;
const bodyLimit = 16 * 1024 * 1024;

type Push = AnswerReader["push"];

export interface EventBody {
  push: Push;
  /** @throws ModelFailure when the body was something else than events */
  end(): void;
}

/** @param read one event's data */
export function eventBody(read: (data: string, onText: Parameters<Push>[1], onThought: Parameters<Push>[2]) => void): EventBody {
  const events = sseParser();
  /** Until the first event: how the body begins. */
  let opening: string | null = "";
  return {
    push(chunk, onText, onThought) {
      if (opening !== null && opening.length < openingLength) opening += chunk;
      events.push(chunk, (data) => {
        opening = null;
        read(data, onText, onThought);
      });
      if (events.pending.length > eventLimit) throw garbage(events.pending);
    },
    end() {
      if (opening !== null && opening.trim() !== "") throw garbage(opening);
    },
  };
}

export interface WholeBody {
  push: (chunk: string) => void;
  /** @throws ModelFailure when it is no JSON object */
  end(): { fields: Fields; raw: string };
}

export function wholeBody(): WholeBody {
  let raw = "";
  return {
    push(chunk) {
      raw += chunk;
      if (raw.length > bodyLimit) throw garbage(raw);
    },
    end() {
      const fields = parseFields(raw);
      if (!fields) throw garbage(raw);
      return { fields, raw };
    },
  };
}
