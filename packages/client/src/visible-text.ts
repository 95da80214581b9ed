/** What obeys no reader: it moves the cursor, turns the text around, or stands for no character at all. */
const steering = "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069\\ufff9-\\ufffb";
/** What is not seen, but has its place in prose: hyphens that may be, joints and marks of direction in scripts that need them. */
const unseen = "\\u00ad\\u061c\\u200b\\u200e\\u200f\\u2028\\u2029\\u2060-\\u2065\\ufeff";
const tags = "\\u{e0000}-\\u{e007f}";
/** Tags after a black flag are the flags of England, Scotland and Wales. */
const tagsOfNoFlag = `(?<!\\u{1f3f4}[\\u{e0020}-\\u{e007f}]{0,8})[${tags}]`;

const toDecideOn = new RegExp(`[${steering}${unseen}${tags}]`, "gu");
const toRead = new RegExp(`[${steering}]|${tagsOfNoFlag}`, "gu");

const controls = "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(
  " ",
);
const others: Readonly<Record<number, string>> = {
  0x7f: "DEL",
  0x9b: "CSI",
  0xad: "SHY",
  0x61c: "ALM",
  0x200b: "ZWSP",
  0x200e: "LRM",
  0x200f: "RLM",
  0x202a: "LRE",
  0x202b: "RLE",
  0x202c: "PDF",
  0x202d: "LRO",
  0x202e: "RLO",
  0x2060: "WJ",
  0x2066: "LRI",
  0x2067: "RLI",
  0x2068: "FSI",
  0x2069: "PDI",
  0xfeff: "BOM",
};

const nameOf = (code: number): string => controls[code] ?? others[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;

/** A piece of a text: as it stands, or a character that is named instead. */
export interface VisiblePart {
  text: string;
  /** The code point that `text` names; null where it is the text itself. */
  names: number | null;
}

/**
 * A text of others in pieces, where no character steers what stands around it: such a one is named, "‹RLO›".
 * @param purpose to "decide" on (a command, the name of a file): also what is merely not seen is named, so that what is read is what is meant.
 *   To "read": the joints of scripts and hyphens that may be stay as they are. Line ends and tabs always do, and what emoji need.
 */
export function visibleParts(text: string, purpose: "read" | "decide" = "decide"): readonly VisiblePart[] {
  const pattern = purpose === "decide" ? toDecideOn : toRead;
  const parts: VisiblePart[] = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(pattern)) {
    if (index > at) parts.push({ text: text.slice(at, index), names: null });
    const code = found.codePointAt(0) ?? 0;
    parts.push({ text: `‹${nameOf(code)}›`, names: code });
    at = index + found.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), names: null });
  return parts;
}

/** The same as one string. */
export const visibleText = (text: string, purpose: "read" | "decide" = "decide"): string =>
  text.replace(purpose === "decide" ? toDecideOn : toRead, (found) => `‹${nameOf(found.codePointAt(0) ?? 0)}›`);
