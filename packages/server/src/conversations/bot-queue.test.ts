import { expect, test } from "vitest";
import type { StoredConversation } from "../store/store.ts";
import { ActiveConversation } from "./active.ts";
import { BotQueue } from "./bot-queue.ts";
import type { Lane, Place } from "./turn.ts";
import { Turn } from "./turn.ts";

let number = 0;
const noTick = { deliver: () => {} } as unknown as ConstructorParameters<typeof ActiveConversation>[2];
function queued(): Turn {
  number++;
  const row = { conversation: number, publicId: `c${number}`, bot: "bee", person: "ann", head: 0 } satisfies Partial<StoredConversation>;
  const active = new ActiveConversation(row, "e", noTick);
  const from = { turn: number, seq: 1, bot: "bee", person: "ann", text: "", attempt: 0, baseAttempt: 0, cancelRequested: false };
  const turn = new Turn(active, from, 5);
  active.turns.push(turn);
  return turn;
}

interface TestLane extends Lane {
  open: boolean;
  free: number;
  given: number[];
}
const lane = (free: number): TestLane => {
  const made: TestLane = {
    open: true,
    takesAhead: true,
    waiting: 0,
    free,
    given: [],
    failed: () => {},
    place: () => (made.free-- > 0 ? ({} as Place) : null),
  };
  return made;
};

/** Deals round and round to the lanes that are open. */
function pumpInto(queue: BotQueue, lanes: readonly TestLane[]): { pump: () => void; asked: () => number; started: Turn[] } {
  let asked = 0;
  const started: Turn[] = [];
  const assign = (): Lane | null => {
    for (let i = 0; i < lanes.length; i++) {
      const one = lanes[asked++ % lanes.length];
      if (one?.open) return one;
    }
    return null;
  };
  const start = (turn: Turn): void => {
    turn.phase = "running";
    started.push(turn);
    (turn.lane as TestLane).given.push(turn.number);
  };
  return { pump: () => queue.pump(assign, start), asked: () => asked, started };
}

test("[R-D2] turns that wait for a busy worker hold up nobody: those for other workers go on, each is assigned once", () => {
  const queue = new BotQueue("bee");
  const [slow, fast] = [lane(0), lane(10_000)];
  const { pump, asked, started } = pumpInto(queue, [slow, fast]);
  for (let i = 0; i < 10_000; i++) {
    queue.push(queued());
    pump();
  }
  expect(fast.given.length).toBe(5000);
  expect(slow.waiting).toBe(5000);
  expect(asked()).toBe(10_000);
  slow.free = 2;
  pump();
  expect(slow.given).toEqual([...slow.given].sort((a, b) => a - b));
  expect(slow.given.length).toBe(2);
  expect(started.length).toBe(5002);
});

test("[R-D5] turns that wait for a worker that dies go to the others, in the order in which they came, before later ones", () => {
  const queue = new BotQueue("bee");
  const [dying, other] = [lane(0), lane(0)];
  const { pump, started } = pumpInto(queue, [dying, other]);
  const turns = Array.from({ length: 6 }, queued);
  for (const turn of turns) queue.push(turn);
  pump();
  expect([dying.waiting, other.waiting]).toEqual([3, 3]);
  dying.open = false;
  queue.push(queued());
  pump();
  expect([dying.waiting, other.waiting]).toEqual([0, 7]);
  other.free = 7;
  pump();
  expect(started.map((turn) => turn.number - (turns[0]?.number ?? 0))).toEqual([1, 3, 5, 0, 2, 4, 6]);
});

test("[R-D5] with no worker at all, turns wait for anyone; nobody is lost and nobody is twice", () => {
  const queue = new BotQueue("bee");
  const only = lane(3);
  only.open = false;
  const { pump, started } = pumpInto(queue, [only]);
  const turns = Array.from({ length: 5 }, queued);
  for (const turn of turns) queue.push(turn);
  pump();
  expect(queue.next()).toBe(turns[0]);
  only.open = true;
  pump();
  pump();
  expect(started).toEqual(turns.slice(0, 3));
  only.free = 9;
  pump();
  expect(started).toEqual(turns);
  expect(only.waiting).toBe(0);
});

test("[T3] a turn that was cancelled while it waited for a worker is passed over", () => {
  const queue = new BotQueue("bee");
  const busy = lane(0);
  const { pump, started } = pumpInto(queue, [busy]);
  const turns = Array.from({ length: 3 }, queued);
  for (const turn of turns) queue.push(turn);
  pump();
  if (turns[1]) turns[1].phase = "closing";
  busy.free = 2;
  pump();
  expect(started).toEqual([turns[0], turns[2]]);
  expect(busy.waiting).toBe(0);
});

test("[R-D5] what waits for anyone can be given away, also from behind one that cannot", () => {
  const queue = new BotQueue("bee");
  const turns = Array.from({ length: 3 }, queued);
  for (const turn of turns) queue.push(turn);
  queue.giveAway((turn) => {
    if (turn === turns[0]) return false;
    turn.bot = "wasp";
    return true;
  });
  expect(queue.next()).toBe(turns[0]);
  const { pump, started } = pumpInto(queue, [lane(9)]);
  pump();
  expect(started).toEqual([turns[0]]);
});
