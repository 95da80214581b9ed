import { Square } from "lucide-react";
import type { Draft } from "@skep/client";
import type { ConversationFeed } from "../state/conversation-feed.ts";
import type { TailRow } from "../state/feed-view.ts";
import { sentenceOf } from "../state/queries.ts";
import { visible } from "../text/visible.tsx";
import { showNotice } from "../ui/notices.tsx";
import { turnSentence } from "../ui/sentences.ts";
import type { Face } from "./answer-row.tsx";
import { PermissionCard } from "./permission-card.tsx";

const noParts: TurnParts = [];

type TurnParts = Draft["parts"];

export async function stopTurn(feed: ConversationFeed, turn: string): Promise<void> {
  await feed.conversation
    .cancel(turn)
    .catch((error: unknown) => showNotice(`The answer was not stopped: ${sentenceOf(error)}`, { bad: true }));
}

interface Props {
  feed: ConversationFeed;
  row: Extract<TailRow, { kind: "turn" }>;
  bot: string;
  online: boolean;
}

/** An answer while it is written. */
export function turnFace({ feed, row, bot, online }: Props): Face {
  const { draft, view, turn } = row;
  const text = draft?.text ?? "";
  const over = draft?.outcome === "interrupted";
  const waits = !draft && !view;
  const sentence =
    online && waits
      ? `Waiting for ${bot}…`
      : online && over && view?.state !== "retrying"
        ? "Interrupted, trying again…"
        : turnSentence(view, bot, online);
  const details = (
    <div className="status working flex items-center gap-2 text-sm" role="status">
      <span className={text === "" && online && row.permissions.length === 0 ? "pulse" : ""}>{visible(sentence)}</span>
      {online ? (
        <button
          type="button"
          onClick={() => void stopTurn(feed, turn)}
          className="inline-flex h-7 items-center gap-1.5 rounded-md px-2 hover:bg-hover hover:text-ink"
        >
          <Square size={11} fill="currentColor" /> Stop
        </button>
      ) : null}
    </div>
  );
  const below = row.permissions.map((permission) => (
    <PermissionCard key={permission.id} feed={feed} permission={permission} online={online} />
  ));
  return { author: bot, note: null, text, parts: draft?.parts ?? noParts, draft: over ? "over" : "live", below, details, looked: false };
}
