/**
 * For `failing-disk.test.ts`: a process whose log can be made to fail under SQLite. Only a process of its own may do this: a file number that
 * is closed under SQLite would otherwise be given to another file, and SQLite would write into it.
 * Arguments: folder, and how the log fails: `write` (the file is gone), `sync` (writes vanish, fsync answers EINVAL).
 */
import { closeSync, openSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Answer, Append, Created } from "../store.ts";
import { StoreFailure } from "../store.ts";
import { openForWriting } from "./opening.ts";
import { Writes } from "./writes.ts";

const [folder = "", how = "write"] = process.argv.slice(2);
const file = join(folder, "skep.db");
const { db } = openForWriting(file, null, () => "epoch", 0);
const writes = new Writes(db);
const [made] = writes.commit([{ op: "create-conversation", publicId: "c", bot: "b", person: "p", title: "t", at: 0 }]);
const { conversation } = made as Created;
const say = (text: string): Append => ({
  op: "append",
  conversation,
  person: "p",
  key: text,
  sender: "s",
  n: null,
  text,
  bot: "b",
  at: 0,
});

function attempt(text: string): unknown {
  try {
    const [answer] = writes.commit([say(text), say(`${text} too`)]) as [Answer];
    return { text, ok: answer.ok };
  } catch (error) {
    if (!(error instanceof StoreFailure)) return { text, bug: String(error) };
    const { reason, outcome, final } = error;
    return { text, reason, outcome, final };
  }
}

const log = readdirSync("/proc/self/fd").find((fd) => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).endsWith("skep.db-wal");
  } catch {
    return false;
  }
});
const results = [attempt("before")];
closeSync(Number(log));
const inItsPlace = how === "sync" ? openSync("/dev/null", "r+") : Number(log);
results.push({ taken: inItsPlace === Number(log) }, attempt("during"));
// The disk is well again: what was lost is still lost.
const later = how === "sync" ? null : openSync(`${file}-wal`, "r+");
results.push({ restored: later }, attempt("after"), attempt("after again"));
console.log(JSON.stringify(results));
process.kill(process.pid, "SIGKILL");
