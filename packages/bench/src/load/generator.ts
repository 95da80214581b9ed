/**
 * The load generator, a process of its own, the same for the control and for the real program: what differs is only how
 * an answer is recognised. What became ready in one turn of the loop goes out in one frame per connection; every frame that
 * comes in is parsed; every answer is checked (once, in order, to the right message) while the load runs.
 */
import { once } from "node:events";
import type { ClientMessage, ServerMessage } from "@skep/protocol";
import { WebSocket } from "ws";
import { skepApi } from "../program/skep-api.ts";
import { seededRandom } from "../seeded-random.ts";
import { faultTally } from "./fault-tally.ts";
import { latencies } from "./latencies.ts";
import type { LoadEvent, LoadPlan } from "./load-plan.ts";

const plan = JSON.parse(process.argv[2] ?? "") as LoadPlan;
const say = (event: LoadEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

const faults = faultTally();
const fromIntended = latencies();
const fromSend = latencies();
let sending = true;

/** 100 to 200 bytes, as people write. */
const random = seededRandom(1);
const words = "the of a bot answers when nothing else is said and every message stays where it was put by its sender".split(" ");
const texts = Array.from({ length: 64 }, () => {
  const length = random.between(90, 180);
  let text = random.pick(words);
  while (text.length < length) text += ` ${random.pick(words)}`;
  return text.slice(0, length);
});

interface Open {
  key: string;
  text: string;
  turn: string | null;
  intendedAt: number;
  sentAt: number;
}

type Send = Extract<ClientMessage, { type: "send" }>;

const ready: Connection[] = [];
function flush(): void {
  for (const connection of ready) connection.flush();
  ready.length = 0;
}

class Connection {
  readonly #name: string;
  readonly #conversation: string;
  readonly #open: Open[] = [];
  readonly #outgoing: Send[] = [];
  /** Answers that came before the server said which turn they belong to. */
  readonly #early = new Map<string, string>();
  #socket: WebSocket | null = null;
  #sent = 0;
  #lastSeq = 0;
  #live: (() => void) | null = null;

  constructor(name: string, conversation: string) {
    this.#name = name;
    this.#conversation = conversation;
  }

  get open(): number {
    return this.#open.length;
  }

  async connect(url: string, token: string | null): Promise<void> {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const socket = new WebSocket(url, { headers, perMessageDeflate: false });
    this.#socket = socket;
    await once(socket, "open");
    socket.on("close", (code) => {
      if (sending) faults.add("closed", `${this.#name}: ${code}`);
    });
    const take = token === null ? (message: ServerMessage) => this.#takeEcho(message) : (message: ServerMessage) => this.#takeSkep(message);
    socket.on("message", (data) => {
      const frame = JSON.parse((data as Buffer).toString()) as ServerMessage | ServerMessage[];
      if (Array.isArray(frame)) for (const message of frame) take(message);
      else take(frame);
    });
    if (token === null) return;
    const live = new Promise<void>((resolve) => (this.#live = resolve));
    socket.send(JSON.stringify({ type: "subscribe", conversation: this.#conversation } satisfies ClientMessage));
    await live;
  }

  send(intendedAt: number): void {
    const n = ++this.#sent;
    // Beginning with the time, as @skep/client makes them: such keys lie together in the server's index.
    const key = `${Date.now().toString(16).padStart(12, "0")}-${this.#name}-${n}`;
    const text = `${this.#name}-${n} ${texts[n % texts.length]}`;
    this.#open.push({ key, text, turn: null, intendedAt, sentAt: performance.now() });
    if (this.#outgoing.length === 0 && ready.push(this) === 1) setImmediate(flush);
    this.#outgoing.push({ type: "send", conversation: this.#conversation, key, n, sender: this.#name, text });
  }

  flush(): void {
    if (plan.frames === "joined" && this.#outgoing.length > 1) this.#socket?.send(JSON.stringify(this.#outgoing));
    else for (const message of this.#outgoing) this.#socket?.send(JSON.stringify(message));
    this.#outgoing.length = 0;
  }

  close(): void {
    this.#socket?.terminate();
  }

  #takeEcho(message: unknown): void {
    const { key, text } = message as Send;
    const first = this.#open[0];
    if (first?.key !== key || first.text !== text) faults.add("answer", `${this.#name}: ${key} came, ${first?.key} was next`);
    this.#complete();
  }

  #takeSkep(message: ServerMessage): void {
    if (message.type === "accepted") {
      const open = this.#open.find((candidate) => candidate.turn === null);
      if (open?.key !== message.key || message.duplicate || message.turn === null) {
        faults.add("accepted", `${this.#name}: ${JSON.stringify(message)}, ${open?.key} was next`);
        return;
      }
      open.turn = message.turn;
      const early = this.#early.get(message.turn);
      if (early === undefined) return;
      this.#early.delete(message.turn);
      this.#answered(message.turn, early);
    } else if (message.type === "message") {
      const { seq, role, turn, text } = message.message;
      if (seq !== this.#lastSeq + 1) faults.add("order", `${this.#name}: ${seq} came after ${this.#lastSeq}`);
      this.#lastSeq = seq;
      if (role === "person" || turn === undefined) return;
      if (role === "system") faults.add("failed turn", `${this.#name}: ${text}`);
      this.#answered(turn, text);
    } else if (message.type === "live") {
      this.#live?.();
    } else if (message.type === "refused") {
      faults.add(`refused ${message.error.code}`, `${this.#name}: ${message.key}: ${message.error.detail}`);
      const index = this.#open.findIndex((candidate) => candidate.key === message.key);
      if (index !== -1) this.#open.splice(index, 1);
    } else if (message.type === "error" || message.type === "reset") {
      faults.add(message.type, `${this.#name}: ${JSON.stringify(message)}`);
    }
  }

  #answered(turn: string, text: string): void {
    const first = this.#open[0];
    if (first?.turn === turn) {
      if (plan.answers !== "any" && !text.endsWith(first.text)) faults.add("answer text", `${this.#name}: ${text}`);
      this.#complete();
    } else if (this.#open.some((open) => open.turn === null) && !this.#open.some((open) => open.turn === turn)) {
      this.#early.set(turn, text);
    } else {
      faults.add("answer", `${this.#name}: turn ${turn} was answered, ${first?.turn} was next`);
    }
  }

  #complete(): void {
    const open = this.#open.shift();
    if (!open) return;
    const now = performance.now();
    fromIntended.record(now - open.intendedAt);
    fromSend.record(now - open.sentAt);
    if (sending && plan.load.kind === "closed") this.send(now);
  }
}

/** Runs `task` for 0…count-1, so many at a time. */
async function eachOf(count: number, atATime: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atATime, count) }, lane));
}

const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1000));

