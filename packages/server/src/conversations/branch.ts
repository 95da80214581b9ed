import { createHash } from "node:crypto";
import { Refusal } from "@skep/protocol/errors";
import type { Store } from "../store/store.ts";
import type { BranchBegun, BranchFrom } from "./api.ts";
import { toConversation, turnName } from "./encode.ts";

/** The id of the branch that a key names: whoever asks again, whenever, asks for the same one (K3). */
export function branchName(person: string, conversation: string, key: string): string {
  const hash = createHash("sha256").update(JSON.stringify([person, conversation, key]));
  return `c${hash.digest("hex").slice(0, 24)}`;
}

/** The branch, if it was begun before. @throws Refusal `key_conflict` when its key named another one */
export async function branchKnown(
  store: Pick<Store, "conversation" | "messages" | "epoch">,
  publicId: string,
  from: BranchFrom,
): Promise<BranchBegun | null> {
  const row = await store.conversation(publicId);
  if (!row?.from) return null;
  const { seq } = row.from;
  const [first] = (await store.messages(row.conversation, { after: seq - 1, limit: 1 })).messages;
  if (seq !== from.before || first?.text !== from.text)
    throw new Refusal("key_conflict", "This key was used for a branch from another message or with another text");
  return {
    conversation: toConversation(row, store.epoch),
    seq,
    duplicate: true,
    turn: first.turn === null ? null : turnName(first.turn),
  };
}
