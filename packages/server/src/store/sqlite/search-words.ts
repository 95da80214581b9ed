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

/** Letters from which on the last word may be the beginning of one: shorter ones would begin too many. Scripts without spaces have no such minimum. */
const beginningLetters = 3;
const mayBeBeginning = (last: string): boolean => last.length >= beginningLetters || /[^\p{Script=Latin}\p{N}\p{M}]/u.test(last);

/** All words, in any order; in the second expression the last one may be a beginning. Quoted, so that nothing of them is FTS5 syntax. */
export const matchExpressions = (words: readonly string[]): string[] => {
  const whole = words.map((one) => `"${one}"`).join(" AND ");
  return mayBeBeginning(words.at(-1) ?? "") ? [whole, `${whole}*`] : [whole];
};

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
  const beginning = mayBeBeginning(words.at(-1) ?? "");
  const missing = new Set(words.slice(0, -1).map(fold));
  const whole = new Set(missing);
  let lastFound = false;
  const places: Place[] = [];
  for (const match of text.matchAll(word)) {
    const folded = fold(match[0]);
    const begins = beginning ? folded.startsWith(last) : folded === last;
    if (!begins && !whole.has(folded)) continue;
    lastFound ||= begins;
    missing.delete(folded);
    places.push({ offset: match.index, length: match[0].length });
  }
  return { places, all: lastFound && missing.size === 0 };
}
