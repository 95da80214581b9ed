/**
 * The independent reader: takes what the clients wrote down and the logs as they are in the end, and says what is wrong.
 * Pure, and shares no logic with the server or with the clients: it knows the delivery rules and nothing else.
 *
 * It expects that everything has come to rest: every client was connected and had sent its open sends again.
 */
import type { Message } from "@skep/protocol";
import type { ClientRecord, FullLog } from "./record.ts";

export type FindingKind =
  /** O1: numbers of a log are not 1, 2, 3… */
  | "gap"
  /** K1, D1: accepted, or seen by a reader, and not in the log at that number. */
  | "lost"
  /** K3: one key, two messages; or one id for two messages. */
  | "doubled"
  /** K3: two different answers to one key. */
  | "accepted-differently"
  /** K2: refused, and stored nevertheless. */
  | "refused-but-stored"
  /** O3: messages of one sender stand in another order than they were sent in, or one in the middle is missing. */
  | "reordered"
  /** In the log, but sent by nobody; or not as it was sent. */
  | "altered"
  /** O2, S1: a reader missed a message, got one twice, or in another order. */
  | "reader-gap"
  /** O2, O4: a reader saw another message at this number than the log has. */
  | "reader-differs"
  /** The reader was not brought up to the end of the log. */
  | "reader-behind"
  /** B1: a message without an answer and without a visible failure. */
  | "answer-missing"
  /** B3: a message with more than one end. */
  | "answered-twice"
  /** B2: answers stand in another order than their questions. */
  | "answers-reordered"
  /** The answer is not the one that this question asks for. */
  | "answer-wrong"
  /** D5: an epoch changed although no backup was restored, or a reader was reset for no reason. */
  | "epoch-changed"
  /** B7: a bot's process outlived the program. Not seen from records: the run that kills reports it. */
  | "process-left"
  /** An error or a refusal for good, although the client keeps the rules. Reported by the run, too. */
  | "not-allowed"
  /** A send that never got an outcome although its client stayed to the end. */
  | "no-outcome";

export interface Finding {
  kind: FindingKind;
  conversation: string;
  detail: string;
}

export interface Expectation {
  /** Is this what the bot answers to that? Asked only where the turn was completed. */
  answers(question: string, answer: string): boolean;
}

export interface Tally {
  sends: number;
  tries: number;
  accepted: number;
  acceptedAsDuplicate: number;
  abandoned: number;
  /** Of the abandoned ones, those that the server turned out to have. */
  abandonedButStored: number;
  messages: number;
  answersCompleted: number;
  answersFailed: number;
  seenByReaders: number;
  resumes: number;
  cuts: number;
}

interface Send {
  client: string;
  conversation: string;
  sender: string;
  n: number;
  text: string;
  /** The first "accepted" for it. */
  accepted?: { seq: number; epoch: string; turn: string | null };
  firstHand: number;
  refused: string | null;
  abandoned: boolean;
}

export function checkRecords(
  records: readonly ClientRecord[],
  logs: readonly FullLog[],
  expectation: Expectation,
): { findings: Finding[]; tally: Tally } {
  const findings: Finding[] = [];
  const report = (kind: FindingKind, conversation: string, detail: string): void => {
    findings.push({ kind, conversation, detail });
  };
  const tally: Tally = {
    sends: 0,
    tries: 0,
    accepted: 0,
    acceptedAsDuplicate: 0,
    abandoned: 0,
    abandonedButStored: 0,
    messages: 0,
    answersCompleted: 0,
    answersFailed: 0,
    seenByReaders: 0,
    resumes: 0,
    cuts: 0,
  };
  const logOf = new Map(logs.map((log) => [log.conversation, log]));
  const sends = collectSends(records, report, tally);
  const ids = new Map<string, string>();
  for (const log of logs) {
    checkNumbers(log, ids, report);
    checkSends(log, sends.get(log.conversation) ?? new Map<string, Send>(), report, tally);
    checkAnswers(log, expectation, report, tally);
  }
  for (const [conversation, ofConversation] of sends) {
    if (logOf.has(conversation)) continue;
    for (const [key, send] of ofConversation) if (send.accepted) report("lost", conversation, `${key}: its whole conversation is gone`);
  }
  for (const record of records) checkReader(record, logOf, report, tally);
  return { findings, tally };
}

type Report = (kind: FindingKind, conversation: string, detail: string) => void;

