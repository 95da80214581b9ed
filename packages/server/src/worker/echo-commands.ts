/** What the echo bot can be told to do by the text of a message; the list for people stands at the head of `echo.ts`. */
import type { ToolPart } from "@skep/protocol/bot";
import type { Output } from "./output.ts";
import type { RunningTurn } from "./running-turn.ts";
import type { Sleep } from "./sleep.ts";

interface Call {
  turn: RunningTurn;
  output: Output;
  sleep: Sleep;
  /** The words after the command. */
  words: readonly string[];
  /** The word at this place as a whole number. */
  figure: (place: number, otherwise: number) => number;
}

type Action = (call: Call) => Promise<void> | void;

const lineLength = 80;
const kept: unknown[] = [];

const actions: Record<string, { usage: string; action: Action }> = {
  help: { usage: "/help", action: ({ turn }) => turn.answer(help()) },
  stream: {
    usage: "/stream [pieces=200] [ms=10]",
    action: async (call) => {
      if (await stream(call, call.figure(0, 200), call.figure(1, 10))) call.turn.answer();
    },
  },
  wait: {
    usage: "/wait [ms=1000]",
    action: async ({ turn, sleep, figure }) => {
      if (await sleep(figure(0, 1000), turn)) turn.answer(turn.text);
    },
  },
  loading: {
    usage: "/loading [ms=6000]",
    action: async ({ turn, sleep, figure }) => {
      turn.status("loading", "The echo bot was told to load for a while");
      if (!(await sleep(figure(0, 6000), turn))) return;
      turn.status("running", "The echo bot has loaded");
      turn.answer(turn.text);
    },
  },
  long: { usage: "/long [bytes=1000000]", action: ({ turn, figure }) => turn.answer("x".repeat(figure(0, 1_000_000))) },
  stall: { usage: "/stall", action: () => forever() },
  hang: {
    usage: "/hang [attempts]",
    action: async (call) => {
      await call.output.flushed();
      if (spared(call, 0)) call.turn.answer(call.turn.text);
      else block();
    },
  },
  crash: {
    usage: "/crash [attempts]",
    action: (call) => {
      if (spared(call, 0)) call.turn.answer(call.turn.text);
      else process.exit(1);
    },
  },
  "crash-after": {
    usage: "/crash-after [pieces=5] [attempts]",
    action: async (call) => {
      if (!(await stream(call, call.figure(0, 5), 0))) return;
      await call.output.flushed();
      if (spared(call, 1)) call.turn.answer();
      else process.exit(1);
    },
  },
  exit: { usage: "/exit [code=0]", action: ({ figure }) => process.exit(figure(0, 0)) },
  fail: { usage: "/fail [reason]", action: ({ turn, words }) => turn.failure(words.join(" ") || "The echo bot was told to fail", true) },
  refuse: {
    usage: "/refuse [reason]",
    action: ({ turn, words }) => turn.failure(words.join(" ") || "The echo bot was told to refuse", false),
  },
  garbage: {
    usage: "/garbage",
    action: ({ turn, output }) => {
      output.raw("{not json\n");
      turn.answer(turn.text);
    },
  },
  babble: {
    usage: "/babble [bytes=10000000] [line]",
    action: async (call) => {
      await babble(call, call.figure(0, 10_000_000), call.words[1] === "line");
      call.turn.answer(call.turn.text);
    },
  },
  stderr: {
    usage: "/stderr [bytes=10000]",
    action: async ({ turn, figure }) => {
      await new Promise<void>((resolve) => {
        process.stderr.write(`${"e".repeat(lineLength - 1)}\n`.repeat(Math.ceil(figure(0, 10_000) / lineLength)), () => resolve());
      });
      turn.answer(turn.text);
    },
  },
  thought: {
    usage: "/thought [text]",
    action: async ({ turn, words, sleep }) => {
      for (const word of words.length > 0 ? words : ["Hm,", "bees", "🐝", "again."]) {
        turn.thought("thought", `${word} `);
        if (!(await sleep(20, turn))) return;
      }
      turn.answer(turn.text);
    },
  },
  tool: {
    usage: "/tool [title]",
    action: async ({ turn, words, sleep }) => {
      const tool = toolOf(words);
      turn.delta("Before. ");
      turn.part({ ...tool, state: "running" });
      if (!(await sleep(20, turn))) return;
      turn.part({ ...tool, state: "completed", output: "3 bees\n" });
      turn.delta("After.");
      turn.answer();
    },
  },
  plan: {
    usage: "/plan [steps=3]",
    action: async ({ turn, figure, sleep }) => {
      const count = Math.min(figure(0, 3), 100);
      for (let done = 0; done <= count; done++) {
        const state = (i: number) => (i < done ? "completed" : i === done ? "running" : "pending");
        turn.part({
          type: "plan",
          id: "plan",
          steps: Array.from({ length: count }, (_, i) => ({ text: `Step ${i + 1}`, state: state(i) })),
        });
        if (!(await sleep(20, turn))) return;
      }
      turn.answer(turn.text);
    },
  },
  permission: {
    usage: "/permission [title]",
    action: async ({ turn, words }) => {
      const tool = toolOf(words);
      turn.part({ ...tool, state: "pending" });
      const option = await turn.permission({
        id: "1",
        title: tool.title,
        detail: "$ count --bees",
        part: tool.id,
        options: [
          { id: "once", label: "Allow", effect: "allow", always: false },
          { id: "always", label: "Always allow", effect: "allow", always: true },
          { id: "no", label: "Reject", effect: "reject", always: false },
        ],
      });
      if (turn.ended) return;
      const allowed = option === "once" || option === "always";
      turn.part({ ...tool, state: allowed ? "completed" : "failed", ...(allowed ? { output: "3 bees\n" } : {}) });
      turn.answer(`${turn.text}: ${option ?? "nothing was decided"}`);
    },
  },
  memory: {
    usage: "/memory [megabytes=256]",
    action: ({ turn, figure }) => {
      for (let taken = 0; taken < figure(0, 256); taken++) kept.push(Array.from({ length: 131_072 }, (_, index) => index + 0.5));
      turn.answer(turn.text);
    },
  },
};

