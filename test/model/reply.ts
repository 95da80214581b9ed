/** What the stand-in answers: worth reading for somebody who tries things out without a model, and plain about what it is. */
export interface ChatMessage {
  role: string;
  content: string;
}

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;

const contentOf = (messages: readonly ChatMessage[], role: string): string =>
  messages.findLast((message) => message.role === role)?.content ?? "";

function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 120 ? `${line.slice(0, 120).toWellFormed()}…` : line;
}

const samples: readonly [RegExp, string][] = [
  [
    /\b(code|program|function)\b/i,
    '\n\nYou asked about code, so here is some:\n\n```js\nconst greet = (name) => `Hello, ${name}!`;\nconsole.log(greet("bees"));\n```',
  ],
  [
    /\btable\b/i,
    "\n\nYou asked about a table:\n\n| bee | work |\n|---|---|\n| queen | lays eggs |\n| worker | does the rest |\n| drone | waits |",
  ],
  [
    /\b(long|story)\b/i,
    `\n\n${Array.from(
      { length: 12 },
      (_, index) => `${index + 1}. A bee leaves the hive, finds a field, comes back and dances about it; the others read the dance and go.`,
    ).join("\n")}`,
  ],
];

/** A short answer in markdown. The same messages always get the same answer. */
export function replyTo(messages: readonly ChatMessage[]): string {
  const question = contentOf(messages, "user");
  const system = contentOf(messages, "system");
  const earlier = messages.filter((message) => message.role !== "system").length - 1;
  const words = question.trim() === "" ? 0 : question.trim().split(/\s+/).length;
  const sample = samples.find(([pattern]) => pattern.test(question))?.[1] ?? "";
  return [
    `You said: *${excerpt(question)}*\n\n`,
    "I am a **stand-in** and not a model: I know nothing, but I read everything that reaches me.\n\n",
    `- Your message has ${plural(words, "word")}.\n`,
    earlier > 0 ? `- I saw ${plural(earlier, "earlier message")} of this conversation.\n` : "- It is the first message that I see.\n",
    system === "" ? "- Nobody gave me a system prompt." : `- My system prompt says: "${excerpt(system)}"`,
    sample,
    sample === "" ? "\n\nTry a message with the word *code*, *table* or *story*." : "",
  ].join("");
}

/** Pieces as a model would send them: a word with the space before it. */
export const tokensOf = (text: string): string[] => text.match(/\s*\S+|\s+$/g) ?? [];
