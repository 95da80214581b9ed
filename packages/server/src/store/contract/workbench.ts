/** What the groups of the contract work with: the store under test, and operations in few words. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import type { Answer, Append, Appended, CloseTurn, Operation, Store, StoredConversation, StoredMessage } from "../store.ts";

/** A store under test. `store` is another object after `reopen`, on the same data. */
export interface StoreUnderTest {
  readonly store: Store;
  reopen(): Promise<void>;
  /** Ends it and takes its data away. */
  close(): Promise<void>;
}

export const openedAt = 1_700_000_000_000;

export type Workbench = ReturnType<typeof workbench>;

/** Opens the store before the tests of the block in which it is called, and closes it after them. */
export function workbench(open: () => Promise<StoreUnderTest>) {
  let opened: StoreUnderTest | null = null;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened?.close());
  const under: Pick<StoreUnderTest, "store" | "reopen"> = {
    get store() {
      return must(opened).store;
    },
    reopen: () => must(opened).reopen(),
  };

  const commit = async <A extends Answer>(...batch: Operation[]): Promise<A[]> => (await under.store.commit(batch)) as A[];
  const newConversation = async (
    over: { person?: string; bot?: string; title?: string; at?: number } = {},
  ): Promise<StoredConversation> => {
    const publicId = randomUUID();
    const { person = `person-${publicId}`, bot = "echo", title = "", at = openedAt } = over;
    await commit({ op: "create-conversation", publicId, person, bot, title, at });
    return must(await under.store.conversation(publicId));
  };
  const say = (c: StoredConversation, text: string, over: Partial<Append> = {}): Append => ({
    op: "append",
    conversation: c.conversation,
    person: c.person,
    key: null,
    sender: "tab",
    n: null,
    text,
    bot: null,
    at: openedAt,
    ...over,
  });
  const answerTo = (turn: number | null, over: Partial<CloseTurn> = {}): CloseTurn => ({
    op: "close-turn",
    turn: turn ?? -1,
    attempt: 1,
    generation: under.store.generation,
    outcome: "completed",
    role: "bot",
    author: "echo",
    text: "an answer",
    parts: null,
    at: openedAt,
    ...over,
  });
  const all = async (c: StoredConversation): Promise<StoredMessage[]> =>
    (await under.store.messages(c.conversation, { after: 0, limit: 1_000_000 })).messages;
  const textsOf = async (c: StoredConversation): Promise<string[]> => (await all(c)).map((message) => message.text);
  const asked = async (over: Partial<Append> = {}): Promise<{ c: StoredConversation; turn: number }> => {
    const c = await newConversation();
    const [answer] = await commit<Appended>(say(c, "a question", { bot: "echo", ...over }));
    return { c, turn: answer?.turn ?? -1 };
  };
  const draftOf = (turn: number, over: { attempt?: number; generation?: number; offset?: number; text: string }): Operation => ({
    op: "save-draft",
    turn,
    attempt: 1,
    generation: under.store.generation,
    offset: 0,
    ...over,
  });

  return { under, commit, newConversation, say, answerTo, all, textsOf, asked, draftOf };
}

export function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("expected a value");
  return value;
}
