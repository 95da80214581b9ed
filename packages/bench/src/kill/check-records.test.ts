import type { Message } from "@skep/protocol";
import { describe, expect, test } from "vitest";
import { checkRecords, type FindingKind } from "./check-records.ts";
import type { ClientRecord, FullLog, RecordEntry } from "./record.ts";

const conversation = "c1";
const epoch = "e1";
const createdAt = "2026-01-01T00:00:00.000Z";

const question = (seq: number, key: string, turn: string): Message => ({
  seq,
  id: `m${seq}`,
  role: "person",
  author: "owner",
  text: `${key} hello`,
  turn,
  key,
  createdAt,
});
const answer = (seq: number, text: string, turn: string): Message => ({
  seq,
  id: `m${seq}`,
  role: "bot",
  author: "echo",
  text,
  turn,
  outcome: "completed",
  createdAt,
});
const sent = (sender: string, n: number, key: string): RecordEntry => ({
  what: "sent",
  conversation,
  sender,
  n,
  key,
  text: `${key} hello`,
});
const accepted = (key: string, seq: number, turn: string, duplicate = false): RecordEntry => ({
  what: "accepted",
  conversation,
  key,
  epoch,
  seq,
  duplicate,
  turn,
});
const seen = (message: Message): RecordEntry => ({ what: "seen", conversation, message });

interface Scene {
  records: [ClientRecord, ClientRecord];
  log: FullLog;
}

/** Two clients; client a is cut once, sends its second message again and is told that it is a duplicate. */
function goodScene(): Scene {
  const messages = [
    question(1, "a-1", "t1"),
    question(2, "a-2", "t2"),
    answer(3, "a-1 hello", "t1"),
    question(4, "b-1", "t3"),
    answer(5, "a-2 hello", "t2"),
    answer(6, "b-1 hello", "t3"),
  ];
  const all = messages.map(seen);
  const a: RecordEntry[] = [
    { what: "connected" },
    { what: "resumed", conversation, epoch, from: 0 },
    { what: "live", conversation, seq: 0 },
    sent("a", 1, "a-1"),
    sent("a", 2, "a-2"),
    accepted("a-1", 1, "t1"),
    ...all.slice(0, 2),
    { what: "cut", code: 1006 },
    { what: "connected" },
    { what: "resumed", conversation, epoch, from: 2 },
    ...all.slice(2, 4),
    { what: "live", conversation, seq: 4 },
    sent("a", 2, "a-2"),
    accepted("a-2", 2, "t2", true),
    ...all.slice(4),
  ];
  const b: RecordEntry[] = [
    { what: "connected" },
    { what: "resumed", conversation, epoch, from: 0 },
    ...all.slice(0, 2),
    sent("b", 1, "b-1"),
    ...all.slice(2, 4),
    accepted("b-1", 4, "t3"),
    ...all.slice(4),
  ];
  return {
    records: [
      { client: "a", entries: a },
      { client: "b", entries: b },
    ],
    log: { conversation, epoch, head: 6, messages },
  };
}

const check = ({ records, log }: Scene): ReturnType<typeof checkRecords> =>
  checkRecords(records, [log], { answers: (asked, got) => asked === got });

const kinds = (scene: Scene): FindingKind[] => [...new Set(check(scene).findings.map((finding) => finding.kind))];

/** Takes a message out of the log and closes the gap, as a store that lost it would look. */
function removeFromLog(log: FullLog, seq: number): void {
  log.messages = log.messages.filter((message) => message.seq !== seq).map((message, index) => ({ ...message, seq: index + 1 }));
  log.head = log.messages.length;
}

const indexOf = (record: ClientRecord, match: (entry: RecordEntry) => boolean): number => {
  const index = record.entries.findIndex(match);
  if (index === -1) throw new Error("the scene has no such entry");
  return index;
};

