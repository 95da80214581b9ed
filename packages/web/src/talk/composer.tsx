import type { MessageFile } from "@skep/protocol";
import { ArrowUp, Paperclip, Square } from "lucide-react";
import {
  type ClipboardEvent,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
} from "react";
import { useStored, writeStored } from "../state/stored.ts";
import { showNotice } from "../ui/notices.tsx";
import { AttachmentTray } from "./attachment-tray.tsx";
import { useAttachments } from "./attachments.ts";
import { useDroppedFiles } from "./use-dropped-files.ts";

export interface ComposerHandle {
  /** Puts a message back, before what is being written. */
  putBack: (text: string, files?: readonly MessageFile[]) => void;
}

interface Props {
  /** What is being written belongs to this place; it survives a reload there, and other tabs show it too. */
  place: string;
  bot: string;
  disabled?: boolean;
  /** @returns false: it was not taken, keep it */
  send: (text: string, files: readonly MessageFile[]) => boolean | Promise<boolean>;
  /** Does the bot take files? */
  takesFiles: boolean;
  /** Stops the answer that is being written; null when there is none. */
  stop: (() => void) | null;
  /** Arrow up in the empty field: the last message is to be said in another way. */
  editLast?: () => void;
  ref?: Ref<ComposerHandle>;
}

const nameOf = (place: string): string => `skep.draft.${place}`;
const tallest = 320;

/** On a touch screen the keyboard does not come up unasked. */
const mayTakeFocus = (): boolean => matchMedia("(hover: hover)").matches && !document.querySelector("dialog[open]");

export function Composer({ place, bot, disabled = false, send, takesFiles, stop, editLast, ref }: Props): ReactNode {
  const name = nameOf(place);
  const text = useStored(name) ?? "";
  const field = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const files = useAttachments(place);
  const attach = (chosen: Iterable<File>): void => {
    if (takesFiles) files.add(chosen);
    else showNotice(`${bot} takes no files.`, { bad: true });
  };
  const over = useDroppedFiles(attach);
  const write = (next: string): void => writeStored(name, next === "" ? null : next);

  useImperativeHandle(ref, () => ({
    putBack: (back, backFiles) => {
      if (backFiles) files.putBack(backFiles);
      if (back !== "") write(text === "" ? back : `${back}\n${text}`);
      field.current?.focus();
    },
  }));
  useEffect(() => {
    if (mayTakeFocus()) field.current?.focus();
  }, [place]);
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, tallest)}px`;
  }, [text]);

  const empty = text.trim() === "" && files.ready.length === 0;
  const pasted = (event: ClipboardEvent): void => {
    // A table that is copied comes as text and as a picture of it.
    if (event.clipboardData.files.length === 0 || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    attach(event.clipboardData.files);
  };
  // What failed to upload is not left out in silence.
  const unsendable = empty || files.uploading.length > 0 || (files.ready.length > 0 && !takesFiles);
  const submit = async (): Promise<void> => {
    if (disabled || unsendable) return;
    write("");
    const taken = files.take();
    if (await send(text, taken)) return;
    write(text);
    files.putBack(taken);
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "ArrowUp" && text === "" && editLast && !event.altKey) {
      event.preventDefault();
      editLast();
      return;
    }
    // While an input method is composing, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void submit();
  };
  return (
    <form
      id="composer"
      autoComplete="off"
      className="mx-auto w-full max-w-3xl px-3 pb-2 side:px-7"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
        field.current?.focus();
      }}
    >
      <div
        className={`rounded-3xl border bg-raised shadow-sm focus-within:border-honey focus-within:outline-1 focus-within:outline-honey ${over && takesFiles ? "border-dashed border-honey outline-2 outline-honey" : "border-edge"}`}
      >
        <AttachmentTray files={files} />
        <div className={`flex items-end gap-2 py-1.5 pe-1.5 ${takesFiles ? "ps-1.5" : "ps-4"}`}>
          {takesFiles ? (
            <>
              <input
                ref={chooser}
                id="files"
                type="file"
                multiple
                hidden
                onChange={(event) => {
                  files.add(event.target.files ?? []);
                  event.target.value = "";
                  field.current?.focus();
                }}
              />
              <button
                id="attach"
                type="button"
                disabled={disabled}
                onClick={() => chooser.current?.click()}
                aria-label="Attach files"
                title="Attach files (or paste or drop them here)"
                className="flex size-9 shrink-0 items-center justify-center rounded-full text-soft hover:bg-hover hover:text-ink disabled:opacity-40"
              >
                <Paperclip size={18} />
              </button>
            </>
          ) : null}
          <label htmlFor="text" className="sr-only">
            Message to {bot}
          </label>
          <textarea
            id="text"
            ref={field}
            rows={1}
            dir="auto"
            value={text}
            disabled={disabled}
            placeholder={over && takesFiles ? "Drop to attach" : `Message ${bot}`}
            enterKeyHint="send"
            aria-describedby="keys"
            className="min-h-9 flex-1 resize-none bg-transparent py-1.5 outline-none placeholder:text-soft disabled:opacity-60"
            onChange={(event) => write(event.target.value)}
            onKeyDown={pressed}
            onPaste={pasted}
          />
          {stop && empty && files.uploading.length === 0 ? (
            <button
              type="button"
              onClick={stop}
              aria-label="Stop the answer"
              title="Stop the answer (Esc)"
              className="flex size-9 shrink-0 items-center justify-center rounded-full bg-ink text-paper hover:opacity-85"
            >
              <Square size={13} fill="currentColor" />
            </button>
          ) : (
            <button
              id="send"
              type="submit"
              disabled={disabled || unsendable}
              aria-label="Send"
              title={files.uploading.length > 0 ? "Waits until all files are uploaded or removed" : "Send (Enter)"}
              className="flex size-9 shrink-0 items-center justify-center rounded-full bg-honey text-on-honey hover:brightness-110 disabled:bg-hover disabled:text-soft"
            >
              <ArrowUp size={19} strokeWidth={2.4} />
            </button>
          )}
        </div>
      </div>
      <p id="keys" className="mt-1.5 text-center text-xs text-soft max-sm:hidden pointer-coarse:hidden">
        Enter sends · Shift+Enter starts a new line · Esc stops the answer
      </p>
    </form>
  );
}
