import type { PendingSend } from "@skep/client";
import type { MessageFile } from "@skep/protocol";
import { Clock3, TriangleAlert } from "lucide-react";
import { memo, type ReactNode } from "react";
import type { ConversationFeed } from "../state/conversation-feed.ts";
import { visible } from "../text/visible.tsx";
import { Button } from "../ui/button.tsx";
import { pendingSentence } from "../ui/sentences.ts";
import { PersonText } from "./message-row.tsx";

interface Props {
  feed: ConversationFeed;
  send: PendingSend;
  online: boolean;
  edit: (text: string, files?: readonly MessageFile[]) => void;
}

/** A message of ours on its way. It says what it waits for, and stays with the reason when it was refused. */
export const PendingRow = memo(function PendingRow({ feed, send, online, edit }: Props): ReactNode {
  const { key, text, files, state } = send;
  const sentence = pendingSentence(send, online);
  const dismiss = (): void => feed.conversation.dismiss(key);
  const details =
    state === "failed" ? (
      <div className="status mt-1 flex flex-wrap items-center justify-end gap-2 text-sm text-bad" role="alert">
        <span className="flex items-center gap-1.5">
          <TriangleAlert size={15} className="shrink-0" /> {visible(sentence)}
        </span>
        <Button
          onClick={() => {
            dismiss();
            edit(text, files);
          }}
        >
          Edit
        </Button>
        <Button look="quiet" onClick={dismiss}>
          Dismiss
        </Button>
      </div>
    ) : sentence === "" ? null : (
      <span className="status flex items-center gap-1">
        <Clock3 size={13} /> {sentence}
      </span>
    );
  return (
    <div data-pending={state}>
      <PersonText text={text} files={files} details={details} faded={state !== "accepted"} short={state === "failed"} />
    </div>
  );
});