const toolOf = (words: readonly string[]): Omit<ToolPart, "state"> => ({
  type: "tool",
  id: "tool",
  title: words.join(" ") || "Count the bees",
  tool: "execute",
  input: "count --bees",
  paths: ["hive/bees.txt"],
});

const help = (): string =>
  Object.values(actions)
    .map(({ usage }) => `- \`${usage}\``)
    .join("\n");

const forever = (): Promise<void> => new Promise(() => {});

/** No timer, no input, no signal handler runs from here on; costs no processor time. */
const block = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);

/** Is this attempt after those in which it is to happen? */
const spared = ({ turn, figure }: Call, place: number): boolean => turn.attempt > figure(place, Number.MAX_SAFE_INTEGER);

async function stream({ turn, sleep }: Call, pieces: number, ms: number): Promise<boolean> {
  for (let piece = 1; piece <= pieces; piece++) {
    turn.delta(`piece ${piece} 🐝 `);
    await turn.drained();
    if (ms > 0 && !(await sleep(ms, turn))) return false;
  }
  return !turn.ended;
}

async function babble({ output }: Call, bytes: number, oneLine: boolean): Promise<void> {
  const block = oneLine ? "b".repeat(16_384) : `${"b".repeat(lineLength - 1)}\n`.repeat(200);
  for (let written = 0; written < bytes; written += block.length) {
    output.raw(block.slice(0, bytes - written));
    await new Promise((resolve) => setImmediate(resolve));
    await output.drained();
  }
  output.raw("\n");
}

/** @returns the action and its words, or null when the text is none of the commands */
export function parseCommand(text: string): { action: Action; words: string[] } | null {
  const [name = "", ...words] = text.slice(1).trim().split(/\s+/);
  const found = Object.hasOwn(actions, name) ? actions[name] : undefined;
  return found ? { action: found.action, words } : null;
}

export function perform(
  command: { action: Action; words: string[] },
  turn: RunningTurn,
  output: Output,
  sleep: Sleep,
): Promise<void> | void {
  const { action, words } = command;
  const figure = (place: number, otherwise: number): number => {
    const value = Number(words[place] ?? otherwise);
    return Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
  };
  return action({ turn, output, sleep, words, figure });
}
