/**
 * Where maths begins and ends in Markdown: `$…$` and `\(…\)` in a line, `$$…$$` and `\[…\]` in one or on lines of their own. A price is none:
 * behind the first sign and before the last one stands no space, no letter or digit touches them from outside, and what reads as words is text.
 */
import type { MarkedOptions, Token, TokenizerThis, Tokens } from "marked";

export interface MathsToken extends Tokens.Generic {
  type: "maths";
  /** As the person or the bot wrote it, with its signs. */
  raw: string;
  /** The formula itself, in TeX. */
  text: string;
  display: boolean;
}

const longestInLine = 1000;
const longestBlock = 8000;

const token = (raw: string, text: string, display: boolean): MathsToken => ({ type: "maths", raw, text, display });

/** "5, or 10" and "HOME for all of them" stand between dollars too. */
const isProse = (text: string): boolean => /\s/.test(text) && /[a-z]{2,}/i.test(text) && !/[\\^_{}=<>+]/.test(text);

const inDollars = /^\$((?:[^$`\\\n]|\\[^\n]|\n(?![ \t]*\n))+)\$(?![\w$])/;
const inTwoDollars = /^\$\$(?!\$)((?:[^$\n]|\n(?![ \t]*\n))+?)\$\$(?!\$)/;
const inBrackets = /^\\\(((?:[^\n]|\n(?![ \t]*\n))+?)\\\)/;
const inSquareBrackets = /^\\\[((?:[^\n]|\n(?![ \t]*\n))+?)\\\]/;

function inLine(this: TokenizerThis, source: string, before: Token[] = []): MathsToken | undefined {
  const first = source[0];
  if (first !== "$" && first !== "\\") return undefined;
  const near = source.slice(0, longestInLine);
  if (first === "\\") {
    const found = inBrackets.exec(near);
    if (found) return token(found[0], found[1] ?? "", false);
    const display = inSquareBrackets.exec(near);
    return display ? token(display[0], display[1] ?? "", true) : undefined;
  }
  const display = inTwoDollars.exec(near);
  if (display) return token(display[0], display[1] ?? "", true);
  if (/[\w$]$/.test(before.at(-1)?.raw ?? "")) return undefined;
  const [raw, text] = inDollars.exec(near) ?? [];
  return raw === undefined || text === undefined || text !== text.trim() || isProse(text) ? undefined : token(raw, text, false);
}

const opening = /^ {0,3}(?:\$\$(?!\$)|\\\[)/;
const oneLine = /^ {0,3}(?:\$\$([^$\n]+)\$\$|\\\[([^\n]+?)\\\])[ \t]*(?:\n|$)/;
const openingLine = /^ {0,3}(\$\$|\\\[)[ \t]*\n/;

/**
 * Lines that begin with the signs alone go up to those that end it, or to an empty line. Without its end it is text: so the block is the
 * same however much of what follows is known.
 */
function block(this: TokenizerThis, source: string): MathsToken | Tokens.Paragraph | undefined {
  if (!opening.test(source)) return undefined;
  const whole = oneLine.exec(source);
  if (whole) return token(whole[0], whole[1] ?? whole[2] ?? "", true);
  const open = openingLine.exec(source);
  if (!open) return undefined;
  const last = open[1] === "$$" ? /\$\$[ \t]*$/ : /\\\][ \t]*$/;
  let at = open[0].length;
  while (at < source.length) {
    const end = source.indexOf("\n", at);
    const next = end < 0 ? source.length : end + 1;
    const line = source.slice(at, end < 0 ? source.length : end);
    if (line.trim() === "") break;
    const closes = last.exec(line);
    at = next;
    if (!closes) continue;
    const raw = source.slice(0, at);
    const text = source.slice(open[0].length, at - (next - (end < 0 ? source.length : end)) - closes[0].length);
    return text.length > longestBlock ? asWritten(raw) : token(raw, text, true);
  }
  return asWritten(source.slice(0, at));
}

function asWritten(raw: string): Tokens.Paragraph {
  return { type: "paragraph", raw, text: raw, tokens: [{ type: "text", raw, text: raw, escaped: false }] };
}

/** A paragraph ends where lines of maths begin. */
function nextBlock(source: string): number | undefined {
  const end = source.indexOf("\n\n");
  const at = (end < 0 ? source : source.slice(0, end)).search(/\n {0,3}(?:\$\$(?!\$)|\\\[)/);
  return at < 0 ? undefined : at;
}

const nextInLine = (source: string): number => source.indexOf("$");

/** Fresh ones for each lexer: it writes into them. */
export const lexerOptions = (): MarkedOptions => ({
  gfm: true,
  // What `marked.use` makes of extensions; the lexer reads no more than this.
  extensions: {
    renderers: {},
    childTokens: {},
    block: [block],
    startBlock: [nextBlock],
    inline: [inLine],
    startInline: [nextInLine],
  },
});
