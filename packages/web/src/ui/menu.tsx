import { type KeyboardEvent, type ReactNode, useId, useRef } from "react";
import { IconButton } from "./button.tsx";

export interface MenuItem {
  label: string;
  icon: ReactNode;
  run: () => void;
  danger?: boolean;
}

/** A button that opens a list of things to do. The browser's popover closes it on Esc and on a press elsewhere. */
export function Menu({
  label,
  icon,
  items,
  className = "",
}: {
  label: string;
  icon: ReactNode;
  items: readonly MenuItem[];
  className?: string;
}): ReactNode {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  const opened = (open: boolean): void => {
    const menu = list.current;
    if (!open || !menu || !button.current) return;
    const at = button.current.getBoundingClientRect();
    menu.style.top = `${Math.max(8, Math.min(at.bottom + 4, innerHeight - menu.offsetHeight - 8))}px`;
    menu.style.left = `${Math.max(8, Math.min(at.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 8))}px`;
    menu.querySelector("button")?.focus();
  };
  const move = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const all = [...(list.current?.querySelectorAll("button") ?? [])];
    all[(all.indexOf(document.activeElement as HTMLButtonElement) + step + all.length) % all.length]?.focus();
  };

  return (
    <>
      <IconButton ref={button} label={label} popoverTarget={id} aria-haspopup="menu" className={className}>
        {icon}
      </IconButton>
      <div
        ref={list}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        tabIndex={-1}
        className="menu fixed min-w-44 rounded-xl border border-line bg-raised p-1 text-ink shadow-xl"
        onToggle={(event) => opened(event.newState === "open")}
        onKeyDown={move}
      >
        {items.map(({ label: name, icon: picture, run, danger = false }) => (
          <button
            key={name}
            type="button"
            role="menuitem"
            className={`flex min-h-9 w-full items-center gap-2.5 rounded-lg px-3 text-sm hover:bg-hover ${danger ? "text-bad" : ""}`}
            onClick={() => {
              list.current?.hidePopover();
              run();
            }}
          >
            {picture}
            {name}
          </button>
        ))}
      </div>
    </>
  );
}
