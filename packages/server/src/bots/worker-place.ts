import type { HistoryEntry, TurnFile } from "@skep/protocol/bot";

export interface Request {
  token: string;
  attempt: number;
  conversation: string;
  author: string;
  text: string;
  files?: TurnFile[];
  history?: HistoryEntry[];
}

/** A worker's place for one attempt, as the turns see it. */
export interface WorkerPlace {
  context: "message" | "history";
  /** @returns false when the process has ended. */
  give(request: Request): boolean;
  /** Does nothing once it was given: then the process lets go of it. */
  release(): void;
  /** The place behind this one, for the conversation's next turn; null when the bot does not work ahead so far. */
  next(): WorkerPlace | null;
  cancel(token: string, graceMs: number, onLetGo: () => void): void;
  /** Nothing when the process does not have the attempt any more. */
  decide(token: string, request: string, option: string | null): void;
}
