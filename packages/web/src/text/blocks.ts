/**
 * Markdown in blocks, so that an answer that grows costs only its last one. What a block looks like is decided when it is drawn
 * (`block-view.tsx`); here is only where it begins and ends.
 */
import { Lexer, type Token } from "marked";
import { lexerOptions } from "./maths-rules.ts";

export interface Block {
  /** Where it begins in the text, in UTF-16 code units; its name for as long as the text only grows. */
  at: number;
  raw: string;
  /** Too long to look for markup in it at every change: shown as it is. */
  plain: boolean;
  /** Of a table or a list that is too long: how its next line begins for sure, when it goes on. */
  mark?: string;
  /** It is code that has no end yet: the sign that would end it. */
  fence?: string;
}

export interface Blocks {
  text: string;
  blocks: readonly Block[];
  /** Targets of links that are written as `[text][name]`, by name. Null when there are none. */
  links: Links | null;
}

export type Links = Readonly<Record<string, { href: string; title: string }>>;

/** Longer ones are shown as they are: looking for markup in them can take longer than people wait. */
const longestText = 300_000;
const longestBlock = 60_000;
const longestParagraph = 16_000;
const longestLine = 6_000;
const plainPiece = 8_000;

export const noBlocks: Blocks = { text: "", blocks: [], links: null };

/** @param before of an earlier beginning of this text: what cannot change any more is taken from it */
export function blocksOf(text: string, before: Blocks = noBlocks): Blocks {
  if (text === before.text) return before;
  if (text.length > longestText) return { text, blocks: plainBlocks(text, 0), links: null };
  // A comparison of whole strings takes a fraction of the time of `startsWith`.
  const grows = before.blocks.length > 2 && text.slice(0, before.text.length) === before.text;
  const longer = grows ? (moreCode(text, before) ?? moreLines(text, before)) : null;
  if (longer) return longer;
  // The last block may go on, and the one before it may swallow it: a list takes in what follows after an empty line.
  const kept = grows ? before.blocks.slice(0, lastSettled(before.blocks)) : [];
  let at = kept.length > 0 ? (before.blocks[kept.length]?.at ?? 0) : 0;
  const blocks = [...kept];
  let links = kept.length > 0 ? before.links : null;
  for (const token of tokensOf(text.slice(at))) {
    const { raw } = token;
    if (token.type === "def")
      links = { ...links, [String(token["tag"])]: { href: String(token["href"]), title: String(token["title"] ?? "") } };
    else if (isTooLong(token)) blocks.push(...plainBlocks(raw, at, markOf(token)));
    else if (token.type !== "space") blocks.push(token.type === "code" ? codeBlock(at, raw) : { at, raw, plain: false });
    at += raw.length;
  }
  return { text, blocks, links };
}

const fenceOf = /^(`{3,}(?=[^`\n]*\n)|~{3,}(?=[^\n]*\n))/;

function codeBlock(at: number, raw: string): Block {
  const fence = fenceOf.exec(raw)?.[0];
  if (fence === undefined || endsIn(raw, raw.indexOf("\n"), fence)) return { at, raw, plain: false };
  return { at, raw, plain: false, fence };
}

/** Is there a line behind this place that may end the code? */
function endsIn(raw: string, from: number, fence: string): boolean {
  for (let at = raw.indexOf(fence, from); at >= 0; at = raw.indexOf(fence, at + 1)) {
    if (raw.slice(raw.lastIndexOf("\n", at) + 1, at).trim() === "") return true;
  }
  return false;
}

/** The blocks of a text that has grown by nothing but more lines of the code at its end: nothing is looked through but what is new. */
function moreCode(text: string, before: Blocks): Blocks | null {
  const last = before.blocks.at(-1);
  if (last?.fence === undefined || last.at + last.raw.length !== before.text.length) return null;
  const known = last.raw.length;
  const raw = last.raw + text.slice(before.text.length);
  if (text.includes("\r", before.text.length - 1) || endsIn(raw, raw.lastIndexOf("\n", known - 1), last.fence)) return null;
  return { ...before, text, blocks: [...before.blocks.slice(0, -1), { ...last, raw }] };
}

function tokensOf(text: string): Token[] {
  // Line ends of other systems are as long as ours here, so that places stay places of the text.
  const even = text.replaceAll("\r\n", " \n").replaceAll("\r", "\n");
  try {
    const tokens = new Lexer(lexerOptions()).blockTokens(even, []);
    if (tokens.reduce((sum, { raw }) => sum + raw.length, 0) === text.length) return tokens;
  } catch {
    // Nested deeper than the lexer can follow.
  }
  return [{ type: "paragraph", raw: even, text: even }];
}

function isTooLong({ type, raw }: Token): boolean {
  if (type === "code") return false;
  if (raw.length > (type === "paragraph" ? longestParagraph : longestBlock)) return true;
  return raw.length > longestLine && raw.split("\n").some((line) => line.length > longestLine);
}

/** How many of the blocks stay as they are whatever follows: all but the last two, and no fewer than up to one that is no list. */
function lastSettled(blocks: readonly Block[]): number {
  let count = Math.max(0, blocks.length - 2);
  const open = ({ raw, mark }: Block): boolean => mark !== undefined || /^ {0,3}([-*+]|\d{1,9}[.)])\s/.test(raw);
  while (count > 0 && open(blocks[count - 1] as Block)) count--;
  return count;
}

function markOf({ type, raw }: Token): string | undefined {
  if (type === "table") return "|";
  return type === "list" ? /^[-*+] /.exec(raw)?.[0] : undefined;
}

/** The blocks of a text that has grown by nothing but more rows of the table, or points of the list, at its end, which is too long already. */
function moreLines(text: string, before: Blocks): Blocks | null {
  const last = before.blocks.at(-1);
  const known = before.text.length;
  if (last?.mark === undefined || last.at + last.raw.length !== known) return null;
  const { mark } = last;
  const from = text.lastIndexOf("\n", known - 1) + 1;
  if (from < last.at || text.includes("\r", from)) return null;
  // After an empty line something else may begin, and a line of nothing but signs is a rule.
  if (text.slice(text.lastIndexOf("\n", from - 2) + 1, from).trim() === "") return null;
  const lines = text.slice(from).split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (!lines.every((line) => line.startsWith(mark) && (mark === "|" || /[\p{L}\p{N}]/u.test(line.charAt(mark.length))))) return null;
  return { ...before, text, blocks: [...before.blocks.slice(0, -1), ...plainBlocks(text.slice(last.at), last.at, mark)] };
}

function plainBlocks(text: string, from: number, mark?: string): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + plainPiece);
    const line = text.lastIndexOf("\n", end);
    if (end < text.length && line > at) end = line + 1;
    // Never between the halves of a character.
    else if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1] ?? "")) end--;
    blocks.push({ at: from + at, raw: text.slice(at, end), plain: true, ...(mark === undefined ? {} : { mark }) });
    at = end;
  }
  return blocks;
}
