/**
 * A bot for tests, of the kind `command`: `node misbehaving-bot.ts`. A message says what it does; everything else is answered with itself.
 *
 * `hold MS`: answers that much later · `die`: the process ends at once, with whatever else it works on · `die-after MS` ·
 * `silence`: never says anything about this turn again · `say-and-silence`: streams a piece first · `login` / `signed-in`: says so ·
 * `complain TEXT`: writes to the error output, then ends with code 3 · `flood MB-PER-SECOND STREAM`: writes without end, in lines of the protocol;
 * answers when so much of it was read that from then on it is read no faster than it may be
 */
import { createInterface } from "node:readline";

interface Line {
  type: string;
  turn?: string;
  text?: string;
}

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** Without end. @param onTaken called when the first 20 MB were read: all that is read at once, and more */
function flood(rate: number, stream: string, onTaken: () => void): void {
  const line = `${stream === "stderr" ? "x".repeat(1000) : JSON.stringify({ type: "log", level: "debug", text: "x".repeat(1000) })}\n`;
  const block = line.repeat(Math.round((rate * 1e6) / 100 / line.length));
  const out = stream === "stderr" ? process.stderr : process.stdout;
  let taken = 0;
  setInterval(() => {
    if (out.writableLength >= 10_000_000) return;
    out.write(block, () => {
      const before = taken;
      taken += block.length;
      if (before < 20e6 && taken >= 20e6) onTaken();
    });
  }, 10);
}

function answer(turn: string, text: string): void {
  say({ type: "answer", turn, text });
}

function work(turn: string, text: string): void {
  const [word, first = "", second = ""] = text.split(" ");
  switch (word) {
    case "hold":
      setTimeout(() => answer(turn, text), Number(first));
      return;
    case "die":
      process.exit(1);
      return;
    case "die-after":
      setTimeout(() => process.exit(1), Number(first));
      return;
    case "say-and-silence":
      say({ type: "delta", turn, text: "first words" });
      return;
    case "silence":
      return;
    case "login":
      say({ type: "login", needed: true, detail: "run `agent login` on the machine" });
      answer(turn, text);
      return;
    case "complain":
      process.stderr.write(`${"noise\n".repeat(20)}${text.slice("complain ".length)}\n`, () => process.exit(3));
      return;
    case "flood":
      flood(Number(first), second, () => answer(turn, text));
      return;
    default:
      answer(turn, text);
  }
}

createInterface({ input: process.stdin })
  .on("line", (raw) => {
    const line = JSON.parse(raw) as Line;
    if (line.type === "hello") say({ type: "hello", protocol: 1, heartbeat: true });
    if (line.type === "ping") say({ type: "heartbeat" });
    if (line.type === "turn") work(line.turn ?? "", line.text ?? "");
    if (line.type === "cancel") say({ type: "failure", turn: line.turn, reason: "Cancelled", retry: false });
  })
  .on("close", () => process.exit(0));
// `kill -USR2` stands for somebody who has signed in.
process.on("SIGUSR2", () => say({ type: "login", needed: false, detail: "" }));
