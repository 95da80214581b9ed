import { X } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { IconButton } from "./button.tsx";

interface Props {
  title: string;
  close: () => void;
  children: ReactNode;
  /** The title is only for those who do not see. */
  bare?: boolean;
  className?: string;
}

/** The browser's own dialog: it keeps the focus inside, gives it back, closes on Esc, and makes the rest inert. */
export function Dialog({ title, close, children, bare = false, className = "max-w-md" }: Props): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    // A press beside the dialog closes it; Esc does the same for the keyboard.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={dialog}
      aria-label={title}
      onClose={close}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
      className={`m-auto w-[calc(100%-2rem)] overflow-hidden rounded-2xl border border-line bg-raised p-0 shadow-2xl ${className}`}
    >
      {bare ? null : (
        <header className="flex items-center justify-between gap-2 border-b border-line py-2.5 ps-5 pe-2.5">
          <h2 className="font-semibold">{title}</h2>
          <IconButton label="Close" onClick={close}>
            <X size={18} />
          </IconButton>
        </header>
      )}
      {children}
    </dialog>
  );
}
