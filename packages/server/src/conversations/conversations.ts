import { randomBytes } from "node:crypto";
import { Refusal } from "@skep/protocol/errors";
import { checkText } from "@skep/protocol";
import type { Conversation, Fork, Message, MessageFile, Permission, Position, ResetReason, TurnState } from "@skep/protocol";
import type { GroupCommit } from "../store/group-commit.ts";
import type { Freed } from "../store/file.ts";
import type { Refused, Store, StoredMessage } from "../store/store.ts";
import type { Time } from "../time.ts";
import type { ActiveConversation } from "./active.ts";
import { Admission } from "./admission.ts";
import { branchKnown, branchName } from "./branch.ts";
import { ActiveConversations } from "./active.ts";
import type { Accepted, BranchBegun, BranchFrom, ConversationsApi, Page, Person, Send, Sink, Subscription } from "./api.ts";
import { encode, permissionNumber, toConversation, toMessage, toPermission, turnName, turnNumber } from "./encode.ts";
import { ConversationLog } from "./log.ts";
import { Reader } from "./reader.ts";
import type { TurnFiles } from "./turn-files.ts";
import type { Tick } from "../tick.ts";
import type { ReportError, Workers } from "./turn.ts";
import type { TurnsOptions } from "./turns.ts";
import { Turns } from "./turns.ts";

export interface ConversationsOptions {
  store: Store;
  commit: GroupCommit;
  time: Time;
  tick: Tick;
  workers: Workers;
  /** UTF-8 bytes of one message at most (R-B2). */
  messageBytes: number;
  onError: ReportError;
  onClosed?: TurnsOptions["onClosed"];
  onSent?: (code: string | null) => void;
  /** Files that have gone with a conversation. */
  onFreed?: (freed: Freed) => void;
  files?: TurnFiles;
  newId?: () => string;
}

/** Branches that are listed at once. */
const forksShown = 1000;

export class Conversations implements ConversationsApi {
  readonly turns: Turns;
  readonly active: ActiveConversations;
  readonly #o: ConversationsOptions;
  readonly #log: ConversationLog;
  readonly #admission: Admission;

