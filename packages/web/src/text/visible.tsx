import type { ReactNode } from "react";

/**
 * Characters that steer instead of being read: terminal controls, embeddings and overrides of the writing direction, tags. A message may
 * not obey them, nor hide them: `visible` shows what is there. (Tags after a black flag are the flags of England, Scotland and Wales.)
 */
const steering =
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]|(?<!\u{1f3f4}[\u{e0020}-\u{e007f}]{0,8})[\u{e0000}-\u{e007f}]/gu;

const names: Readonly<Record<number, string>> = {
  0x202a: "LRE",
  0x202b: "RLE",
  0x202c: "PDF",
  0x202d: "LRO",
  0x202e: "RLO",
  0x2066: "LRI",
  0x2067: "RLI",
  0x2068: "FSI",
  0x2069: "PDI",
};

const hex = (code: number): string => `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;

/** How one of them is written. */
function picture(code: number): string {
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "␡";
  return `⟨${names[code] ?? hex(code)}⟩`;
}

/** The same as plain text. */
export const visibleText = (text: string): string => text.replace(steering, (found) => picture(found.codePointAt(0) ?? 0));

/** A text for people to see: itself, or, when it holds steering characters, with those set apart. */
export function visible(text: string): ReactNode {
  if (text.search(steering) < 0) return text;
  const parts: ReactNode[] = [];
  let at = 0;
  for (const match of text.matchAll(steering)) {
    const code = match[0].codePointAt(0) ?? 0;
    if (match.index > at) parts.push(text.slice(at, match.index));
    parts.push(
      <span key={match.index} className="control" title={`Control character ${hex(code)}`}>
        {picture(code)}
      </span>,
    );
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return parts;
}
