/** Counts what must not happen, with one example of each kind. */
export interface FaultTally {
  add(kind: string, example: string): void;
  list(): { kind: string; count: number; example: string }[];
}

export function faultTally(): FaultTally {
  const kinds = new Map<string, { kind: string; count: number; example: string }>();
  return {
    add(kind, example) {
      const known = kinds.get(kind);
      if (known) known.count++;
      else kinds.set(kind, { kind, count: 1, example });
    },
    list: () => [...kinds.values()],
  };
}