  constructor(options: ConversationsOptions) {
    this.#o = options;
    const { store, commit, time, workers, onError, onClosed, tick, files } = options;
    this.#log = new ConversationLog(commit, time);
    this.active = new ActiveConversations(store, tick);
    const log = this.#log;
    const more = { ...(onClosed ? { onClosed } : {}), ...(files ? { files } : {}) };
    this.turns = new Turns({ store, commit, log, time, tick, workers, onError, ...more });
    this.#admission = new Admission({
      pendingOf: (bot) => this.turns.pendingOf(bot),
      pendingOfPerson: (bot, person) => this.turns.pendingOfPerson(bot, person),
      now: () => time.now(),
    });
  }

  /** Before any door opens. @returns the number of turns that go on. */
  recover(): Promise<number> {
    return this.turns.recover((row) => this.active.hold(row));
  }

  /** The one place that says who may see a conversation. Others' conversations do not exist. */
  #check(person: Person, active: ActiveConversation): ActiveConversation {
    if (active.person !== person.id || active.erased) throw new Refusal("not_found", "This conversation does not exist");
    return active;
  }

  async #find(person: Person, id: string): Promise<ActiveConversation> {
    return this.#check(person, await this.active.get(id));
  }

  async create(person: Person, input: { bot: string; title: string }): Promise<Conversation> {
    if (!this.#o.workers.settings(input.bot)) throw new Refusal("not_found", `There is no bot named "${input.bot}"`, { field: "bot" });
    const publicId = this.#newId();
    const at = this.#o.time.now();
    const { conversation } = await this.#o.commit.add({ op: "create-conversation", publicId, ...input, person: person.id, at });
    this.active.hold({ conversation, publicId, bot: input.bot, person: person.id, head: 0 });
    return toConversation(
      { conversation, publicId, ...input, person: person.id, head: 0, createdAt: at, activeAt: at, from: null },
      this.#o.store.epoch,
    );
  }

  #newId(): string {
    return this.#o.newId?.() ?? `c${randomBytes(12).toString("hex")}`;
  }

  async branch(person: Person, id: string, from: BranchFrom): Promise<BranchBegun> {
    const { store, commit, time, workers } = this.#o;
    const publicId = from.key === undefined ? this.#newId() : branchName(person.id, id, from.key);
    // What is stored already is answered again, also when there is too much to do or the other conversation is erased since (K3, K5).
    const known = from.key === undefined ? null : await branchKnown(store, publicId, from);
    if (known) return known;
    const origin = await this.#find(person, id);
    const { bot } = origin;
    const settings = workers.settings(bot);
    if (!settings) throw new Refusal("state_conflict", `The bot "${bot}" was removed; start a conversation with another one`);
    const [said] = (await store.messages(origin.conversation, { after: from.before - 1, limit: 1 })).messages;
    if (said?.seq !== from.before) throw new Refusal("field_invalid", `"before": there is no message ${from.before}`, { field: "before" });
    if (said.role !== "person")
      throw new Refusal("field_invalid", `"before": message ${from.before} is an answer; give the number of a message of a person`, {
        field: "before",
      });
    // What is said in another way keeps the files that it came with; only who uploaded them may send them.
    const files =
      said.files === null || said.author !== person.id ? null : (JSON.parse(said.files) as MessageFile[]).map((file) => file.id);
    checkText(from.text, this.#o.messageBytes, files !== null);
    const busy = this.#admission.enter(bot, person.id, settings);
    if (busy) throw busy;
    let stored = false;
    try {
      const answer = await commit.add({
        op: "begin-branch",
        publicId,
        origin: origin.conversation,
        seq: from.before,
        person: person.id,
        bot,
        key: from.key ?? null,
        text: from.text,
        at: time.now(),
        ...(files ? { files } : {}),
      });
      if (!answer.ok) throw new Refusal(answer.code, answer.detail);
      const { conversation, turn, duplicate } = answer;
      const seq = from.before;
      const active = this.active.hold({ conversation, publicId, bot, person: person.id, head: seq });
      stored = !duplicate;
      if (turn !== null && stored) this.turns.begin(active, { turn, seq, bot, person: person.id, text: files ? null : from.text });
      if (stored) this.#o.onSent?.(null);
      return { conversation: await this.get(person, publicId), seq, duplicate, turn: turn === null ? null : turnName(turn) };
    } catch (error) {
      if (!stored) this.#o.onSent?.(error instanceof Refusal ? error.code : "unknown");
      throw error;
    } finally {
      this.#admission.leave(bot, person.id, settings, stored);
    }
  }

  async forks(person: Person, id: string): Promise<Fork[]> {
    const active = await this.#find(person, id);
    return this.#o.store.forks(active.conversation, forksShown);
  }

  async get(person: Person, id: string): Promise<Conversation> {
    await this.#find(person, id);
    const row = await this.#o.store.conversation(id);
    if (!row) throw new Refusal("not_found", "This conversation does not exist");
    return toConversation(row, this.#o.store.epoch);
  }

  async list(
    person: Person,
    filter: { bot?: string | undefined; query?: string | undefined; cursor?: string | undefined; limit: number },
  ): Promise<{ conversations: Conversation[]; cursor: string | null }> {
    const rows = await this.#o.store.conversations({
      person: person.id,
      limit: filter.limit,
      ...(filter.bot === undefined ? {} : { bot: filter.bot }),
      ...(filter.query === undefined ? {} : { query: filter.query }),
      ...(filter.cursor === undefined ? {} : { before: parseCursor(filter.cursor) }),
    });
    const last = rows.at(-1);
    return {
      conversations: rows.map((row) => toConversation(row, this.#o.store.epoch)),
      cursor: last && rows.length === filter.limit ? `${last.activeAt}.${last.conversation}` : null,
    };
  }

  async rename(person: Person, id: string, title: string): Promise<Conversation> {
    const active = await this.#find(person, id);
    await this.#o.commit.add({ op: "rename-conversation", conversation: active.conversation, title });
    return this.get(person, id);
  }

  async remove(person: Person, id: string): Promise<void> {
    const active = await this.#find(person, id);
    const answer = await this.#o.commit.add({ op: "delete-conversation", conversation: active.conversation });
    if (answer.freed) this.#o.onFreed?.(answer);
    active.erased = true;
    this.turns.forget(active);
    for (const reader of active.readers) reader.end("erased");
    this.active.forget(id);
  }

  async messages(person: Person, id: string, page: { after: number; limit: number } | { before: number; limit: number }): Promise<Page> {
    const active = await this.#find(person, id);
    const { head, messages } = await this.#o.store.messages(active.conversation, page);
    return { epoch: active.epoch, head, messages: messages.map((message) => toMessage(id, message, active.bot)) };
  }

  send(person: Person, id: string, send: Send): Promise<Accepted> {
    const active = this.active.get(id);
    return active instanceof Promise ? active.then((loaded) => this.#send(person, loaded, send)) : this.#send(person, active, send);
  }

  async #send(person: Person, active: ActiveConversation, send: Send): Promise<Accepted> {
    this.#check(person, active);
    checkText(send.text, this.#o.messageBytes, send.files !== undefined);
    const { bot } = active;
    const settings = this.#o.workers.settings(bot);
    if (!settings) throw new Refusal("state_conflict", `The bot "${bot}" was removed; start a conversation with another one`);
    if (send.files && !settings.files) throw new Refusal("field_invalid", `The bot "${bot}" takes no files`, { field: "files" });
    const busy = this.#admission.enter(bot, person.id, settings);
    if (busy) return this.#acceptedBefore(person, active, send, busy);
    let stored = false;
    try {
      const entry = { person: person.id, key: send.key ?? null, sender: send.sender ?? "", n: send.n ?? null, text: send.text, bot };
      const answer = await this.#log.append(active, send.files ? { ...entry, files: send.files } : entry);
      if (!answer.ok) throw refusalFrom(answer);
      const { seq, turn, duplicate } = answer;
      if (turn !== null && !duplicate && !active.erased) {
        // One with files is read again when its turn comes: what most messages do not have, they do not carry along.
        this.turns.begin(active, { turn, seq, bot, person: person.id, text: send.files ? null : send.text });
      }
      stored = !duplicate;
      if (stored) this.#o.onSent?.(null);
      return { epoch: active.epoch, seq, duplicate, turn: turn === null ? null : turnName(turn) };
    } catch (error) {
      this.#o.onSent?.(error instanceof Refusal ? error.code : "unknown");
      throw error;
    } finally {
      this.#admission.leave(bot, person.id, settings, stored);
    }
  }

  /** What is stored already is not refused, however much there is to do: nobody would know that it is stored (K2, K3). @throws Refusal */
  async #acceptedBefore(person: Person, active: ActiveConversation, send: Send, busy: Refusal): Promise<Accepted> {
    if (send.key === undefined) throw busy;
    // Number 0 is nobody's turn, so this finds the key or stores nothing.
    const entry = { person: person.id, key: send.key, sender: "", n: 0, text: send.text, bot: active.bot };
    const answer = await this.#log.append(active, send.files ? { ...entry, files: send.files } : entry);
    if (!answer.ok) throw answer.code === "key_conflict" ? new Refusal(answer.code, answer.detail) : busy;
    return { epoch: active.epoch, seq: answer.seq, duplicate: true, turn: answer.turn === null ? null : turnName(answer.turn) };
  }

  async answer(person: Person, id: string, turn: string, ms: number): Promise<Message | null> {
    const active = await this.#find(person, id);
    const { number, seq } = await this.#turnOf(active, turn);
    const message = await this.turns.answerOf(number, ms);
    if (message || this.turns.isPending(number)) return message;
    // Ended before we asked: the log has it, behind the message that it answers. A turn that failed may have been retried: the last one counts.
    let found: StoredMessage | null = null;
    let after = seq;
    for (;;) {
      const page = await this.#o.store.messages(active.conversation, { after, limit: 100 });
      found = page.messages.findLast((one) => one.turn === number && one.outcome !== null) ?? found;
      const last = page.messages.at(-1);
      if (!last || found?.outcome === "completed") return found ? toMessage(id, found, active.bot) : null;
      after = last.seq;
    }
  }

  async #turnOf(active: ActiveConversation, name: string): Promise<{ number: number; seq: number }> {
    const number = turnNumber(name);
    const turn = number === null ? null : await this.#o.store.turn(number);
    if (number === null || !turn || turn.conversation !== active.conversation) throw new Refusal("not_found", "This turn does not exist");
    return { number, seq: turn.seq };
  }

  async cancel(person: Person, id: string, turn: string): Promise<{ state: TurnState }> {
    const active = await this.#find(person, id);
    const { number } = await this.#turnOf(active, turn);
    return { state: await this.turns.cancel(number) };
  }

  async retry(person: Person, id: string, turn: string): Promise<{ state: TurnState }> {
    const active = await this.#find(person, id);
    const { number } = await this.#turnOf(active, turn);
    if (!this.#o.workers.settings(active.bot)) throw new Refusal("state_conflict", `The bot "${active.bot}" was removed`);
    return { state: await this.turns.retry(active, number) };
  }

  async pendingPermissions(person: Person): Promise<Permission[]> {
    return (await this.#o.store.pendingPermissions(person.id)).map(toPermission);
  }

  async permissions(person: Person, id: string, page: { before?: string | undefined; limit: number }): Promise<Permission[]> {
    const active = await this.#find(person, id);
    const before = page.before === undefined ? Number.MAX_SAFE_INTEGER : (permissionNumber(page.before) ?? 0);
    return (await this.#o.store.permissions(active.conversation, { before, limit: page.limit })).map(toPermission);
  }

  async decide(person: Person, permission: string, option: string): Promise<Permission> {
    const unknown = new Refusal("not_found", "This request does not exist");
    const number = permissionNumber(permission);
    const stored = number === null ? null : await this.#o.store.permission(number);
    if (!stored) throw unknown;
    // Others' requests do not exist, as their conversations do not.
    await this.#find(person, stored.publicId).catch((error: unknown) => {
      throw error instanceof Refusal ? unknown : error;
    });
    try {
      return toPermission(await this.turns.permissions.decide(stored, person.id, option));
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "state_conflict") throw error;
      const settled = await this.#o.store.permission(stored.id);
      const mine = settled?.state === "decided" && settled.how === "person" && settled.decidedBy === person.id && settled.option === option;
      if (!settled || !mine) throw error;
      return toPermission(settled);
    }
  }

  async subscribe(
    person: Person,
    id: string,
    after: Position | null,
    sink: Sink,
    wanted: () => boolean = () => true,
  ): Promise<Subscription | null> {
    const active = await this.#find(person, id);
    if (!wanted()) return null;
    const { epoch, head, publicId: conversation } = active;
    const reason: ResetReason | null =
      after === null || after.seq === 0 ? null : after.epoch !== epoch ? "epoch" : after.seq > head ? "ahead" : null;
    const from = after === null || reason ? 0 : after.seq;
    sink.push(encode(reason ? { type: "reset", conversation, reason, epoch, head } : { type: "resumed", conversation, epoch, from, head }));
    const reader = new Reader(active, sink, this.#o.store, from, (error) =>
      this.#o.onError("reader-failed", { conversation, reason: error instanceof Error ? error.message : String(error) }),
    );
    reader.start();
    return reader;
  }

  async search(
    person: Person,
    query: { query: string; bot?: string | undefined; since?: number | undefined; until?: number | undefined; limit: number },
  ): ReturnType<ConversationsApi["search"]> {
    const { bot, since, until, ...rest } = query;
    return this.#o.store.search({
      person: person.id,
      ...rest,
      ...(bot === undefined ? {} : { bot }),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    });
  }
}

/** What is wrong with a send is its number, its key or its files. */
const refusalFrom = ({ code, detail, expected }: Refused): Refusal =>
  new Refusal(code, detail, {
    ...(expected === undefined ? {} : { expected }),
    ...(code === "message_too_large" ? { field: "files" } : {}),
  });

function parseCursor(cursor: string): { activeAt: number; conversation: number } {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor);
  if (!match) throw new Refusal("field_invalid", '"cursor": is not one that this server gave out', { field: "cursor" });
  return { activeAt: Number(match[1]), conversation: Number(match[2]) };
}
