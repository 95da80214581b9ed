/**
 * Branches: a conversation that begins with the messages of another one before some place, and goes on in its own way (an earlier message
 * was edited). Those messages are not copied: they belong to the conversation in which they were said, and are shown by every branch that
 * begins with them, under the same numbers. Erasing that conversation leaves what its branches show.
 */

/** A branch of a branch of a branch… at most so many times: whoever reads the first message goes through all of them. */
export const deepestBranch = 1000;

/**
 * Begins a branch and appends its first message, with the bot's turn, in one step. The same `publicId` again is the same branch: it answers
 * `duplicate` as `append` does. Answers: `Branched` or `Refused` (`not_found`, `field_invalid`, `key_conflict`, `state_conflict`).
 */
export interface BeginBranch {
  op: "begin-branch";
  /** Of the branch. */
  publicId: string;
  /** The conversation that it is a branch of. */
  origin: number;
  /** Number of its first message of its own: it shows the messages of `origin` before it. */
  seq: number;
  person: string;
  bot: string;
  key: string | null;
  text: string;
  /** As in `append`. The files of the messages before are the branch's too: they stay as long as it does. */
  files?: readonly string[];
  at: number;
}

export interface Branched {
  ok: true;
  conversation: number;
  /** Of its first message. */
  id: number;
  turn: number | null;
  duplicate: boolean;
}

/** A place at which several conversations go on in different ways. */
export interface StoredFork {
  /** Number of the first message in which they differ. */
  seq: number;
  /** Public ids, in the order in which they began. The one that was asked about stands for itself where the conversation it has this message of is gone. */
  conversations: string[];
  /** Place in `conversations` of the one whose message the conversation that was asked about shows. */
  shown: number;
}
