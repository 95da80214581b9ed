import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../packages/protocol/src/wire.ts";
import { RecordingSocket } from "./support/recording-socket.ts";
import { startedServer } from "./support/started-server.ts";
import type { StartedServer } from "./support/started-server.ts";

let server: StartedServer;
beforeAll(async () => {
  server = await startedServer();
});
afterAll(() => server.end());

const conversation = (bot = "echo"): Promise<string> => server.conversation(bot);
const log = (id: string): Promise<Message[]> => server.log(id);
const answers = (socket: RecordingSocket) => socket.messages().filter((m) => m.role === "bot");

describe("streams", () => {
  test("[T1 T2] a reader who comes in mid-answer gets what was written, then the rest: byte for byte the final text", async () => {
    const id = await conversation();
    const first = await RecordingSocket.open(server);
    await first.follow(id);
    first.send(id, "/stream 40 15");
    await first.when(() => first.of("delta").length >= 5);
    const second = await RecordingSocket.open(server);
    await second.follow(id);
    for (const socket of [first, second]) {
      await socket.when(() => answers(socket).length === 1);
      let text = "";
      for (const delta of socket.of("delta")) {
        expect(delta.offset).toBe(text.length);
        text += delta.text;
      }
      expect(text).toBe(answers(socket)[0]?.text);
      expect(text).toContain("🐝");
      expect(socket.of("stream-ended").map((m) => m.outcome)).toEqual(["completed"]);
    }
    await Promise.all([first.close(), second.close()]);
  });

  test("[T1] a snapshot from an offset is given on request", async () => {
    const id = await conversation();
    const socket = await RecordingSocket.open(server);
    await socket.follow(id);
    socket.send(id, "/stream 20 25");
    const delta = await socket.when(() => socket.of("delta").at(4));
    socket.say({ type: "snapshot", conversation: id, stream: delta.stream, offset: 3 });
    const snapshot = await socket.when(() => socket.of("delta").find((m) => m.offset === 3));
    await socket.when(() => answers(socket).length === 1);
    const final = answers(socket)[0]?.text ?? "";
    expect(final.slice(3, 3 + snapshot.text.length)).toBe(snapshot.text);
    await socket.close();
  });

  test("[T3] to disconnect is not to cancel; to cancel is durable and keeps what was written", async () => {
    const id = await conversation();
    const first = await RecordingSocket.open(server);
    await first.follow(id);
    first.send(id, "/stream 10 20");
    await first.until((m) => m.type === "delta");
    first.cut();
    const second = await RecordingSocket.open(server);
    await second.follow(id);
    await second.when(() => answers(second).length === 1);
    second.say({ type: "send", conversation: id, key: "long", text: "/stream 1000 20" });
    const accepted = await second.until((m) => m.type === "accepted" && m.key === "long");
    const turn = accepted.type === "accepted" ? (accepted.turn ?? "") : "";
    await second.when(() => second.of("delta").filter((m) => m.turn === turn).length >= 3);
    const cancelled = await server.call("POST", `/api/conversations/${id}/turns/${turn}/cancel`);
    expect(cancelled.body).toMatchObject({ state: "cancelled" });
    await second.when(() => second.messages().find((m) => m.turn === turn && m.outcome === "cancelled"));
    expect((await server.call("POST", `/api/conversations/${id}/turns/${turn}/cancel`)).body).toMatchObject({ state: "cancelled" });
    const end = (await log(id)).at(-1);
    expect(end).toMatchObject({ role: "bot", outcome: "cancelled", turn });
    expect(end?.text).toContain("piece 1");
    await second.close();
  });
});

describe("stop and start", () => {
  test("[R-G9 C5 R-A3] a stop tells clients to come again, and a start goes on where it was", async () => {
    const id = await conversation();
    const socket = await RecordingSocket.open(server);
    await socket.follow(id);
    socket.send(id, "/stream 5000 20");
    await socket.when(() => socket.of("delta").length >= 20);
    const { epoch } = socket.of("resumed")[0] as { epoch: string };
    const seq = socket.messages().at(-1)?.seq ?? 0;
    server = await server.again();
    expect((await socket.closed).code).toBe(4001);
    const back = await RecordingSocket.open(server);
    await back.follow(id, { epoch, seq });
    // The first attempt's stream is ended, and its text, where it is still shown, is replaced by the second attempt's.
    const before = socket.of("delta")[0]?.stream;
    const interrupted = await back.until((m) => m.type === "stream-ended");
    expect(interrupted).toMatchObject({ stream: before, outcome: "interrupted" });
    const again = await back.when(() => back.of("delta").find((m) => m.stream !== before));
    expect(again).toMatchObject({ offset: 0 });
    expect(again.text).toContain("piece 1");
    const { turn } = again;
    back.say({ type: "cancel", conversation: id, turn });
    await back.when(() => back.messages().find((m) => m.outcome === "cancelled"));
    await back.close();
  });
});
