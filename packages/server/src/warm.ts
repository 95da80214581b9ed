/**
 * Loads what a start loads, so that it is in Node's compile cache, and ends. `bin/skep.js` runs it before the first start of a new version: a program that
 * has to take the types out of its sources itself keeps 60 MB for it as long as it runs, and each of its threads as much again.
 */
import { readdirSync } from "node:fs";
import { flushCompileCache } from "node:module";

const threads = ["./store/sqlite/writer-thread.ts", "./store/sqlite/reader-thread.ts"];

// Commands load their parts when they are given: all of them here.
for (const name of readdirSync(new URL("./cli/", import.meta.url))) if (/(?<!\.test)\.ts$/.test(name)) await import(`./cli/${name}`);
await import("./log.ts");
await import("./server.ts");
// Outside a thread these end with an error, once all they import is loaded.
for (const thread of threads) await import(thread).catch(() => {});
flushCompileCache();
process.exit(0);