async function connectAll(): Promise<Connection[]> {
  const { target, connections } = plan;
  const all: Connection[] = [];
  const run = Date.now().toString(36);
  const api = target.kind === "skep" ? skepApi(target.url, target.token) : null;
  await eachOf(connections, 32, async (index) => {
    const name = `${run}-${index}`;
    if (target.kind === "skep" && api) {
      const { id } = await api.createConversation(target.bots[index % target.bots.length] ?? "");
      const connection = (all[index] = new Connection(name, id));
      await connection.connect(`${target.url.replace("http", "ws")}/ws`, target.token);
    } else {
      const connection = (all[index] = new Connection(name, name));
      await connection.connect(target.url, null);
    }
  });
  api?.close();
  return all;
}

/** Due messages go out at every turn of a 1 ms timer, each with the time at which it should have gone. */
function pace(all: readonly Connection[], rate: number): void {
  const beganAt = performance.now();
  let next = 0;
  const tick = (): void => {
    if (!sending) return;
    const now = performance.now();
    for (;;) {
      const intendedAt = beganAt + (next * 1000) / rate;
      if (intendedAt > now) break;
      all[next++ % all.length]?.send(intendedAt);
    }
    setTimeout(tick, 1);
  };
  tick();
}

const all = await connectAll();
say({ event: "connected" });
if (plan.load.kind === "idle") {
  process.stdin.resume();
  await once(process.stdin, "end");
} else {
  if (plan.load.kind === "paced") pace(all, plan.load.rate);
  else for (const connection of all) for (let index = 0; index < plan.load.inFlight; index++) connection.send(performance.now());
  await seconds(plan.warmUpSeconds);
  fromIntended.reset();
  fromSend.reset();
  const cpuBefore = process.cpuUsage();
  const beganAt = performance.now();
  say({ event: "measuring" });
  await seconds(plan.seconds);
  const took = (performance.now() - beganAt) / 1000;
  const completed = fromIntended.count;
  const cpu = process.cpuUsage(cpuBefore);
  say({ event: "measured" });
  sending = false;
  // What is still open must be answered too; what is not by then is missing, and late ones count in the latencies.
  const open = (): number => all.reduce((sum, connection) => sum + connection.open, 0);
  for (let waited = 0; open() > 0 && waited < 15; waited += 0.05) await seconds(0.05);
  if (open() > 0) faults.add("unanswered", `${open()} messages without an answer after 15 s`);
  say({
    event: "outcome",
    outcome: {
      completed,
      perSecond: completed / took,
      latency: fromIntended.summary(),
      latencyFromSend: fromSend.summary(),
      generatorMicros: (cpu.user + cpu.system) / Math.max(1, completed),
      faults: faults.list(),
    },
  });
}
sending = false;
for (const connection of all) connection.close();
