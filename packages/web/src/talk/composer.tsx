import { ArrowUp, Square } from "lucide-react";
import { type KeyboardEvent, type ReactNode, type Ref, useEffect, useImperativeHandle, useLayoutEffect, useRef } from "react";
import { useStored, writeStored } from "../state/stored.ts";

export interface ComposerHandle {
  /** Puts a text back, before what is being written. */
  putBack: (text: string) => void;
}

interface Props {
  /** What is being written belongs to this place; it survives a reload there, and other tabs show it too. */
  place: string;
  bot: string;
  disabled?: boolean;
  /** @returns false: it was not taken, keep it */
  send: (text: string) => boolean | Promise<boolean>;
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

export function Composer({ place, bot, disabled = false, send, stop, editLast, ref }: Props): ReactNode {
  const name = nameOf(place);
  const text = useStored(name) ?? "";
  const field = useRef<HTMLTextAreaElement>(null);
  const write = (next: string): void => writeStored(name, next === "" ? null : next);

  useImperativeHandle(ref, () => ({
    putBack: (back) => {
      write(text === "" ? back : `${back}\n${text}`);
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

  const submit = async (): Promise<void> => {
    if (disabled || text.trim() === "") return;
    write("");
    if (!(await send(text))) write(text);
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
  const empty = text.trim() === "";
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
      <div className="flex items-end gap-2 rounded-3xl border border-edge bg-raised py-1.5 ps-4 pe-1.5 shadow-sm focus-within:border-honey focus-within:outline-1 focus-within:outline-honey">
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
          placeholder={`Message ${bot}`}
          enterKeyHint="send"
          aria-describedby="keys"
          className="min-h-9 flex-1 resize-none bg-transparent py-1.5 outline-none placeholder:text-soft disabled:opacity-60"
          onChange={(event) => write(event.target.value)}
          onKeyDown={pressed}
        />
        {stop && empty ? (
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
            disabled={disabled || empty}
            aria-label="Send"
            title="Send (Enter)"
            className="flex size-9 shrink-0 items-center justify-center rounded-full bg-honey text-on-honey hover:brightness-110 disabled:bg-hover disabled:text-soft"
          >
            <ArrowUp size={19} strokeWidth={2.4} />
          </button>
        )}
      </div>
      <p id="keys" className="mt-1.5 text-center text-xs text-soft max-sm:hidden pointer-coarse:hidden">
        Enter sends · Shift+Enter starts a new line · Esc stops the answer
      </p>
    </form>
  );
}
