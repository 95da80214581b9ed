/** Words as the full-text index sees them: letters and digits, without case and accents. */
const word = /[\p{L}\p{N}\p{M}]+/gu;
const wordsOfQuery = 16;

const fold = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** The words of a query; marks that stand alone are none. */
export const searchWords = (query: string): string[] => {
  const words: string[] = [];
  for (const [found] of query.matchAll(word)) {
    if (fold(found) !== "") words.push(found);
    if (words.length === wordsOfQuery) break;
  }
  return words;
};

/** All words, in any order; the last one may be a beginning. Quoted, so that nothing of it is FTS5 syntax. */
export const matchExpression = (words: readonly string[]): string => `${words.map((one) => `"${one}"`).join(" AND ")}*`;

export interface Place {
  offset: number;
  length: number;
}

/**
 * Where the words occur, in UTF-16 offsets, and whether all of them do. Used in place of FTS5's highlight(), which ends at a NUL, and for
 * messages that are not indexed yet: those must be found by the same rule, or a search would change its answer while the index follows.
 */
export function findWords(text: string, words: readonly string[]): { places: Place[]; all: boolean } {
  const last = fold(words.at(-1) ?? "");
  const missing = new Set(words.slice(0, -1).map(fold));
  const whole = new Set(missing);
  let lastFound = false;
  const places: Place[] = [];
  for (const match of text.matchAll(word)) {
    const folded = fold(match[0]);
    const begins = folded.startsWith(last);
    if (!begins && !whole.has(folded)) continue;
    lastFound ||= begins;
    missing.delete(folded);
    places.push({ offset: match.index, length: match[0].length });
  }
  return { places, all: lastFound && missing.size === 0 };
}
