import { afterAll, beforeAll, expect, test } from "vitest";
import { openDoor } from "../door-under-test.ts";
import type { DoorUnderTest } from "../door-under-test.ts";

let door: DoorUnderTest;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

test("[C4] a reader of events that takes nothing holds 256 KiB and one turn of the loop, however much there is to tell", async () => {
  const id = await door.conversation();
  const person = door.access.authenticateToken(door.token);
  if (!person) throw new Error("the token is not valid");
  const body = await door.streams.open(person, id, null);
  const text = "x".repeat(10_000);
  let most = 0;
  for (let i = 0; i < 100; i += 10) {
    await Promise.all(Array.from({ length: 10 }, () => door.ask("POST", `/api/conversations/${id}/messages?wait=30`, { body: { text } })));
    most = Math.max(most, body.readableLength);
  }
  expect(most).toBeGreaterThan(100_000);
  // 256 KiB, and what ten sends at once bring.
  expect(most).toBeLessThan(262_144 + 10 * 2 * 10_500);
  let got = "";
  for await (const piece of body) {
    got += String(piece);
    if (got.includes(".200\n")) break;
  }
  expect([...got.matchAll(/^id: \w+\.(\d+)$/gm)].map(([, seq]) => Number(seq))).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
});
