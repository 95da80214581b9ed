import type { OutboxRecord } from "./outbox.ts";

/** Where an outbox survives the end of the program. One outbox at a time may use one storage. */
export interface OutboxStorage {
  load(): OutboxRecord | null | Promise<OutboxRecord | null>;
  /** Called at most once per tick, before the sends in it go out. Must not throw; what could not be saved is only lost if the program ends. */
  save(record: OutboxRecord): void;
  /** Asked for once, after `load`: `take` is called with what another outbox has left behind, when its owner ends later on. */
  takeOver?(take: (left: OutboxRecord) => void): void;
  /** Called once, after the last `save`: another outbox may use it now. */
  close?(): void;
}

/** Lives as long as the program. */
export const memoryStorage = (): OutboxStorage => {
  let kept: OutboxRecord | null = null;
  return {
    load: () => kept,
    save: (record) => {
      kept = record;
    },
  };
};