function collectSends(records: readonly ClientRecord[], report: Report, tally: Tally): Map<string, Map<string, Send>> {
  const all = new Map<string, Map<string, Send>>();
  for (const { client, entries } of records) {
    for (const entry of entries) {
      if (entry.what === "cut") tally.cuts++;
      if (entry.what === "sent") {
        tally.tries++;
        let ofConversation = all.get(entry.conversation);
        if (!ofConversation) all.set(entry.conversation, (ofConversation = new Map()));
        const known = ofConversation.get(entry.key);
        if (known) continue;
        const { conversation, sender, n, text } = entry;
        tally.sends++;
        ofConversation.set(entry.key, { client, conversation, sender, n, text, firstHand: 0, refused: null, abandoned: false });
      }
      if (entry.what !== "accepted" && entry.what !== "refused" && entry.what !== "abandoned") continue;
      const send = all.get(entry.conversation)?.get(entry.key);
      if (!send) {
        report("altered", entry.conversation, `${client} was told "${entry.what}" for ${entry.key}, which nobody sent`);
        continue;
      }
      if (entry.what === "abandoned") {
        send.abandoned = true;
        tally.abandoned++;
      } else if (entry.what === "refused") {
        send.refused = entry.code;
      } else {
        acceptOnce(entry, send, report, tally);
      }
    }
  }
  return all;
}

function acceptOnce(
  entry: { key: string; seq: number; epoch: string; duplicate: boolean; turn: string | null },
  send: Send,
  report: Report,
  tally: Tally,
): void {
  const { key, seq, epoch, duplicate, turn } = entry;
  if (duplicate) tally.acceptedAsDuplicate++;
  else send.firstHand++;
  if (send.firstHand > 1) report("accepted-differently", send.conversation, `${key}: accepted ${send.firstHand} times as new`);
  if (!send.accepted) {
    send.accepted = { seq, epoch, turn };
    tally.accepted++;
    return;
  }
  const first = send.accepted;
  if (first.seq !== seq || first.epoch !== epoch || first.turn !== turn) {
    report(
      "accepted-differently",
      send.conversation,
      `${key}: first ${JSON.stringify(first)}, then ${JSON.stringify({ seq, epoch, turn })}`,
    );
  }
}

function checkNumbers(log: FullLog, ids: Map<string, string>, report: Report): void {
  let expected = 1;
  for (const message of log.messages) {
    if (message.seq !== expected) report("gap", log.conversation, `${message.seq} stands where ${expected} should`);
    expected = message.seq + 1;
    const place = `${log.conversation}/${message.seq}`;
    const other = ids.get(message.id);
    if (other !== undefined) report("doubled", log.conversation, `id ${message.id} at ${other} and at ${place}`);
    ids.set(message.id, place);
  }
  if (expected - 1 !== log.head) report("gap", log.conversation, `head is ${log.head}, the last message ${expected - 1}`);
}

/** A text belongs to one send: its first word is the key. An echo bot may be told something before it: `/crash 1 KEY …`. */
const keyOf = (text: string): string => text.split(" ", 4).find((word) => !/^(\/.*|\d+)$/.test(word)) ?? "";

function checkSends(log: FullLog, sends: Map<string, Send>, report: Report, tally: Tally): void {
  const stored = new Map<string, Message>();
  const lastOfSender = new Map<string, { n: number; seq: number }>();
  for (const message of log.messages) {
    if (message.role !== "person") continue;
    tally.messages++;
    const key = keyOf(message.text);
    const send = sends.get(key);
    if (!send || send.text !== message.text || (message.key !== undefined && message.key !== key)) {
      report(
        "altered",
        log.conversation,
        `${message.seq}: ${send ? "not as it was sent" : "nobody sent it"}: ${message.text.slice(0, 60)}`,
      );
      continue;
    }
    const other = stored.get(key);
    if (other) {
      report("doubled", log.conversation, `${key} at ${other.seq} and at ${message.seq}`);
      continue;
    }
    stored.set(key, message);
    const last = lastOfSender.get(send.sender) ?? { n: 0, seq: 0 };
    if (send.n !== last.n + 1) {
      report("reordered", log.conversation, `${send.sender}: send ${send.n} at ${message.seq} follows send ${last.n} at ${last.seq}`);
    }
    if (send.n > last.n) lastOfSender.set(send.sender, { n: send.n, seq: message.seq });
  }
  for (const [key, send] of sends) {
    const message = stored.get(key);
    if (send.accepted) {
      const { seq, epoch, turn } = send.accepted;
      if (epoch !== log.epoch) report("epoch-changed", log.conversation, `${key} accepted in ${epoch}, now ${log.epoch}`);
      if (!message) report("lost", log.conversation, `${key} of ${send.client} was accepted as ${seq} and is not in the log`);
      else if (message.seq !== seq) report("lost", log.conversation, `${key} was accepted as ${seq} and stands at ${message.seq}`);
      if (message && turn !== null && message.turn !== turn) {
        report("accepted-differently", log.conversation, `${key}: turn ${turn} was told, the log says ${message.turn}`);
      }
    } else if (send.abandoned) {
      if (message) tally.abandonedButStored++;
    } else if (send.refused !== null) {
      if (message) report("refused-but-stored", log.conversation, `${key} was refused (${send.refused}) and stands at ${message.seq}`);
    } else {
      report("no-outcome", log.conversation, `${key} of ${send.client} got no answer${message ? ` and stands at ${message.seq}` : ""}`);
    }
  }
}

