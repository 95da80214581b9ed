import type { Message } from "@skep/protocol";
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef } from "react";
import { useBranch } from "../state/branches.ts";
import { sentenceOf } from "../state/queries.ts";
import { go } from "../state/route.ts";
import { useStored, writeStored } from "../state/stored.ts";
import { Button } from "../ui/button.tsx";

const tallest = 400;

/** A message of one's own, to be said in another way: in a branch, since what was said stays as it is. What is written survives a reload. */
export function EditMessage({ id, message, close }: { id: string; message: Message; close: () => void }): ReactNode {
  const { seq } = message;
  const name = `skep.edit.${id}.${seq}`;
  const text = useStored(name) ?? message.text;
  const field = useRef<HTMLTextAreaElement>(null);
  const { mutate, isPending, error } = useBranch(id);
  useEffect(() => {
    const element = field.current;
    element?.focus();
    element?.setSelectionRange(element.value.length, element.value.length);
  }, []);
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, tallest)}px`;
  }, [text]);
  const cancel = (): void => {
    writeStored(name, null);
    close();
    document.getElementById("text")?.focus();
  };
  const submit = (): void => {
    if (isPending || (text.trim() === "" && !message.files)) return;
    mutate(
      { seq, text },
      {
        onSuccess: (branch) => {
          writeStored(name, null);
          close();
          go({ page: "conversation", id: branch, seq: 0 });
        },
      },
    );
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") cancel();
    else if (event.key === "Enter" && !event.shiftKey) submit();
    else return;
    event.preventDefault();
  };
  return (
    <form
      className="edit mt-1.5 mb-5 rounded-2xl border border-honey bg-own p-2"
      aria-label="Edit your message"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <textarea
        ref={field}
        dir="auto"
        rows={1}
        value={text}
        readOnly={isPending}
        aria-label="Your message, in other words"
        aria-describedby={`edit-${seq}`}
        className="block w-full resize-none bg-transparent px-2 py-1 outline-none"
        onChange={(event) => writeStored(name, event.target.value)}
        onKeyDown={pressed}
      />
      <div className="mt-1 flex flex-wrap items-center justify-end gap-2">
        <p
          id={`edit-${seq}`}
          role={error ? "alert" : undefined}
          className={`min-w-48 flex-1 px-2 text-xs ${error ? "text-bad" : "text-soft"}`}
        >
          {error ? `No branch was begun: ${sentenceOf(error)}` : "This conversation stays as it is. The branch has what was said before."}
        </p>
        <Button look="quiet" onClick={cancel}>
          Cancel
        </Button>
        <Button type="submit" look="primary" disabled={isPending || (text.trim() === "" && !message.files)}>
          {isPending ? "Sending…" : "Send as a new branch"}
        </Button>
      </div>
    </form>
  );
}