describe("the independent reader", () => {
  test("finds nothing where nothing is wrong, and counts", () => {
    const { findings, tally } = check(goodScene());
    expect(findings).toEqual([]);
    expect(tally).toMatchObject({ sends: 3, tries: 4, accepted: 3, acceptedAsDuplicate: 1, messages: 3, answersCompleted: 3, cuts: 1 });
  });

  const faults: [rule: string, fault: string, plant: (scene: Scene) => void, expected: FindingKind][] = [
    ["K1", "an accepted message is lost", ({ log }) => removeFromLog(log, 4), "lost"],
    [
      "K1",
      "the last accepted message is lost before anyone else saw it",
      ({ log, records }) => {
        log.messages.splice(3);
        log.head = 3;
        for (const record of records) record.entries = record.entries.filter((entry) => entry.what !== "seen" || entry.message.seq <= 3);
      },
      "lost",
    ],
    ["D1", "a whole conversation is lost", ({ log }) => (log.conversation = "another"), "lost"],
    [
      "K3",
      "a message is stored twice",
      ({ log }) => {
        log.messages.push({ ...question(7, "a-2", "t4") }, answer(8, "a-2 hello", "t4"));
        log.head = 8;
      },
      "doubled",
    ],
    ["K3", "two messages have one id", ({ log }) => void (log.messages[3]!.id = "m1"), "doubled"],
    [
      "K3",
      "a second try is accepted as another message",
      ({ records: [a] }) => (a.entries[indexOf(a, (e) => e.what === "accepted" && e.duplicate)] = accepted("a-1", 2, "t2", true)),
      "accepted-differently",
    ],
    [
      "K3",
      "one key is accepted as new twice",
      ({ records: [a] }) => void a.entries.push(accepted("a-1", 1, "t1", false)),
      "accepted-differently",
    ],
    [
      "O3",
      "two messages of one sender are swapped",
      ({ log }) => {
        const [first, second] = log.messages;
        log.messages[0] = { ...second!, seq: 1 };
        log.messages[1] = { ...first!, seq: 2 };
      },
      "reordered",
    ],
    [
      "O3",
      "a send in the middle is missing",
      ({ records: [a] }) => {
        for (const entry of a.entries) if (entry.what === "sent" && entry.n === 2) entry.n = 3;
      },
      "reordered",
    ],
    ["O1", "a number is left out", ({ log }) => void (log.messages[5]!.seq = 7), "gap"],
    ["O1", "the head is not the last message", ({ log }) => void (log.head = 7), "gap"],
    ["K2", "a message nobody sent", ({ log }) => void (log.messages[3]!.text = "x-1 hello"), "altered"],
    ["K2", "a message that was changed", ({ log }) => void (log.messages[3]!.text = "b-1 hellO"), "altered"],
    [
      "K2",
      "a refused send is stored",
      ({ records: [, b] }) =>
        (b.entries[indexOf(b, (e) => e.what === "accepted")] = { what: "refused", conversation, key: "b-1", code: "busy" }),
      "refused-but-stored",
    ],
    [
      "K2",
      "a send never gets an outcome",
      ({ records: [, b] }) =>
        void b.entries.splice(
          indexOf(b, (e) => e.what === "accepted"),
          1,
        ),
      "no-outcome",
    ],
    [
      "B1",
      "an answer is missing",
      ({ log, records }) => {
        log.messages.pop();
        log.head = 5;
        for (const record of records) record.entries.pop();
      },
      "answer-missing",
    ],
    ["B1", "a message without a turn", ({ log }) => delete log.messages[3]!.turn, "answer-missing"],
    [
      "B3",
      "a message is answered twice",
      ({ log }) => {
        log.messages.push(answer(7, "a-1 hello", "t1"));
        log.head = 7;
      },
      "answered-twice",
    ],
    [
      "B2",
      "answers stand in another order than their questions",
      ({ log }) => {
        log.messages[2] = answer(3, "a-2 hello", "t2");
        log.messages[4] = answer(5, "a-1 hello", "t1");
      },
      "answers-reordered",
    ],
    ["B3", "an answer to another question", ({ log }) => void (log.messages[5]!.text = "a-1 hello"), "answer-wrong"],
    [
      "S2",
      "a reader misses a message",
      ({ records: [, b] }) =>
        void b.entries.splice(
          indexOf(b, (e) => e.what === "seen" && e.message.seq === 3),
          1,
        ),
      "reader-gap",
    ],
    [
      "S2",
      "a reader gets a message twice",
      ({ records: [, b] }) =>
        void b.entries.splice(
          indexOf(b, (e) => e.what === "seen" && e.message.seq === 4),
          0,
          seen(answer(3, "a-1 hello", "t1")),
        ),
      "reader-gap",
    ],
    [
      "S1",
      "a reader is told that it is live before it is",
      ({ records: [a] }) => (a.entries[indexOf(a, (e) => e.what === "live" && e.seq === 4)] = { what: "live", conversation, seq: 5 }),
      "reader-gap",
    ],
    [
      "O2",
      "two readers see another order",
      ({ records: [, b] }) => {
        const first = indexOf(b, (e) => e.what === "seen" && e.message.seq === 1);
        b.entries[first] = seen({ ...question(2, "a-2", "t2"), seq: 1 });
        b.entries[first + 1] = seen({ ...question(1, "a-1", "t1"), seq: 2 });
      },
      "reader-differs",
    ],
    ["O2", "a reader is not brought to the end", ({ records: [, b] }) => void b.entries.pop(), "reader-behind"],
    [
      "D5",
      "a reader is reset",
      ({ records: [a] }) => void a.entries.push({ what: "reset", conversation, epoch, reason: "ahead" }),
      "epoch-changed",
    ],
    ["D5", "the epoch is another one", ({ log }) => void (log.epoch = "e2"), "epoch-changed"],
  ];

  test.each(faults)("[%s] %s", (_rule, _fault, plant, expected) => {
    const scene = goodScene();
    plant(scene);
    expect(kinds(scene)).toContain(expected);
  });

  test("[K2] an abandoned send may be in the log once, or not at all", () => {
    const scene = goodScene();
    const [, b] = scene.records;
    b.entries[indexOf(b, (e) => e.what === "accepted")] = { what: "abandoned", conversation, key: "b-1" };
    expect(check(scene)).toMatchObject({ findings: [], tally: { abandoned: 1, abandonedButStored: 1 } });

    b.entries.push(sent("b2", 1, "b2-1"), { what: "abandoned", conversation, key: "b2-1" });
    expect(check(scene)).toMatchObject({ findings: [], tally: { abandoned: 2, abandonedButStored: 1 } });
  });

  test("[B5] a visible failure is an end", () => {
    const scene = goodScene();
    const failure: Message = { ...answer(6, "No answer after 5 attempts", "t3"), role: "system", author: "skep", outcome: "failed" };
    scene.log.messages[5] = failure;
    for (const { entries } of scene.records) entries[entries.length - 1] = seen(failure);
    expect(check(scene)).toMatchObject({ findings: [], tally: { answersFailed: 1 } });
  });
});
