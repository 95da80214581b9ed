/** Typed parts of answers, end to end: a real bot process, the real store, real sockets. */
import { fileURLToPath } from "node:url";
import type { PlacedPart, ServerMessage } from "@skep/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RecordingSocket } from "./support/recording-socket.ts";
import type { StartedServer } from "./support/started-server.ts";
import { startedServer } from "./support/started-server.ts";

const bot = fileURLToPath(new URL("./bots/parts-bot.ts", import.meta.url));
let server: StartedServer;
beforeAll(async () => {
  server = await startedServer({ messageBytes: 100_000 });
  const options = { command: process.execPath, args: [bot] };
  await server.call("POST", "/api/bots", { name: "coder", kind: "command", options });
  await server.call("POST", "/api/bots", { name: "small", kind: "command", options, limits: { partsBytes: 2048 } });
});
afterAll(() => server.end());

const begin = async (name = "coder"): Promise<string> => (await server.call("POST", "/api/conversations", { bot: name })).body.id;
const ask = async (id: string, lines: object[], wait = 20): Promise<{ turn: string; answer: Answer }> =>
  (await server.call("POST", `/api/conversations/${id}/messages?wait=${wait}`, { text: JSON.stringify(lines) })).body;
interface Answer {
  seq: number;
  text: string;
  outcome: string;
  parts?: PlacedPart[];
}
const tool = (over: object = {}): object => ({ type: "tool", id: "a", title: "Count", tool: "execute", state: "running", ...over });

/** The parts as a client has them that keeps to the protocol. */
function assembled(messages: readonly ServerMessage[], turn: string): PlacedPart[] {
  const parts: PlacedPart[] = [];
  for (const message of messages) {
    if (message.type === "part" && message.turn === turn) {
      expect(message.index).toBeLessThanOrEqual(parts.length);
      parts[message.index] = { at: message.at, part: message.part };
    } else if (message.type === "thought" && message.turn === turn) {
      const { index, at, id, offset, text } = message;
      const known = parts[index]?.part;
      const before = known?.type === "thought" ? known.text : "";
      expect(index).toBeLessThanOrEqual(parts.length);
      expect(offset).toBeLessThanOrEqual(before.length);
      parts[index] = { at, part: { type: "thought", id, text: before.slice(0, offset) + text } };
    }
  }
  return parts;
}

