import { elementOf } from "./element.ts";

export interface Composer {
  /** What is being written belongs to this place; it survives a reload there. */
  open(place: string): void;
  /** Puts a text back, before what is being written. */
  putBack(text: string): void;
  enable(enabled: boolean): void;
  focus(): void;
}

const nameOf = (place: string): string => `skep.draft.${place}`;

/** @param send is given a text that is not empty; false: it was not taken, keep it */
export function composer(send: (text: string) => boolean | Promise<boolean>): Composer {
  const form = elementOf("composer", HTMLFormElement);
  const field = elementOf("text", HTMLTextAreaElement);
  const sendButton = elementOf("send", HTMLButtonElement);
  let place = "";
  let enabled = true;

  const changed = (): void => {
    sendButton.disabled = !enabled || field.value.trim() === "";
    try {
      if (field.value === "") localStorage.removeItem(nameOf(place));
      else localStorage.setItem(nameOf(place), field.value);
    } catch {
      // Without storage a reload loses what is being written, nothing else.
    }
  };
  const submit = async (): Promise<void> => {
    const text = field.value;
    if (!enabled || text.trim() === "") return;
    field.value = "";
    changed();
    if (!(await send(text))) {
      field.value = text + field.value;
      changed();
    }
  };

  field.addEventListener("input", changed);
  field.addEventListener("keydown", (event) => {
    // While an input method is composing, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void submit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
    field.focus();
  });

  return {
    open: (next) => {
      place = next;
      field.value = localStorage.getItem(nameOf(place)) ?? "";
      changed();
    },
    putBack: (text) => {
      field.value = field.value === "" ? text : `${text}\n${field.value}`;
      changed();
      field.focus();
    },
    enable: (next) => {
      enabled = next;
      field.disabled = !next;
      changed();
    },
    // On a touch screen that would bring up the keyboard unasked.
    focus: () => {
      if (matchMedia("(hover: hover)").matches) field.focus();
    },
  };
}
