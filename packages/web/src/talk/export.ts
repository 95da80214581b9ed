import type { Client } from "@skep/client";
import type { Conversation, Message } from "@skep/protocol";
import { visibleText } from "../text/visible.tsx";
import { sizeText } from "./file-size.ts";

const pageSize = 500;

async function* everyMessage(client: Client, id: string): AsyncGenerator<Message> {
  let after = 0;
  for (;;) {
    const path = `/api/conversations/${encodeURIComponent(id)}/messages?after=${after}&limit=${pageSize}`;
    const { messages } = (await client.call("GET", path)) as { messages: Message[] };
    yield* messages;
    const last = messages.at(-1);
    if (!last || messages.length < pageSize) return;
    after = last.seq;
  }
}

/** One message in Markdown: bot answers are Markdown already, what a person wrote is quoted so that it stays as it was. */
function markdownOf({ role, author, text, createdAt, outcome, files = [] }: Message): string {
  const ending = outcome === undefined || outcome === "completed" ? "" : ` (${outcome})`;
  const named = files.map((file) => `(file: ${visibleText(file.name)}, ${sizeText(file.size)})`);
  const body =
    role === "person"
      ? [text, ...named]
          .join("\n")
          .split("\n")
          .map((line) => `> ${line}`)
          .join("\n")
      : text;
  return `**${author}**, ${createdAt}${ending}\n\n${body}\n`;
}

/** The whole conversation as a file, fetched page by page. */
export async function exportConversation(client: Client, conversation: Conversation, format: "markdown" | "json"): Promise<void> {
  const pieces: string[] = [];
  if (format === "markdown") {
    pieces.push(`# ${conversation.title || "Conversation"}\n\nWith ${conversation.bot}, begun ${conversation.createdAt}\n`);
    for await (const message of everyMessage(client, conversation.id)) pieces.push(`\n${markdownOf(message)}`);
  } else {
    const head = JSON.stringify(conversation).slice(0, -1);
    pieces.push(`${head},"messages":[`);
    let first = true;
    for await (const message of everyMessage(client, conversation.id)) {
      pieces.push(`${first ? "" : ","}\n${JSON.stringify(message)}`);
      first = false;
    }
    pieces.push("\n]}\n");
  }
  const type = format === "markdown" ? "text/markdown" : "application/json";
  const address = URL.createObjectURL(new Blob(pieces, { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${fileName(conversation)}.${format === "markdown" ? "md" : "json"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const fileName = ({ title, id }: Conversation): string =>
  title
    .replaceAll(/[^\p{L}\p{N}]+/gu, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 60) || id;
