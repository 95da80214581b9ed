import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { BotConnection, botFrameBytes } from "./bot-connection.ts";

/** The machine may be busy. */
const patient = { timeout: 15_000 };
const identity = { bot: "far", credential: "c" };
let clock = 0;
let client: WebSocket;
let connection: BotConnection;
let close: () => Promise<void>;
let closedWith: Promise<{ code: number; reason: string }>;

/** A connection over a real socket; it is known from the beginning. */
beforeEach(async () => {
  clock = 1000;
  const server = createServer();
  const wss = new WebSocketServer({ noServer: true, maxPayload: botFrameBytes });
  const connected = new Promise<BotConnection>((resolve) => {
    server.on("upgrade", (request, stream: Duplex, head) =>
      wss.handleUpgrade(request, stream, head, (socket) =>
        resolve(new BotConnection(socket, stream, identity, { authenticateToken: () => null, connect: () => {}, now: () => clock })),
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/bots`);
  client.on("error", () => {});
  closedWith = new Promise((resolve) => client.on("close", (code, reason) => resolve({ code, reason: reason.toString() })));
  await new Promise((resolve) => client.once("open", resolve));
  connection = await connected;
  close = async () => {
    client.terminate();
    await new Promise((resolve) => server.close(resolve));
  };
});
afterEach(() => close());

/** Resolves when the connection has gone, with all that came. */
const heard = (): Promise<{ lines: string[]; reason: string }> =>
  new Promise((resolve) => {
    const lines: string[] = [];
    connection.attend({ line: (line) => void lines.push(line), gone: (reason) => resolve({ lines, reason }) });
  });

test("lines come out as they went in, whatever frames they were in; empty ones are left out", async () => {
  const all = heard();
  client.send("a\nb\n\nc");
  client.send("\n");
  client.send("d\r\n🐝");
  client.close();
  expect(await all).toEqual({ lines: ["a", "b", "c", "d\r", "🐝"], reason: "hung up" });
});

test("what came before somebody attends is kept, and nothing more is read meanwhile", async () => {
  client.send("early");
  await expect.poll(() => client.bufferedAmount, patient).toBe(0);
  client.send("later");
  const all = heard();
  client.close();
  expect((await all).lines).toEqual(["early", "later"]);
});

test("[B8] 100,000 lines in one frame: others get their turn in between", async () => {
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns++;
    if (counting) setImmediate(count);
  };
  let first = 0;
  const lines = await new Promise<number>((resolve) => {
    let seen = 0;
    connection.attend({
      line: () => {
        if (seen++ === 0) {
          first = turns;
          count();
        }
      },
      gone: () => resolve(seen),
    });
    client.send("x\n".repeat(100_000));
    client.close();
  });
  counting = false;
  expect(lines).toBe(100_000);
  expect(turns - first).toBeGreaterThan(100);
});

test("[B4] after its end nothing is passed on, and who does not answer the close is not waited for", async () => {
  const lines: string[] = [];
  let gone = false;
  connection.attend({ line: (line) => void lines.push(line), gone: () => (gone = true) });
  client.pause();
  connection.end("replaced", "é".repeat(100));
  client.send("too late");
  const ended = new Promise<void>((resolve) => connection.onClose(resolve));
  await ended;
  expect({ lines, gone, closed: connection.closed }).toEqual({ lines: [], gone: false, closed: true });
  client.resume();
  const { code, reason } = await closedWith;
  expect(code).toBe(4504);
  expect(reason).toMatch(/^é{50,61}$/);
});

describe("[C1] pings", () => {
  test("one that answers stays", async () => {
    let gone = false;
    connection.attend({ line: () => {}, gone: () => (gone = true) });
    for (let round = 1; round <= 5; round++) {
      const pinged = new Promise((resolve) => client.once("ping", resolve));
      connection.check((clock += 20_000));
      await pinged;
      const now = clock;
      await expect.poll(() => connection.heardAt, patient).toBe(now);
    }
    expect(gone).toBe(false);
  });

  test("one that does not answer is gone after 10 s", async () => {
    const all = heard();
    client.pause();
    connection.check((clock += 20_000));
    connection.check((clock += 10_000));
    expect(connection.closed).toBe(false);
    connection.check((clock += 1));
    expect((await all).reason).toBe("did not answer a ping within 10 s");
  });
});

test("[C1 C4] a ping that waits behind what is slow to leave is not late; who takes nothing for 30 s is gone", async () => {
  const all = heard();
  const fill = async (): Promise<void> => {
    client.pause();
    for (let i = 0; i < 32; i++) connection.send("x".repeat(1024 * 1024));
    let before = -1;
    await expect
      .poll(() => {
        const still = connection.unsent === before;
        before = connection.unsent;
        return still;
      }, patient)
      .toBe(true);
    expect(connection.unsent).toBeGreaterThan(0);
  };
  await fill();
  connection.check((clock += 20_000));
  connection.check((clock += 29_000));
  expect(connection.closed).toBe(false);
  client.resume();
  await expect.poll(() => connection.heardAt, patient).toBe(clock);
  connection.check((clock += 19_000));
  expect(connection.closed).toBe(false);

  await fill();
  connection.check((clock += 1));
  // The system may have taken some of it until now.
  for (let round = 0; round < 5 && !connection.closed; round++) connection.check((clock += 30_001));
  expect((await all).reason).toBe("took nothing of what it was sent for 30 s");
});
