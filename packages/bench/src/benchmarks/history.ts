/**
 * How long does a single read or write take when a million messages are stored (R-A8, R-A9, R-E1)?
 *
 * One caller over REST, one call after the other, so that the figure is the time of the call and not of a queue; pages
 * also at the store itself. The control is a bare HTTP server that answers with a page of the same size. Pages at both ends and in the middle of a conversation of 100,000; searches for words of every frequency.
 */
import { openDataFolder } from "../../../server/src/store/sqlite/data-folder.ts";
import { SqliteStore } from "../../../server/src/store/sqlite/sqlite-store.ts";
import { startPageControl } from "../load/running-control.ts";
import { latencies } from "../load/latencies.ts";
import type { LatencySummary } from "../load/load-plan.ts";
import { startSkep } from "../program/running-skep.ts";
import { skepApi, type Page, type SkepApi } from "../program/skep-api.ts";
import type { Figure } from "../results.ts";
import { type SeededData, seededData } from "../seed/seeded-data.ts";
import { seededRandom } from "../seeded-random.ts";
import type { Benchmark } from "./benchmark.ts";

const calls = 1500;
const searches = 200;
const warmUps = 50;

/** @param call is given the number of the call */
async function timed(count: number, call: (index: number) => Promise<unknown>): Promise<LatencySummary> {
  const times = latencies();
  for (let index = -warmUps; index < count; index++) {
    const began = performance.now();
    await call(index + warmUps);
    if (index >= 0) times.record(performance.now() - began);
  }
  return times.summary();
}

export const history: Benchmark = {
  name: "history",
  question: "How long does a single read, search or write take when a million messages are stored?",
  async run({ messages }, say) {
    const seeded = await seededData(messages, say);
    const figures: Figure[] = [];
    const faults: string[] = [];
    const add = (name: string, { p50, p99 }: LatencySummary, must: number): void => {
      figures.push({ name: `${name} p50`, value: p50, unit: "ms", better: "lower" });
      figures.push({ name: `${name} p99`, value: p99, unit: "ms", better: "lower", must });
    };
    await using skep = await startSkep({ data: seeded.data });
    const api = skepApi(skep.url, seeded.token);
    await measureControl(seeded.token, figures);
    await measurePages(api, seeded, add, faults);
    await measureSearch(api, seeded, add, faults);
    await measureOperations(api, seeded, add);
    api.close();
    await skep.stop();
    await measureStore(seeded, add);
    return { figures, faults, details: { messages, calls, searches } };
  },
};

type Add = (name: string, summary: LatencySummary, must: number) => void;

async function measureControl(token: string, figures: Figure[]): Promise<void> {
  await using control = await startPageControl();
  const api = skepApi(control.url, token);
  const { p50, p99 } = await timed(calls, () => api.call("GET", "/"));
  figures.push({ name: "control: a bare server's page of 100 p50", value: p50, unit: "ms", better: "lower" });
  figures.push({ name: "control: a bare server's page of 100 p99", value: p99, unit: "ms", better: "lower" });
  api.close();
}

async function measurePages(api: SkepApi, { conversations }: SeededData, add: Add, faults: string[]): Promise<void> {
  const [long] = conversations;
  if (!long) return;
  const random = seededRandom(5);
  const page = async (query: string, first: number, count: number): Promise<void> => {
    const { messages } = await api.call<Page>("GET", `/api/conversations/${long.id}/messages?${query}&limit=100`);
    if (messages[0]?.seq !== first || messages.length !== count)
      faults.push(`${query}: ${messages.length} messages from ${messages[0]?.seq}`);
  };
  const deep = (): number => random.between(200, long.head - 200);
  add("[R-A8] page of 100 from the start", await timed(calls, () => page("after=0", 1, 100)), 5);
  add("[R-A8] page of 100 anywhere, after", await timed(calls, () => pageAfter(deep())), 5);
  add("[R-A8] page of 100 anywhere, before", await timed(calls, () => pageBefore(deep())), 5);
  add("[R-A8] newest page of 100", await timed(calls, () => pageBefore(long.head + 1)), 5);
  function pageAfter(seq: number): Promise<void> {
    return page(`after=${seq}`, seq + 1, 100);
  }
  function pageBefore(seq: number): Promise<void> {
    return page(`before=${seq}`, seq - 100, 100);
  }
}

