/** Long answers in Markdown: of everything, and each of one thing that goes on and on, so that the block that is written never ends. */
export type Shape = keyof typeof shapes;

const section = (i: number): string => `## Section ${i}

The hive has **${i} frames**, of which *${i % 7}* are empty; see [the list](https://example.org/${i}) and \`frame[${i}]\`.
Every bee knows that $a_${i % 10} = ${i}$, and that it costs $5 and $10.

- first, with some more words about it
- second, [linked](https://example.org/second/${i})
  - and one inside

\`\`\`ts
export function frame${i}(bees: readonly Bee[]): number {
  // Counts those that are at home.
  return bees.filter((bee) => bee.home === ${i}).length + ${i};
}
\`\`\`

| day | bees | honey |
|---|--:|---|
| Monday | ${i * 3} | little |
| Tuesday | ${i * 5} | **much** |

`;

const shapes = {
  everything: { head: "", part: section },
  code: { head: "```ts\n", part: (i: number): string => `const bee${i} = new Bee("${i}", { home: ${i % 9}, honey: ${i * 3} });\n` },
  table: { head: "| day | bees | honey |\n|---|--:|---|\n", part: (i: number): string => `| day ${i} | ${i * 3} | **some** of \`it\` |\n` },
  list: { head: "", part: (i: number): string => `- point ${i} has **something** to say, and [a link](https://example.org/${i})\n` },
  paragraphs: { head: "", part: (i: number): string => `Paragraph ${i} is one line with *some* words and \`code\`.\n\n` },
} as const;

/** @param bytes how long it is, all of it ASCII */
export function answerOf(shape: Shape, bytes: number): string {
  const { head, part } = shapes[shape];
  let text: string = head;
  for (let i = 1; text.length < bytes; i++) text += part(i);
  return text.slice(0, bytes);
}
