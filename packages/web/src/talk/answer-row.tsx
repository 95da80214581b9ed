import type { Message, PlacedPart } from "@skep/protocol";
import { memo, type ReactNode } from "react";
import type { ConversationFeed } from "../state/conversation-feed.ts";
import type { TailRow } from "../state/feed-view.ts";
import { AnswerBody } from "./answer-body.tsx";
import { answerFace, BotText } from "./message-row.tsx";
import { turnFace } from "./turn-row.tsx";

/** What stands in the row of an answer, from its first letter to long after. */
export interface Face {
  author: string;
  /** In place of a body: what is no answer, but why there is none. */
  note: ReactNode;
  text: string;
  parts: readonly PlacedPart[];
  /** It is being written; "over": what was written is going to be replaced. */
  draft: "live" | "over" | null;
  below: ReactNode;
  details: ReactNode;
  looked: boolean;
}

export interface AnswerRowProps {
  feed: ConversationFeed;
  bot: string;
  online: boolean;
  /** One of the two. */
  message: Message | null;
  row: Extract<TailRow, { kind: "turn" }> | null;
  mayRetry: boolean;
  looked: boolean;
  /** Asks the question of this answer once more, in a branch; null where there is none. */
  askAgain: ((answer: Message) => void) | null;
}

/**
 * An answer while it is written and when it is: one component for both, so that nothing of a long one is drawn anew at its end, and what was selected or
 * unfolded in it stays so.
 */
export const AnswerRow = memo(function AnswerRow(props: AnswerRowProps): ReactNode {
  const { message, row } = props;
  const face = message ? answerFace({ ...props, message }) : row ? turnFace({ ...props, row }) : null;
  if (!face) return null;
  const { author, note, text, parts, draft, below, details, looked } = face;
  return (
    <BotText author={author} details={details} looked={looked} always={draft !== null}>
      {note ?? (
        <div data-draft={draft ?? undefined} className={draft === "over" ? "opacity-50" : ""}>
          <AnswerBody text={text} parts={parts} live={draft === "live"} />
        </div>
      )}
      {below}
    </BotText>
  );
});