describe("parts of answers", () => {
  const lines = [
    { type: "thought", id: "t", text: "Let me " },
    { type: "thought", id: "t", text: "see. 🐝" },
    { type: "delta", text: "First 🐝 " },
    { type: "part", part: tool() },
    { type: "part", part: { type: "plan", id: "p", steps: [{ text: "one", state: "running" }] } },
    { type: "delta", text: "then." },
    { type: "part", part: tool({ state: "completed", output: "3" }) },
  ];
  const expected: PlacedPart[] = [
    { at: 0, part: { type: "thought", id: "t", text: "Let me see. 🐝" } },
    { at: 9, part: { type: "tool", id: "a", title: "Count", tool: "execute", state: "completed", output: "3" } },
    { at: 9, part: { type: "plan", id: "p", steps: [{ text: "one", state: "running" }] } },
  ];

  test("[T6] they are stored with the message that ends the turn, where they began, and read the same by every door", async () => {
    const id = await begin();
    const { answer } = await ask(id, lines);
    expect(answer).toMatchObject({ text: "First 🐝 then.", outcome: "completed", parts: expected });
    const page = (await server.call("GET", `/api/conversations/${id}/messages?after=1`)).body;
    expect(page.messages[0].parts).toEqual(expected);
    const socket = await RecordingSocket.open(server);
    await socket.follow(id);
    expect(socket.messages()[1]?.parts).toEqual(expected);
    expect(socket.messages()[0]).not.toHaveProperty("parts");
    await socket.close();
  });

  test("[T6] readers see them as they come; who comes in mid-answer gets those so far", async () => {
    const id = await begin();
    const first = await RecordingSocket.open(server);
    await first.follow(id);
    first.send(id, JSON.stringify([...lines, { stall: true }]));
    await first.when(() => JSON.stringify(assembled(first.all, first.of("thought")[0]?.turn ?? "")) === JSON.stringify(expected));
    const turn = first.of("thought")[0]?.turn ?? "";
    const late = await RecordingSocket.open(server);
    await late.follow(id);
    await late.when(() => JSON.stringify(assembled(late.all, turn)) === JSON.stringify(expected));
    expect(late.of("delta").map((delta) => delta.text)).toEqual(["First 🐝 then."]);
    // A part never begins behind the text that the reader has.
    const text = late.all.findIndex((message) => message.type === "delta");
    expect(late.all.findIndex((message) => message.type === "part")).toBeGreaterThan(text);

    late.say({ type: "snapshot", conversation: id, stream: late.of("delta")[0]?.stream ?? "", offset: 0, parts: true });
    await late.when(() => late.of("part").length === 4);
    expect(assembled(late.all.slice(-4), turn)).toEqual(expected);

    first.say({ type: "cancel", conversation: id, turn });
    await first.when(() => first.messages().length === 2);
    expect(first.messages()[1]).toMatchObject({ outcome: "cancelled", text: "First 🐝 then.", parts: expected });
    await Promise.all([first.close(), late.close()]);
  });

  test("[T4] parts of an interrupted attempt are replaced with its text", async () => {
    const id = await begin();
    const socket = await RecordingSocket.open(server);
    await socket.follow(id);
    socket.send(
      id,
      JSON.stringify([
        { type: "thought", id: "t", text: "gone" },
        { type: "part", part: tool() },
        { exit: 1 },
        { type: "delta", text: "x" },
      ]),
    );
    await socket.when(() => socket.messages().length === 2);
    const streams = [...new Set([...socket.of("thought"), ...socket.of("part")].map((message) => message.stream))];
    expect(streams).toHaveLength(2);
    expect(socket.of("stream-ended").map(({ stream, outcome }) => [stream, outcome])).toEqual([
      [streams[0], "interrupted"],
      [streams[1], "completed"],
    ]);
    expect(socket.messages()[1]?.parts).toHaveLength(2);
    await socket.close();
  });

  test("[T6] an answer without text but with parts, and an answer whose text comes at the end, are whole", async () => {
    const id = await begin();
    expect((await ask(id, [{ type: "part", part: tool() }])).answer).toMatchObject({ text: "", parts: [{ at: 0 }] });
    const both = await ask(id, [
      { type: "part", part: tool() },
      { type: "answer", text: "all of it" },
    ]);
    expect(both.answer).toMatchObject({ text: "all of it", parts: [{ at: 0 }] });
  });

  test("[T6] what is too long is cut, visibly, and the turn goes on; how a tool stands is told all the same", async () => {
    const id = await begin("small");
    const { answer } = await ask(id, [
      { type: "part", part: tool({ output: "o".repeat(10_000) }) },
      { type: "thought", id: "t", text: "🐝".repeat(3000) },
      ...Array.from({ length: 50 }, (_, i) => ({ type: "part", part: tool({ id: `n${i}`, title: `${"t".repeat(60)}${i}` }) })),
      { type: "part", part: tool({ state: "failed", output: "o".repeat(10_000) }) },
      { type: "delta", text: "done" },
    ]);
    expect(answer).toMatchObject({ text: "done", outcome: "completed" });
    const parts = answer.parts ?? [];
    expect(parts[0]?.part).toMatchObject({ state: "failed", output: expect.stringMatching(/^o+… \(cut\)$/) as string });
    expect(parts.at(-1)?.part).toMatchObject({ type: "thought", text: "More was thought and done than is kept here." });
    expect(JSON.stringify(parts).length).toBeLessThan(4096);
  });

  test("[B8] parts of wrong shape are dropped, unknown fields are not kept, and no half of a character is", async () => {
    const id = await begin();
    const { answer } = await ask(id, [
      { type: "part", part: { type: "tool", id: "a", title: "x" } },
      { type: "part", part: { type: "picture", id: "b" } },
      { type: "thought", id: "t" },
      { type: "part", part: { ...tool({ title: "cut \ud83d", later: { deep: true } }) } },
      { type: "thought", id: "h", text: "\ud83d" },
      { type: "thought", id: "h", text: "\udc1d!" },
    ]);
    expect(answer.parts).toEqual([
      { at: 0, part: { type: "tool", id: "a", title: "cut \ufffd", tool: "execute", state: "running" } },
      { at: 0, part: { type: "thought", id: "h", text: "🐝!" } },
    ]);
  });

  test("[C4] a reader that does not read costs bounded memory, and gets the parts merged", async () => {
    // A bot that changes one part so often that no socket's buffers hold it all.
    const options = { command: process.execPath, args: ["-e", loudBot] };
    expect((await server.call("POST", "/api/bots", { name: "loud", kind: "command", options })).status).toBe(201);
    const [slow, quick] = await Promise.all([RecordingSocket.open(server), RecordingSocket.open(server)]);
    const other = await begin("loud");
    await Promise.all([slow.follow(other), quick.follow(other)]);
    slow.socket.pause();
    quick.say({ type: "send", conversation: other, key: "k", text: "go" });
    await quick.when(() => quick.messages(other).length === 2, 30_000);
    slow.socket.resume();
    await slow.when(() => slow.messages(other).length === 2, 30_000);
    expect(slow.messages(other)[1]?.parts).toEqual(quick.messages(other)[1]?.parts);
    expect(slow.of("part").length).toBeLessThan(quick.of("part").length);
    await Promise.all([slow.close(), quick.close()]);
  });
});

const loudBot = `
  const send = (line) => process.stdout.write(JSON.stringify(line) + "\\n");
  require("node:readline").createInterface({ input: process.stdin }).on("line", (raw) => {
    const line = JSON.parse(raw);
    if (line.type === "hello") send({ type: "hello", protocol: 1 });
    if (line.type !== "turn") return;
    let i = 0;
    const next = () => {
      const part = { type: "tool", id: "a", title: "Loud", tool: "execute", state: "running", output: i + "x".repeat(100000) };
      send({ type: "part", turn: line.turn, part });
      if (++i < 400) setImmediate(next);
      else send({ type: "answer", turn: line.turn });
    };
    next();
  });
`;
