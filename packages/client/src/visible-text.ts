// oxlint-disable-next-line no-control-regex
const masking = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/**
 * For texts that people decide on: characters that hide, reorder or overwrite what stands beside them are shown by their numbers, so that what is
 * read is what was asked. Line ends and tabs stay.
 */
export const visibleText = (text: string): string =>
  text.replaceAll(masking, (c) => `\u2039U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}\u203a`);
