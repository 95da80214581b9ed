/** A bot as the controller has it: a real child process, spoken to in lines. Waits for what a test names; never sleeps. */
import type { FromBot, ToBot } from "@skep/protocol/bot";
import { botProtocolVersion, checkBotLine } from "@skep/protocol/bot";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import type { Kind, Launch } from "../../packages/server/src/bots/kinds/index.ts";
import { kinds } from "../../packages/server/src/bots/kinds/index.ts";

type LineOf<Type extends FromBot["type"]> = Extract<FromBot, { type: Type }>;
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface BotProcess extends AsyncDisposable {
  pid: number;
  child: ChildProcess;
  /** Lines of the protocol so far. */
  lines: readonly FromBot[];
  /** Lines that were none. */
  strange: readonly string[];
  stderr(): string;
  send(...lines: ToBot[]): void;
  write(text: string): void;
  /** Sends a turn with an id of its own. @returns the id */
  ask(text: string, more?: Partial<Extract<ToBot, { type: "turn" }>>): string;
  /** The first line, of those there are and those to come, that passes. Rejects when the process ends before. */
  line<Type extends FromBot["type"]>(type: Type, test?: (line: LineOf<Type>) => boolean): Promise<LineOf<Type>>;
  /** How the turn ended, with what was streamed before. */
  ending(turn: string): Promise<{ streamed: string; answer?: string; failure?: LineOf<"failure"> }>;
  exit: Promise<Exit>;
}

/** In the message of a wait that was in vain. */
const shownLines = 10;

export const turnOf = (turn: string, text: string): Extract<ToBot, { type: "turn" }> => ({
  type: "turn",
  turn,
  attempt: 1,
  conversation: "c1",
  author: "ann",
  text,
});

export function spawnBot(launch: Launch): BotProcess {
  const child = spawn(launch.command, launch.args, { cwd: launch.cwd, env: launch.env, stdio: ["pipe", "pipe", "pipe"] });
  const lines: FromBot[] = [];
  const strange: string[] = [];
  const waits = new Set<{ look: () => void; give: (error: Error) => void }>();
  let stderr = "";
  let rest = "";
  let turns = 0;

  child.stdin.on("error", () => {});
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const line = readLine(part);
      if (line) lines.push(line);
      else strange.push(part);
    }
    for (const wait of waits) wait.look();
  });
  let gone: Exit | undefined;
  const giveUp = (give: (error: Error) => void): void => {
    const seen = lines
      .slice(-shownLines)
      .map((line) => JSON.stringify(line).slice(0, 200))
      .join("\n");
    give(new Error(`The bot ended (${gone?.code ?? gone?.signal}) before that line came.\n${seen}\n${stderr}`));
  };
  const exit = new Promise<Exit>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      gone = { code, signal };
      for (const wait of waits) giveUp(wait.give);
      waits.clear();
      resolve(gone);
    };
    child.once("error", () => end(null, null));
    child.once("close", end);
  });

  /** The first line that passes; each wait looks at every line once. */
  const find = <Line extends FromBot>(test: (line: FromBot) => line is Line): Promise<Line> =>
    new Promise((resolve, reject) => {
      let looked = 0;
      const wait = {
        look() {
          while (looked < lines.length) {
            const each = lines[looked++];
            if (!each || !test(each)) continue;
            waits.delete(wait);
            resolve(each);
            return;
          }
        },
        give: reject,
      };
      waits.add(wait);
      wait.look();
      if (gone && waits.delete(wait)) giveUp(reject);
    });

  const write = (text: string): void => void child.stdin.write(text);
  const send = (...messages: ToBot[]): void => write(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));

  return {
    pid: child.pid ?? 0,
    child,
    lines,
    strange,
    stderr: () => stderr,
    write,
    send,
    ask(text, more = {}) {
      const turn = `t${++turns}`;
      send({ ...turnOf(turn, text), ...more });
      return turn;
    },
    line: (type, test = () => true) => find((each): each is LineOf<typeof type> => each.type === type && test(each as LineOf<typeof type>)),
    async ending(turn) {
      const last = await find(
        (each): each is LineOf<"answer"> | LineOf<"failure"> => (each.type === "answer" || each.type === "failure") && each.turn === turn,
      );
      const streamed = lines.map((each) => (each.type === "delta" && each.turn === turn ? each.text : "")).join("");
      if (last.type === "failure") return { streamed, failure: last };
      return { streamed, ...(last.text !== undefined && { answer: last.text }) };
    },
    exit,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exit;
    },
  };
}

function readLine(text: string): FromBot | null {
  try {
    return checkBotLine(JSON.parse(text));
  } catch {
    return null;
  }
}

export function launchOf(kindName: string, options: Record<string, unknown>, folder: string, environment = process.env): Launch {
  const { launch } = kindNamed(kindName);
  if (!launch) throw new Error(`A bot of the kind "${kindName}" has no process`);
  return launch(options, { node: process.execPath, compileCache: `${folder}/compile-cache`, environment, folder });
}

export function kindNamed(name: string): Kind {
  const kind = kinds.get(name);
  if (!kind) throw new Error(`There is no kind "${name}"`);
  return kind;
}

/** Starts a bot of this kind and waits until it is ready. */
export async function startBot(
  kind: string,
  options: Record<string, unknown>,
  folder: string,
  environment = process.env,
): Promise<BotProcess> {
  const bot = spawnBot(launchOf(kind, options, folder, environment));
  bot.send({ type: "hello", protocol: botProtocolVersion, bot: "test", options });
  await bot.line("hello");
  return bot;
}
