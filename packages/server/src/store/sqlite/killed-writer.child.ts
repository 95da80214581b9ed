/**
 * For `killed-writer.test.ts`: writes through the store as fast as it can, and says what was acknowledged, in lines `text`.
 * It begins with the first line of its input, and is killed from outside at any moment. Argument: the data folder. Its own texts go on where the
 * stored ones end.
 */
import { once } from "node:events";
import { writeSync } from "node:fs";
import type { Append, Appended, Created } from "../store.ts";
import { openDataFolder } from "./data-folder.ts";
import { SqliteStore } from "./sqlite-store.ts";

await once(process.stdin, "data");
const store = await SqliteStore.open(openDataFolder(process.argv[2] ?? ""), Date.now, () => {});
const found = await store.conversation("c");
let conversation = found?.conversation;
if (conversation === undefined) {
  const [made] = await store.commit([{ op: "create-conversation", publicId: "c", bot: "b", person: "p", title: "t", at: 0 }]);
  conversation = (made as Created).conversation;
}
const id = conversation;
const { head } = await store.messages(id, { before: Number.MAX_SAFE_INTEGER, limit: 1 });
let next = head + 1;
const say = (): Append => {
  const n = next++;
  return { op: "append", conversation: id, person: "p", key: `${n}`, sender: "s", n, text: `${n}`, bot: n % 3 ? null : "b", at: n };
};

async function sendAll(): Promise<void> {
  for (;;) {
    const batch = Array.from({ length: 7 }, say);
    const answers = (await store.commit(batch)) as Appended[];
    writeSync(1, answers.map((answer, i) => `${answer.seq} ${batch[i]?.text ?? ""}\n`).join(""));
  }
}
// Several at once: batches wait in the writer's queue when the kill comes.
await Promise.all([sendAll(), sendAll(), sendAll()]);