async function measureSearch(api: SkepApi, { vocabulary }: SeededData, add: Add, faults: string[]): Promise<void> {
  const random = seededRandom(6);
  const word = (from: number, to: number): string => vocabulary[random.between(from, Math.min(to, vocabulary.length - 1))] ?? "the";
  const search = async (query: string, expected: boolean | null): Promise<void> => {
    const { found } = await api.call<{ found: unknown[] }>("GET", `/api/search?query=${encodeURIComponent(query)}`);
    if (expected !== null && found.length > 0 !== expected) faults.push(`search for "${query}" found ${found.length}`);
  };
  add("[R-A9] search, very common word", await timed(searches, () => search(word(0, 20), true)), 50);
  add("[R-A9] search, common word", await timed(searches, () => search(word(100, 1000), true)), 50);
  add("[R-A9] search, rare word", await timed(searches, () => search(word(30_000, 50_000), null)), 50);
  add("[R-A9] search, word that is nowhere", await timed(searches, (index) => search(`qqx${index}zz`, false)), 50);
  add("[R-A9] search, common and rare word", await timed(searches, () => search(`${word(0, 20)} ${word(20_000, 50_000)}`, null)), 50);
  add("[R-A9] search, two common words", await timed(searches, () => search(`${word(0, 20)} ${word(20, 200)}`, true)), 50);
  add("[R-A9] search, beginning of a word", await timed(searches, () => search(word(100, 5000).slice(0, 3), true)), 50);
}

async function measureOperations(api: SkepApi, { conversations, bot }: SeededData, add: Add): Promise<void> {
  const random = seededRandom(7);
  const any = (): string => random.pick(conversations).id;
  add("[R-E1] get messages", await timed(calls, () => api.call("GET", `/api/conversations/${any()}/messages?limit=50`)), 5);
  add("[R-E1] list bots", await timed(calls, () => api.call("GET", "/api/bots")), 5);
  add("[R-E1] list conversations", await timed(calls, () => api.call("GET", `/api/conversations?bot=${bot}&limit=50`)), 5);
  const save = (index: number): Promise<unknown> =>
    api.call("POST", `/api/conversations/${any()}/messages`, { text: `a message to be kept, number ${index}` });
  add("[R-E1] save message", await timed(calls, save), 5);
  const load = (): Promise<unknown> => {
    const { id, head } = random.pick(conversations);
    return api.call("GET", `/api/conversations/${id}/messages?before=${random.between(Math.min(101, head), head + 1)}&limit=100`);
  };
  add("[R-E1] load history", await timed(calls, load), 5);
  const update = (index: number): Promise<unknown> => api.call("PATCH", `/api/conversations/${any()}`, { title: `title ${index}` });
  add("[R-E1] update status", await timed(calls, update), 5);
}

async function measureStore({ data, conversations }: SeededData, add: Add): Promise<void> {
  const [long] = conversations;
  if (!long) return;
  const random = seededRandom(8);
  const store = await SqliteStore.open(
    openDataFolder(data),
    () => Date.now(),
    () => {},
  );
  try {
    const found = await store.conversation(long.id);
    if (!found) throw new Error(`${long.id} is not in the store`);
    const { conversation } = found;
    add(
      "[R-A8] at the store: page of 100, after",
      await timed(calls, () => store.messages(conversation, { after: random.between(0, long.head), limit: 100 })),
      5,
    );
    add(
      "[R-A8] at the store: page of 100, before",
      await timed(calls, () => store.messages(conversation, { before: random.between(101, long.head), limit: 100 })),
      5,
    );
  } finally {
    await store.close();
  }
}
