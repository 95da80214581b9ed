#!/usr/bin/env node
// Plain JavaScript that any Node can read, so that one which is too old gets a sentence instead of a syntax error.
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const needed = 26;
if (Number(process.versions.node.split(".")[0]) < needed) {
  process.stderr.write(
    `Skep needs Node ${needed} or newer; this is ${process.versions.node}. In a checkout, \`npm ci\` brings the right one: use \`npx skep\` or \`npm start\`.\n`,
  );
  process.exit(1);
}
// What was read of the program is kept: a start takes half of the time, and no thread has to load the reader of TypeScript (17 MB each).
// Threads take the folder from the environment.
process.env["NODE_COMPILE_CACHE"] ??= join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "skep");
module.enableCompileCache(process.env["NODE_COMPILE_CACHE"]);
await import("../src/main.ts");
