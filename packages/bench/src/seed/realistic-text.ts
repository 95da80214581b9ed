/**
 * Text that has the statistics of text: few words make up most of it, most words are rare (Zipf), and messages are mostly
 * short and sometimes long. A search over random letters, or over ten words, would measure something else.
 */
import type { SeededRandom } from "../seeded-random.ts";

const common =
  "the to and a of you it in is for that this on with be have not are can what if my so do but at or how when there from was will your no as just one we me they all get has an out then up now about more like would time should".split(
    " ",
  );
const onsets = "b c ch d f g h j k l m n p pr r s sh st t th tr v w z bl cl gr pl sp".split(" ");
const vowels = "a e i o u ai ea ee ou oa".split(" ");
const codas = ["", "", "", "n", "r", "s", "t", "l", "m", "ck", "nd", "st", "ng"];

export interface RealisticText {
  /** By frequency, the most frequent first. */
  vocabulary: readonly string[];
  message(): string;
}

export function realisticText(random: SeededRandom, words = 50_000): RealisticText {
  const vocabulary = makeVocabulary(random.fork("vocabulary"), words);
  const cumulative = new Float64Array(words);
  let sum = 0;
  for (let rank = 0; rank < words; rank++) cumulative[rank] = sum += 1 / (rank + 2.7) ** 1.05;
  const word = (): string => {
    const at = random.next() * sum;
    let low = 0;
    let high = words - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return vocabulary[low] ?? "the";
  };
  return {
    vocabulary,
    message() {
      // Half have fewer than 18 words, one in a hundred has more than 100.
      const length = Math.min(400, Math.max(1, Math.round(18 * Math.exp(0.75 * normal(random)))));
      let text = "";
      let sentence = 0;
      for (let index = 0; index < length; index++) {
        const next = word();
        text += sentence === 0 ? next.charAt(0).toUpperCase() + next.slice(1) : next;
        const ends = index === length - 1 || (++sentence > 4 && random.chance(0.12));
        if (ends) sentence = 0;
        text += ends ? (random.chance(0.2) ? "?" : ".") : "";
        if (index < length - 1) text += " ";
      }
      return text;
    },
  };
}

function makeVocabulary(random: SeededRandom, count: number): string[] {
  const seen = new Set<string>(common);
  while (seen.size < count) {
    let made = "";
    const syllables = Math.min(5, 1 + Math.floor(seen.size / (count / 3)) + random.between(0, 2));
    for (let index = 0; index < syllables; index++) made += random.pick(onsets) + random.pick(vowels) + random.pick(codas);
    seen.add(made);
  }
  return [...seen].slice(0, count);
}

const normal = (random: SeededRandom): number => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
