/** Files of messages on their way to a bot: which ones a turn gets. How is for others to say. */
import type { MessageFile } from "@skep/protocol";
import type { TurnFile } from "@skep/protocol/bot";
import type { StoredMessage } from "../store/store.ts";
import type { TurnRequest } from "./turn.ts";

/** An attempt cannot have its files, and no other can; the message is a sentence for people. */
export class FilesNotGiven extends Error {
  override name = "FilesNotGiven";
}

export interface Given {
  /** By id. */
  files: ReadonlyMap<string, TurnFile>;
  /** The attempt is over. */
  takeBack: () => void;
}

export interface TurnFiles {
  /**
   * Makes files readable for one attempt: all of its own message, of the earlier ones (the newest first) those images that fit.
   * @throws FilesNotGiven
   */
  give(bot: string, token: string, own: readonly string[], earlier: readonly string[]): Promise<Given>;
}

const idsOf = (files: string | null): string[] => (files === null ? [] : (JSON.parse(files) as MessageFile[]).map(({ id }) => id));

/** Puts the files of its message and of the history into a request. @returns how to take them back; null when there are none */
export async function giveFiles(
  from: TurnFiles,
  { bot, token }: { bot: string; token: string },
  request: Pick<TurnRequest, "files" | "history">,
  message: Pick<StoredMessage, "files"> | undefined,
  history: readonly Pick<StoredMessage, "files" | "role">[],
): Promise<(() => void) | null> {
  const own = idsOf(message?.files ?? null);
  const said = history.filter(({ role }) => role !== "system");
  const earlier = said.toReversed().flatMap(({ files }) => idsOf(files));
  if (own.length === 0 && earlier.length === 0) return null;
  const { files, takeBack } = await from.give(bot, token, own, earlier);
  const readable = (ids: readonly string[]): TurnFile[] => ids.flatMap((id) => files.get(id) ?? []);
  if (own.length > 0) request.files = readable(own);
  for (const [i, { files: named }] of said.entries()) {
    const entry = request.history?.[i];
    if (entry && named !== null) entry.files = readable(idsOf(named));
  }
  return takeBack;
}
