import type { Conversation } from "@skep/protocol";
import { type FormEvent, type ReactNode, useState } from "react";
import { useForks } from "../state/branches.ts";
import { sentenceOf, useErase, useRename } from "../state/queries.ts";
import { useSkep } from "../state/skep.ts";
import { visible } from "../text/visible.tsx";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { showNotice } from "../ui/notices.tsx";
import { titleOf } from "./title.ts";

const longest = 200;

export function RenameDialog({ conversation, close }: { conversation: Conversation; close: () => void }): ReactNode {
  const [title, setTitle] = useState(titleOf(conversation));
  const { mutate, isPending, error } = useRename();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate({ id: conversation.id, title: title.trim() }, { onSuccess: close });
  };
  return (
    <Dialog title="Rename the conversation" close={close}>
      <form className="space-y-4 p-5" onSubmit={submit}>
        <label className="block text-sm">
          <span className="mb-1 block text-soft">Title</span>
          <input
            className="w-full rounded-lg border border-edge bg-paper px-3 py-2"
            value={title}
            maxLength={longest}
            // oxlint-disable-next-line jsx-a11y/no-autofocus -- the only field of a dialog that was just asked for
            autoFocus
            onFocus={(event) => event.target.select()}
            onChange={(event) => setTitle(event.target.value)}
          />
        </label>
        {error ? <p className="text-sm text-bad">{sentenceOf(error)}</p> : null}
        <div className="flex justify-end gap-2">
          <Button onClick={close}>Cancel</Button>
          <Button type="submit" look="primary" disabled={isPending || title.trim() === ""}>
            Rename
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function EraseDialog({
  conversation,
  close,
  erased,
}: {
  conversation: Conversation;
  close: () => void;
  erased: () => void;
}): ReactNode {
  const { feeds } = useSkep();
  const { mutateAsync } = useErase();
  const { head } = conversation;
  const forks = useForks(conversation.id);
  const shared = conversation.from !== undefined || forks.size > 0;
  const messages = head === 1 ? "Its only message is" : `All ${head.toLocaleString()} messages are`;
  const run = async (): Promise<void> => {
    try {
      await mutateAsync(conversation.id);
    } catch (error) {
      showNotice(`It was not erased: ${sentenceOf(error)}`, { bad: true });
      return;
    }
    feeds.drop(conversation.id);
    erased();
    showNotice(`“${titleOf(conversation)}” was erased.`);
  };
  return (
    <Confirm title="Erase the conversation?" action="Erase" run={run} close={close}>
      <p className="mb-2 font-medium">{visible(titleOf(conversation))}</p>
      <p>
        {head === 0
          ? "Nothing was said in it yet."
          : shared
            ? "What it says is erased from the server, except what is also in other branches. This cannot be taken back."
            : `${messages} erased from the server. This cannot be taken back.`}
      </p>
    </Confirm>
  );
}
