import fc from "fast-check";
import { Lexer } from "marked";
import { expect, test } from "vitest";
import { lexerOptions } from "./maths-rules.ts";
import { type Blocks, blocksOf, noBlocks } from "./blocks.ts";

const bits = fc.constantFrom(
  "# head\n",
  "word ",
  "\n",
  "\n\n",
  "- item\n",
  "  - inner\n",
  "1. one\n",
  "    indented\n",
  "```js\n",
  "```\n",
  "~~~\n",
  "> quote\n",
  "| a | b |\n|---|---|\n| 1 | 2 |\n",
  "<div>\n",
  "</div>\n",
  "<!-- ",
  "-->\n",
  "---\n",
  "===\n",
  "[x]: http://a.b\n",
  "\r\n",
  "\ttab\n",
  "👩‍👩‍👧 ",
  "$$",
  "$$\n",
  "$x$ ",
  "\\[\n",
  "x \\]\n",
);

test("an answer that grows has the same blocks as the whole text at once, wherever it is cut into pieces", () => {
  fc.assert(
    fc.property(fc.array(bits, { maxLength: 40 }), (pieces) => {
      let text = "";
      let grown: Blocks = noBlocks;
      for (const piece of pieces) {
        text += piece;
        grown = blocksOf(text, grown);
        expect(grown.blocks.map(({ at, raw }) => [at, raw])).toEqual(blocksOf(text).blocks.map(({ at, raw }) => [at, raw]));
      }
    }),
    { numRuns: 300 },
  );
});

test.each([
  ["table", `| a | b |\n|---|---|\n`, (i: number) => `| row ${i} | **some** |\n`],
  ["list", "", (i: number) => `- point ${i} has **something** to say\n`],
])("a %s that is too long to be looked through grows as if it came at once, and ends where it ends", (_, head, part) => {
  let text = head + Array.from({ length: 4000 }, (_, i) => part(i)).join("");
  let grown = blocksOf(text);
  const more = `${Array.from({ length: 20 }, (_, i) => part(i)).join("")}\n${part(1)}${part(2)}# head\n\n${part(3)}`;
  for (let at = 0; at < more.length; at += 17) {
    text += more.slice(at, at + 17);
    grown = blocksOf(text, grown);
    // Of a space at the end of a list the lexer makes a line end; neither is seen.
    const seen = ({ blocks }: Blocks): unknown[] => blocks.map((block) => ({ ...block, raw: block.raw.trimEnd() }));
    expect(seen(grown)).toEqual(seen(blocksOf(text)));
  }
});

test("of a long answer, a new piece leaves all blocks but the last ones the very same", () => {
  const text = Array.from({ length: 200 }, (_, i) => `Paragraph ${i}.\n\n`).join("");
  const before = blocksOf(text);
  const after = blocksOf(`${text}More.`, before);
  expect(after.blocks.slice(0, 190).every((block, i) => block === before.blocks[i])).toBe(true);
});

test("texts and paragraphs that are too long to be looked through are shown whole, as they are", () => {
  const paragraph = "🐝*".repeat(8000);
  const { blocks } = blocksOf(`# Head\n\n${paragraph}\n\nend`);
  expect(
    blocks
      .filter(({ plain }) => plain)
      .map(({ raw }) => raw)
      .join("")
      .trimEnd(),
  ).toBe(paragraph);
  expect(blocks.every(({ raw }) => raw.isWellFormed())).toBe(true);
  const huge = "line of text\n".repeat(40_000);
  expect(
    blocksOf(huge)
      .blocks.map(({ raw }) => raw)
      .join(""),
  ).toBe(huge);
});

test.each([
  "[".repeat(20_000),
  "*".repeat(20_000),
  "![".repeat(10_000),
  "> ".repeat(5000),
  "- ".repeat(5000),
  "`".repeat(19_999),
  "_a ".repeat(7000),
  "<".repeat(20_000),
  "|a".repeat(9000),
  "a@".repeat(9000),
  "\\".repeat(20_000),
  "&#".repeat(9000),
  `${"a.a".repeat(7000)}@`,
  "1. ".repeat(6000),
  "$".repeat(16_000),
  "$a".repeat(8000),
  "$a ".repeat(5000),
  "$$\na\n".repeat(3000),
  "\\(a".repeat(4000),
  "a\n$$b\n".repeat(2500),
])("text that is made to be slow is not: %.6s…", (text) => {
  const started = performance.now();
  for (const { raw, plain } of blocksOf(text).blocks) {
    if (plain) continue;
    try {
      new Lexer(lexerOptions()).lex(raw);
    } catch (error) {
      // Nested too deep: the page shows the block as it was written.
      expect(error).toBeInstanceOf(RangeError);
    }
  }
  expect(performance.now() - started).toBeLessThan(3000);
});
