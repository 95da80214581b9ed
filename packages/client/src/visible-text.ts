const masking =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/**
 * For texts that people decide on: characters that hide, reorder or overwrite what stands beside them are shown by their numbers, so that what is
 * read is what was asked. Line ends and tabs stay, and so do the joiners that scripts and emoji need.
 */
export const visibleText = (text: string): string =>
  text.replaceAll(masking, (c) => `\u2039U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}\u203a`);
