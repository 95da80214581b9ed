import { join } from "node:path";
import { Fleet } from "./bots/fleet.ts";
import type { LogLine } from "./bots/api.ts";
import type { Kind, LaunchContext } from "./bots/kinds/kind.ts";
import { Ledger } from "./bots/ledger.ts";
import { Conversations } from "./conversations/conversations.ts";
import type { ReportError } from "./conversations/turn.ts";
import type { TurnsOptions } from "./conversations/turns.ts";
import { Files } from "./files/files.ts";
import { GivenFiles } from "./files/given-files.ts";
import { GroupCommit } from "./store/group-commit.ts";
import type { Store, StoreFailure } from "./store/store.ts";
import { Tick } from "./tick.ts";
import type { Time } from "./time.ts";

export interface CoreOptions {
  store: Store;
  /** The data folder: bots' own folders and the ledger of processes are in it. */
  folder: string;
  kinds: ReadonlyMap<string, Kind>;
  launch: Omit<LaunchContext, "folder">;
  time: Time;
  messageBytes: number;
  filesBytes: number;
  onFilesError?: (reason: string) => void;
  onError: ReportError;
  onClosed?: TurnsOptions["onClosed"];
  /** Every send: null when it was accepted, or the code of its refusal. */
  onSent?: (code: string | null) => void;
  onBotLog: (bot: string, line: LogLine) => void;
  onStoreFailure: (failure: StoreFailure) => void;
  /** So many operations are on the disk, `ms` after the first of them came. */
  onStored?: (ms: number, operations: number) => void;
  /** Processes that a worker had left behind were ended. */
  onStrays?: (count: number) => void;
}

/** Conversations and bots, connected; no doors. The one place where the two meet. */
export class Core {
  readonly store: Store;
  readonly commit: GroupCommit;
  readonly tick: Tick;
  readonly conversations: Conversations;
  readonly fleet: Fleet;
  readonly files: Files;
  /** What the start found of an earlier run. */
  readonly recovered: { turns: number; processes: number };

  private constructor(parts: Pick<Core, "store" | "commit" | "tick" | "conversations" | "fleet" | "files" | "recovered">) {
    this.store = parts.store;
    this.commit = parts.commit;
    this.tick = parts.tick;
    this.conversations = parts.conversations;
    this.fleet = parts.fleet;
    this.files = parts.files;
    this.recovered = parts.recovered;
  }

  /** Leftover processes first, then definitions, then pending turns, then processes: nothing is given to a bot before all is known. */
  static async open(options: CoreOptions): Promise<Core> {
    const {
      store,
      time,
      folder,
      kinds,
      launch,
      messageBytes,
      onError,
      onClosed,
      onSent,
      onBotLog,
      filesBytes,
      onStoreFailure,
      onStored,
      onStrays,
    } = options;
    const ledger = new Ledger(folder, onStrays);
    const processes = ledger.killLeftovers();
    const tick = new Tick(time);
    const commit = new GroupCommit({ store, time, onFailure: onStoreFailure, ...(onStored ? { onStored } : {}) });
    const bots = join(folder, "bots");
    const files = new Files({
      store,
      commit,
      time,
      folder: join(folder, "files"),
      filesBytes,
      onError: options.onFilesError ?? (() => {}),
    });
    const given = new GivenFiles({ store, bots, pathOf: (hash) => files.pathOf(hash), elsewhere: (bot) => fleet.elsewhere(bot) });
    await given.clear();
    const conversations: Conversations = new Conversations({
      store,
      commit,
      time,
      tick,
      messageBytes,
      files: given,
      onFreed: (freed) => void files.freed(freed),
      onError,
      ...(onClosed ? { onClosed } : {}),
      ...(onSent ? { onSent } : {}),
      workers: {
        settings: (bot) => fleet.settings(bot),
        assign: (bot, conversation, person, not) => fleet.assign(bot, conversation, person, not),
        down: (bot) => fleet.down(bot),
        up: (bot) => fleet.up(bot),
      },
    });
    const { turns } = conversations;
    const { attempts } = turns;
    const fleet: Fleet = new Fleet({
      store,
      commit,
      kinds,
      time,
      tick,
      ledger,
      launch,
      folder: bots,
      onLog: onBotLog,
      turns: {
        delta: (token, text) => attempts.delta(token, text),
        answer: (token, text) => attempts.answer(token, text),
        failed: (token, failure) => attempts.failed(token, failure),
        thought: (token, id, text) => attempts.thought(token, id, text),
        part: (token, part) => attempts.part(token, part),
        permission: (token, request) => attempts.permission(token, request),
        status: (token, state, detail) => attempts.status(token, state, detail),
        stuck: (token, reason) => attempts.stuck(token, reason),
        queuedOf: (bot) => turns.pendingOf(bot),
        roomFor: (bot) => turns.roomFor(bot),
        failAll: (bot, reason) => turns.failAll(bot, reason),
      },
    });
    await fleet.load();
    const recovered = { processes, turns: await conversations.recover() };
    fleet.run();
    void files.run();
    return new Core({ store, commit, tick, conversations, fleet, files, recovered });
  }

  /**
   * Ends in an order that loses nothing (R-G9): no new attempts; those under way get `graceMs` to end, what they have written so far is saved;
   * then the bots stop; then the store, after its last commit. Unfinished turns go on at the next start.
   */
  async close(graceMs: number): Promise<void> {
    await this.conversations.turns.stop(graceMs);
    await this.fleet.close();
    this.files.close();
    await this.commit.idle();
    await this.store.close();
  }
}
