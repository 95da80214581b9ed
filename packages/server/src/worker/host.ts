/**
 * The process of a built-in bot: `node host.ts <kind>`. Speaks the bot protocol over standard input and output.
 *
 * starting --hello read, driver made--> ready --end of input | output broken--> gone (B7).
 *
 * It must stay cheap, there are hundreds of them: it loads a kind's driver and nothing else, and no module of this folder may import
 * `node:http` in the usual way, `fetch` or a validator, each of which costs more memory than the whole process has now.
 */
import type { botProtocolVersion, ToBot } from "@skep/protocol/bot";
import type { CreateDriver, Driver } from "./driver.ts";
import { lineSplitter } from "./line-splitter.ts";
import { batchedOutput } from "./output.ts";
import { RunningTurn } from "./running-turn.ts";

const protocol: typeof botProtocolVersion = 1;
/** How long the last lines may take to get out when the input has ended. */
const farewellMs = 1000;

/** A closed table, so that an argument can never name another file. */
const kinds: Record<string, () => Promise<{ createDriver: CreateDriver }>> = {
  acp: () => import("./acp.ts"),
  anthropic: () => import("./anthropic.ts"),
  echo: () => import("./echo.ts"),
  ollama: () => import("./ollama.ts"),
  openai: () => import("./openai.ts"),
};

const kind = process.argv[2] ?? "";
const load = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
if (!load) {
  process.stderr.write(`Unknown kind of bot "${kind}"; there are ${Object.keys(kinds).join(", ")}\n`);
  process.exit(2);
}

// The driver is read from disk while the controller's first line is on its way.
const { createDriver } = await load();

// Who does not read its bot's output gets no more turns taken: otherwise answers would pile up here.
const output = batchedOutput(process.stdout, (blocked) => {
  if (blocked) process.stdin.pause();
  else process.stdin.resume();
});
process.stdout.on("error", () => process.exit(1));

let driver: Driver | undefined;
let greeted = false;
const early: ToBot[] = [];
const running = new Map<string, RunningTurn>();
const waiting: RunningTurn[] = [];
/** The turn in work of each conversation, for a bot that takes turns ahead. */
const inWork = new Map<string, RunningTurn>();

function start(turn: RunningTurn, by: Driver): void {
  let work: Promise<void> | void;
  try {
    work = by.run(turn);
  } catch (error) {
    turn.failure(sentence(error), true);
    return;
  }
  // A driver that answers at once pays for no bookkeeping.
  if (turn.ended) return;
  running.set(turn.id, turn);
  if (by.ahead !== undefined) inWork.set(turn.conversation, turn);
  turn.onEnd = () => {
    running.delete(turn.id);
    if (inWork.get(turn.conversation) === turn) inWork.delete(turn.conversation);
    next(by);
  };
  if (work) {
    work.then(
      () => turn.failure("The bot ended its work without an answer", true),
      (error: unknown) => turn.failure(sentence(error), true),
    );
  }
}

/** Starts what waits and may be started: not two of one conversation at a time. */
function next(by: Driver): void {
  for (let i = 0; i < waiting.length && running.size < by.concurrency;) {
    const turn = waiting[i] as RunningTurn;
    if (inWork.has(turn.conversation)) {
      i++;
      continue;
    }
    waiting.splice(i, 1);
    start(turn, by);
  }
}

function cancel(id: string): void {
  const place = waiting.findIndex((turn) => turn.id === id);
  const turn = place === -1 ? running.get(id) : waiting.splice(place, 1)[0];
  turn?.cancel();
}

function handle(line: ToBot, by: Driver): void {
  switch (line.type) {
    case "turn": {
      const turn = new RunningTurn(line, output);
      if (running.size >= by.concurrency || inWork.has(turn.conversation)) waiting.push(turn);
      else start(turn, by);
      return;
    }
    case "cancel":
      cancel(line.turn);
      return;
    case "ping":
      output.write({ type: "heartbeat" });
      return;
    case "decision":
      running.get(line.turn)?.decided(line.id, line.option);
      return;
    case "hello":
      return;
    default:
      // A newer controller may say more than this bot knows.
      line satisfies never;
  }
}

async function greet(line: ToBot): Promise<void> {
  if (line.type !== "hello") return leave(`The first line must be "hello", not "${line.type}"`);
  if (line.protocol !== protocol) return leave(`The controller speaks bot protocol ${line.protocol}, this bot ${protocol}`);
  let made: Driver;
  try {
    made = await createDriver(line.options, output);
  } catch (error) {
    return leave(sentence(error));
  }
  driver = made;
  output.write({
    type: "hello",
    protocol,
    context: made.context,
    concurrency: made.concurrency,
    ...(made.ahead === undefined ? {} : { ahead: made.ahead }),
    heartbeat: true,
  });
  for (const each of early.splice(0)) handle(each, made);
  // Compiled code is kept at a proper exit only, and bots are often killed. Once it is there, this writes nothing.
  setImmediate(process.getBuiltinModule("node:module").flushCompileCache);
}

function leave(reason: string): void {
  output.write({ type: "log", level: "error", text: reason });
  void output.flushed().then(() => process.exit(2));
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function receive(text: string): void {
  let line: ToBot;
  try {
    line = JSON.parse(text) as ToBot;
  } catch {
    output.write({ type: "log", level: "warn", text: `Not a line of the bot protocol: ${text.slice(0, 80)}` });
    return;
  }
  if (driver) {
    handle(line, driver);
  } else if (greeted) {
    early.push(line);
  } else {
    greeted = true;
    void greet(line);
  }
}

const lines = lineSplitter();
process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk: string) => lines.push(chunk, receive));
process.stdin.on("error", () => process.exit(1));
process.stdin.on("end", () => {
  setTimeout(() => process.exit(0), farewellMs);
  void Promise.all([output.flushed(), driver?.end?.()]).then(() => process.exit(0));
});
