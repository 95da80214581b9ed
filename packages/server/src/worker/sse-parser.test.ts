import * as fc from "fast-check";
import { expect, test } from "vitest";
import { sseParser } from "./sse-parser.ts";

const parse = (chunks: readonly string[]): string[] => {
  const parser = sseParser();
  const events: string[] = [];
  for (const chunk of chunks) parser.push(chunk, (data) => events.push(data));
  return events;
};

/** As a response gives it: bytes cut anywhere, put together into text again. */
function chunked(text: string, cuts: readonly number[]): string[] {
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  const chunks: string[] = [];
  let from = 0;
  for (const place of [...places, bytes.length]) {
    chunks.push(decoder.decode(bytes.subarray(from, place), { stream: true }));
    from = place;
  }
  return chunks;
}

test("the data of events, one or more lines, with and without the space", () => {
  expect(parse(["data: a\n\ndata:b\ndata: c\n\ndata:  d\n\n"])).toEqual(["a", "b\nc", " d"]);
});

test("comments, other fields and events without data are left out", () => {
  expect(parse([": ping\n\nevent: x\nid: 1\ndata: a\nretry: 5\n\nevent: y\n\ndata\n\n"])).toEqual(["a", ""]);
});

test("an event that has not ended does not count", () => {
  expect(parse(["data: a\n\ndata: b\n"])).toEqual(["a"]);
});

test("a byte order mark is not part of the first field", () => {
  expect(parse(["\ufeffdata: a\n\n"])).toEqual(["a"]);
});

test("[T2] line feeds, carriage returns or both, cut at any byte, give the same events", () => {
  const line = fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => text.replaceAll(/[\r\n]/g, ""));
  fc.assert(
    fc.property(
      fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { maxLength: 6 }),
      fc.constantFrom("\n", "\r\n", "\r"),
      fc.array(fc.nat(2000), { maxLength: 60 }),
      (events, end, cuts) => {
        const text = events.map((lines) => lines.map((each) => `data: ${each}${end}`).join("") + end).join("");
        expect(parse(chunked(text, cuts))).toEqual(events.map((lines) => lines.join("\n")));
      },
    ),
  );
});
