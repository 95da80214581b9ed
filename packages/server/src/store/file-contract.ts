/** What every store must do with files, written on the `Store` interface alone (D3). */
import { randomUUID } from "node:crypto";
import { limits } from "@skep/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StoreUnderTest } from "./contract.ts";
import type { Freed, StoredFile } from "./file.ts";
import type { Answer, Append, Appended, Operation, StoredConversation } from "./store.ts";

const uploadedAt = 1_700_000_000_000;

export function fileContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`store contract, files: ${name}`, () => {
    let under: StoreUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.close());

    const commit = async <A extends Answer>(...batch: Operation[]): Promise<A[]> => (await under.store.commit(batch)) as A[];
    const person = (): string => `person-${randomUUID()}`;
    const newConversation = async (owner: string, title = "t"): Promise<StoredConversation> => {
      const publicId = randomUUID();
      await commit({ op: "create-conversation", publicId, person: owner, bot: "echo", title, at: uploadedAt });
      const made = await under.store.conversation(publicId);
      if (!made) throw new Error("the conversation is not there");
      return made;
    };
    const newFile = async (owner: string, over: Partial<StoredFile> = {}): Promise<StoredFile> => {
      const publicId = `f${randomUUID()}`;
      const file = { publicId, person: owner, hash: publicId, size: 5, name: "a.txt", type: "text/plain", createdAt: uploadedAt, ...over };
      await commit({ op: "put-file", file });
      return file;
    };
    const say = (c: StoredConversation, files: readonly StoredFile[], over: Partial<Append> = {}): Append => ({
      op: "append",
      conversation: c.conversation,
      person: c.person,
      key: null,
      sender: "tab",
      n: null,
      text: "look",
      bot: null,
      at: uploadedAt,
      files: files.map(({ publicId }) => publicId),
      ...over,
    });
    const wire = ({ publicId: id, name: called, type, size }: StoredFile): object => ({ id, name: called, type, size });

    test("[K1] a message has its files, in their order, everywhere it is read, also after a restart; one without has none", async () => {
      const owner = person();
      const c = await newConversation(owner);
      const one = await newFile(owner, { name: 'a "quoted" \u202e name 🐝\n', type: "image/png" });
      const two = await newFile(owner);
      const [said] = await commit<Appended>(say(c, [two, one]));
      await commit({ ...say(c, []), files: undefined } as unknown as Append);
      const json = JSON.stringify([wire(two), wire(one)]);
      expect(said).toMatchObject({ ok: true, files: json });
      await under.reopen();
      const { messages } = await under.store.messages(c.conversation, { after: 0, limit: 10 });
      expect(messages.map(({ files }) => files)).toEqual([json, null]);
      const before = await under.store.messages(c.conversation, { before: 3, limit: 10 });
      expect(before.messages.map(({ files }) => files)).toEqual([json, null]);
      expect((await under.store.context(c.conversation, 3, 10, 1000)).map(({ files }) => files)).toEqual([json, null]);
      expect((await under.store.files([two.publicId, "f-none", one.publicId])).map(({ publicId }) => publicId)).toEqual([
        two.publicId,
        one.publicId,
      ]);
    });

    test("[R-B1] a message of files alone has the first one's name for a title", async () => {
      const owner = person();
      const c = await newConversation(owner, "");
      await commit(say(c, [await newFile(owner, { name: "bees.png" })], { text: "" }));
      expect((await under.store.conversation(c.publicId))?.title).toBe("bees.png");
    });

    test("[K3] the same key with the same files is a duplicate, with others or none, or in another order, a conflict", async () => {
      const owner = person();
      const c = await newConversation(owner);
      const one = await newFile(owner);
      const two = await newFile(owner);
      const first = say(c, [one, two], { key: "k" });
      const { files: _, ...none } = first;
      const answers = await commit(first, first, say(c, [two, one], { key: "k" }), say(c, [one], { key: "k" }), none);
      expect(answers[0]).toMatchObject({ ok: true, seq: 1, duplicate: false });
      expect(answers[1]).toMatchObject({ ok: true, seq: 1, duplicate: true });
      for (const other of answers.slice(2)) expect(other).toMatchObject({ ok: false, code: "key_conflict" });
      const plain = { ...none, key: "plain" };
      const [, again] = await commit(plain, say(c, [one], { key: "plain" }));
      expect(again).toMatchObject({ ok: false, code: "key_conflict" });
    });

    test("a branch keeps the files that it shows, and those of its first message, when the other conversation is erased", async () => {
      const owner = person();
      const c = await newConversation(owner);
      const [shown, edited] = [await newFile(owner), await newFile(owner)];
      await commit(say(c, [shown]), say(c, [edited]));
      const publicId = randomUUID();
      const branch = { publicId, origin: c.conversation, seq: 2, person: owner, bot: "echo", key: null, text: "other", at: uploadedAt };
      await commit({ op: "begin-branch", ...branch, files: [edited.publicId] });
      const [erased] = await commit<Freed>({ op: "delete-conversation", conversation: c.conversation });
      expect(erased).not.toHaveProperty("freed");
      const made = await under.store.conversation(publicId);
      const { messages } = await under.store.messages(made?.conversation ?? -1, { after: 0, limit: 10 });
      expect(messages.map(({ files }) => files)).toEqual([JSON.stringify([wire(shown)]), JSON.stringify([wire(edited)])]);
      const [gone] = await commit<Freed>({ op: "delete-conversation", conversation: made?.conversation ?? -1 });
      expect(new Set(gone?.freed)).toEqual(new Set([shown.hash, edited.hash]));
    });

    test("[O3] a send that is refused for its files uses up no number, and stores nothing", async () => {
      const owner = person();
      const c = await newConversation(owner);
      const file = await newFile(owner);
      const foreign = await newFile(person());
      const large = await newFile(owner, { size: limits.fileBytes });
      const answers = await commit(
        say(c, [foreign], { n: 1 }),
        say(c, [{ ...file, publicId: "f-none" }], { n: 1 }),
        say(c, [large, file], { n: 1 }),
        say(c, [file], { n: 1 }),
      );
      expect(answers).toMatchObject([
        { ok: false, code: "not_found" },
        { ok: false, code: "not_found" },
        { ok: false, code: "message_too_large" },
        { ok: true, seq: 1 },
      ]);
    });

    test("[S5] a file is read by who uploaded it and by whoever sees a conversation that names it, and by nobody else", async () => {
      const [owner, other] = [person(), person()];
      const file = await newFile(owner);
      expect(await under.store.file(file.publicId, owner)).toEqual(file);
      expect(await under.store.file(file.publicId, other)).toBeNull();
      // A conversation of theirs in which the uploader has spoken.
      const c = await newConversation(other);
      await commit(say(c, [file], { person: owner }));
      expect(await under.store.file(file.publicId, other)).toEqual(file);
      expect(await under.store.file(file.publicId, person())).toBeNull();
      await commit({ op: "delete-conversation", conversation: c.conversation });
      expect(await under.store.file(file.publicId, other)).toBeNull();
    });

    test("a conversation that is erased takes its files along, except those that another one names; contents go with their last file", async () => {
      const owner = person();
      const [a, b] = [await newConversation(owner), await newConversation(owner)];
      const hash = randomUUID();
      const mine = await newFile(owner);
      const shared = await newFile(owner);
      const twin = await newFile(owner, { hash });
      const otherTwin = await newFile(owner, { hash });
      const unnamed = await newFile(owner);
      await commit(say(a, [mine, shared]), say(a, [mine, twin]), say(b, [shared, otherTwin]));
      const [first] = await commit({ op: "delete-conversation", conversation: a.conversation });
      expect(first).toEqual({ ok: true, changed: true, freed: [mine.hash] });
      const all = [mine, shared, twin, otherTwin, unnamed];
      const left = (await under.store.files(all.map(({ publicId }) => publicId))).map(({ publicId }) => publicId);
      expect(left).toEqual([shared, otherTwin, unnamed].map(({ publicId }) => publicId));
      expect(await under.store.heldHashes(all.map((file) => file.hash))).toEqual([shared.hash, hash, hash, unnamed.hash]);
      const [second] = await commit<{ ok: true; changed: boolean; freed?: string[] }>({
        op: "delete-conversation",
        conversation: b.conversation,
      });
      expect(second?.freed?.toSorted()).toEqual([shared.hash, hash].toSorted());
      const [again] = await commit({ op: "delete-conversation", conversation: b.conversation });
      expect(again).toEqual({ ok: true, changed: false });
    });

    test("what no message has named in time is forgotten, and what one has named stays; each content counts once", async () => {
      const own = await open();
      try {
        const { store } = own;
        const file = (publicId: string, hash: string, createdAt: number): Operation => ({
          op: "put-file",
          file: { publicId, person: "p", hash, size: 10, name: "n", type: "t/t", createdAt },
        });
        await store.commit([
          { op: "create-conversation", publicId: "c", person: "p", bot: "b", title: "t", at: 0 },
          file("f1", "h1", 100),
          file("f2", "h1", 200),
          file("f3", "h3", 300),
          file("f4", "h4", 150),
        ]);
        const c = await store.conversation("c");
        expect(await store.fileBytes()).toBe(30);
        expect(await store.oldestUnnamedFile()).toBe(100);
        await store.commit([{ ...say(c as StoredConversation, []), person: "p", files: ["f1"] }]);
        expect(await store.oldestUnnamedFile()).toBe(150);
        expect(await store.commit([{ op: "drop-files", before: 150 }])).toEqual([{ ok: true, changed: false }]);
        // f2 has the content of f1.
        expect(await store.commit([{ op: "drop-files", before: 250 }])).toEqual([{ ok: true, changed: true, freed: ["h4"] }]);
        expect(await store.oldestUnnamedFile()).toBe(300);
        expect((await store.files(["f1", "f2", "f3", "f4"])).map(({ publicId }) => publicId)).toEqual(["f1", "f3"]);
        expect(await store.fileBytes()).toBe(20);
      } finally {
        await own.close();
      }
    });
  });
}
