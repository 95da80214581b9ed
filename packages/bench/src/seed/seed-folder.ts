/**
 * Fills a data folder with messages through the store's own operations, as the program itself would: a person's message
 * with its turn, then the answer that ends it. One conversation is long, the others share the rest; time goes on
 * message by message, across all of them.
 */
import { openDataFolder } from "../../../server/src/store/sqlite/data-folder.ts";
import { SqliteStore } from "../../../server/src/store/sqlite/sqlite-store.ts";
import type { Append, CloseTurn } from "../../../server/src/store/store.ts";
import { seededRandom } from "../seeded-random.ts";
import { realisticText } from "./realistic-text.ts";

export interface SeedOptions {
  data: string;
  /** Whose conversations they are. */
  person: string;
  bot: string;
  messages: number;
  conversations?: number;
  /** Share of all messages that the one long conversation has. */
  longShare?: number;
  seed?: number;
  say?: (line: string) => void;
}

export interface Seeded {
  /** Public ids; the first one is the long one. */
  conversations: { id: string; head: number }[];
  vocabulary: readonly string[];
}

const pairsPerBatch = 500;

export async function seedFolder(options: SeedOptions): Promise<Seeded> {
  const { data, person, bot, messages, conversations = 1000, longShare = 0.1, seed = 1, say = () => {} } = options;
  const random = seededRandom(seed);
  const text = realisticText(random.fork("text"));
  const store = await SqliteStore.open(openDataFolder(data), () => Date.now(), say);
  try {
    const from = Date.now() - 365 * 86_400_000;
    const ids = Array.from({ length: conversations }, (_, index) => `seed-${index}`);
    const created = await store.commit(
      ids.map((publicId) => ({ op: "create-conversation", publicId, bot, person, title: "", at: from }) as const),
    );
    const numbers = created.map((answer) => ("conversation" in answer ? answer.conversation : 0));
    const heads = ids.map(() => 0);
    const pairs = Math.floor(messages / 2);
    const step = (365 * 86_400_000) / pairs;
    const choose = random.fork("choose");
    for (let done = 0; done < pairs; done += pairsPerBatch) {
      const count = Math.min(pairsPerBatch, pairs - done);
      const appends: Append[] = [];
      for (let index = 0; index < count; index++) {
        const place = choose.chance(longShare) ? 0 : choose.between(1, conversations - 1);
        const n = ((heads[place] ?? 0) + 2) / 2;
        heads[place] = n * 2;
        const at = Math.round(from + (done + index) * step);
        const conversation = numbers[place] ?? 0;
        appends.push({ op: "append", conversation, person, key: `seed-${n}`, sender: "seed", n, text: text.message(), bot, at });
      }
      const appended = await store.commit(appends);
      const closes = appended.map((answer, index): CloseTurn => {
        if (!("turn" in answer) || answer.turn === null) throw new Error(`not appended: ${JSON.stringify(answer)}`);
        const at = (appends[index]?.at ?? from) + 1000;
        const common = { op: "close-turn", outcome: "completed", role: "bot", author: bot, parts: null } as const;
        return { ...common, turn: answer.turn, attempt: 1, generation: store.generation, text: text.message(), at };
      });
      await store.commit(closes);
      if (((done + count) * 2) % 200_000 < pairsPerBatch * 2) say(`${(done + count) * 2} messages stored`);
    }
    await untilIndexed(store, person, say);
    return { conversations: ids.map((id, index) => ({ id, head: heads[index] ?? 0 })), vocabulary: text.vocabulary };
  } finally {
    await store.close();
  }
}

/** The full-text index follows the messages; a search says when it has caught up. */
async function untilIndexed(store: SqliteStore, person: string, say: (line: string) => void): Promise<void> {
  const limit = performance.now() + 600_000;
  for (;;) {
    const { complete } = await store.search({ person, query: "nothinglikethis", limit: 1 });
    if (complete) break;
    if (performance.now() > limit) throw new Error("the full-text index did not catch up within 10 minutes");
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  say("indexed");
}