function checkAnswers(log: FullLog, expectation: Expectation, report: Report, tally: Tally): void {
  const questions = new Map<string, Message>();
  const ends = new Map<string, Message>();
  let lastQuestion = 0;
  for (const message of log.messages) {
    if (message.turn === undefined) {
      if (message.role === "person") report("answer-missing", log.conversation, `${message.seq} has no turn`);
      continue;
    }
    if (message.role === "person") {
      questions.set(message.turn, message);
      continue;
    }
    const end = ends.get(message.turn);
    if (end) {
      report("answered-twice", log.conversation, `turn ${message.turn} at ${end.seq} and at ${message.seq}`);
      continue;
    }
    ends.set(message.turn, message);
    const question = questions.get(message.turn);
    if (!question) {
      report("answer-wrong", log.conversation, `${message.seq} ends turn ${message.turn}, which no message before it asked for`);
      continue;
    }
    if (question.seq < lastQuestion) {
      report("answers-reordered", log.conversation, `${question.seq} was answered at ${message.seq}, after ${lastQuestion} was`);
    }
    lastQuestion = Math.max(lastQuestion, question.seq);
    if (message.role === "bot" && (message.outcome ?? "completed") === "completed") {
      tally.answersCompleted++;
      if (!expectation.answers(question.text, message.text)) {
        report("answer-wrong", log.conversation, `${message.seq} does not answer ${question.seq}: ${message.text.slice(0, 60)}`);
      }
    } else {
      tally.answersFailed++;
    }
  }
  for (const [turn, question] of questions) {
    if (!ends.has(turn)) report("answer-missing", log.conversation, `${question.seq} (turn ${turn}): ${question.text.slice(0, 60)}`);
  }
}

/** Follows one client through all its subscriptions. */
function checkReader(record: ClientRecord, logOf: Map<string, FullLog>, report: Report, tally: Tally): void {
  const positions = new Map<string, number>();
  const furthest = new Map<string, number>();
  for (const entry of record.entries) {
    if (entry.what === "cut" || entry.what === "connected") {
      positions.clear();
    } else if (entry.what === "resumed") {
      tally.resumes++;
      positions.set(entry.conversation, entry.from);
      if (!furthest.has(entry.conversation)) furthest.set(entry.conversation, 0);
      const log = logOf.get(entry.conversation);
      if (log && log.epoch !== entry.epoch) {
        report("epoch-changed", entry.conversation, `${record.client} was resumed in ${entry.epoch}, now ${log.epoch}`);
      }
    } else if (entry.what === "reset") {
      report("epoch-changed", entry.conversation, `${record.client} was reset: ${entry.reason}`);
      positions.set(entry.conversation, 0);
    } else if (entry.what === "seen") {
      tally.seenByReaders++;
      const { conversation, message } = entry;
      const position = positions.get(conversation);
      if (position === undefined || message.seq !== position + 1) {
        const where = position === undefined ? "without a subscription" : `after ${position}`;
        report("reader-gap", conversation, `${record.client} got ${message.seq} ${where}`);
      }
      positions.set(conversation, message.seq);
      furthest.set(conversation, Math.max(furthest.get(conversation) ?? 0, message.seq));
      checkSame(record.client, conversation, message, logOf.get(conversation), report);
    } else if (entry.what === "live") {
      const position = positions.get(entry.conversation);
      if (position === undefined || position < entry.seq) {
        report("reader-gap", entry.conversation, `${record.client} was told "live" at ${entry.seq} and had got ${position ?? "nothing"}`);
      }
    }
  }
  for (const [conversation, reached] of furthest) {
    const head = logOf.get(conversation)?.head ?? 0;
    if (reached < head) report("reader-behind", conversation, `${record.client} got as far as ${reached} of ${head}`);
  }
}

function checkSame(client: string, conversation: string, seen: Message, log: FullLog | undefined, report: Report): void {
  const stored = log?.messages[seen.seq - 1];
  if (!stored || stored.seq !== seen.seq) {
    report("lost", conversation, `${client} saw ${seen.seq} (${seen.text.slice(0, 40)}), which the log does not have`);
    return;
  }
  const fields = ["id", "role", "author", "text", "turn", "outcome", "createdAt"] as const;
  for (const field of fields) {
    if (stored[field] === seen[field]) continue;
    report("reader-differs", conversation, `${client} saw ${seen.seq} with ${field} ${seen[field]}, the log has ${stored[field]}`);
  }
}
