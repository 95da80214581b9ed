import type { Answer, Operation, Store } from "../store/store.ts";
import type { Database } from "../store/sqlite/database.ts";

import { openForWriting } from "../store/sqlite/opening.ts";
import { Reads } from "../store/sqlite/reads.ts";
import { Writes } from "../store/sqlite/writes.ts";
import type { Random } from "./random.ts";
import type { SimulatedTime } from "./simulated-time.ts";

/** The disk: outlives every life of the program. The real SQL runs on it, in memory. */
export class SimulatedDisk {
  readonly db: Database;
  generation = 0;

  constructor() {
    this.db = openForWriting(":memory:", null, () => "epoch-1", 0).db;
  }
}

/** The store of one life. Commits and reads take simulated time; at a crash the commit under way is on the disk or it is not. */
export function simulatedStore(disk: SimulatedDisk, time: SimulatedTime, random: Random): Store & { crash(): void } {
  const writes = new Writes(disk.db);
  const reads = new Reads(disk.db);
  const generation = ++disk.generation;
  /** Batches that the disk has not taken yet, in their order. */
  const underWay: (readonly Operation[])[] = [];
  let freeAt = 0;
  const read = <T>(work: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      // A read sees the disk at some moment between the question and the answer.
      const early = random.chance(0.5);
      const value = early ? work() : null;
      time.after(random.between(0, 3), () => {
        try {
          resolve(early ? (value as T) : work());
        } catch (error) {
          reject(error);
        }
      });
    });
  return {
    epoch: "epoch-1",
    generation,
    commit: (batch): Promise<Answer[]> =>
      new Promise((resolve, reject) => {
        underWay.push(structuredClone(batch));
        freeAt = Math.max(freeAt, time.now()) + random.between(0, 8);
        time.after(freeAt - time.now(), () => {
          try {
            const answers = writes.commit(underWay.shift() ?? []);
            time.after(random.between(0, 2), () => resolve(answers));
          } catch (error) {
            reject(error);
          }
        });
      }),
    conversation: (publicId) => read(() => reads.conversation(publicId)),
    conversations: (filter) => read(() => reads.conversations(filter)),
    forks: (...values) => read(() => reads.forks(...values)),
    messages: (conversation, page) => read(() => reads.messages(conversation, page)),
    context: (...values) => read(() => reads.context(...values)),
    turn: (turn) => read(() => reads.turn(turn)),
    pendingTurns: (after, limit) => read(() => reads.pendingTurns(after, limit)),
    draft: (turn) => read(() => reads.draft(turn)),
    permission: (id) => read(() => reads.permission(id)),
    pendingPermissions: (person) => read(() => reads.pendingPermissions(person)),
    permissions: (...values) => read(() => reads.permissions(...values)),
    file: (...values) => read(() => reads.file(...values)),
    files: (ids) => read(() => reads.files(ids)),
    heldHashes: (hashes) => read(() => reads.heldHashes(hashes)),
    fileBytes: () => read(() => reads.fileBytes()),
    oldestUnnamedFile: () => read(() => reads.oldestUnnamedFile()),
    search: (filter) => read(() => reads.search(filter)),
    bots: () => read(() => reads.bots()),
    botEntries: (...values) => read(() => reads.botEntries(...values)),
    credentials: () => read(() => reads.credentials()),
    counts: () => read(() => reads.counts()),
    close: () => Promise.resolve(),
    crash: () => {
      for (let lucky = random.between(0, underWay.length); lucky > 0; lucky--) writes.commit(underWay.shift() ?? []);
    },
  };
}

export const closeDisk = (disk: SimulatedDisk): void => disk.db.close();
