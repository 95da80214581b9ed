import { X } from "lucide-react";
import { type ReactNode, useSyncExternalStore } from "react";
import { visible } from "../text/visible.tsx";
import { IconButton } from "./button.tsx";

export interface Notice {
  id: number;
  text: string;
  bad: boolean;
  action: { label: string; run: () => void } | null;
}

const shownMs = 8000;
let notices: readonly Notice[] = [];
let made = 0;
const listeners = new Set<() => void>();

function set(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

export const closeNotice = (id: number): void => set(notices.filter((notice) => notice.id !== id));

interface NoticeOptions {
  bad?: boolean;
  action?: Notice["action"];
  /** Until somebody closes it or does what it offers. */
  stays?: boolean;
}

/** A line for a while. The same line is not shown twice at a time. */
export function showNotice(text: string, { bad = false, action = null, stays = false }: NoticeOptions = {}): void {
  if (notices.some((notice) => notice.text === text)) return;
  const id = ++made;
  set([...notices.slice(-3), { id, text, bad, action }]);
  if (!stays) setTimeout(() => closeNotice(id), bad ? 2 * shownMs : shownMs);
}

export function Notices(): ReactNode {
  const list = useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    () => notices,
  );
  return (
    <div id="notices" role="status" className="pointer-events-none fixed inset-x-0 bottom-28 z-40 flex flex-col items-center gap-2 px-4">
      {list.map(({ id, text, bad, action }) => (
        <div
          key={id}
          className={`pointer-events-auto flex max-w-lg items-center gap-3 rounded-xl border py-1.5 ps-4 pe-1.5 text-sm shadow-lg ${
            bad ? "border-bad/40 bg-bad-back text-ink" : "border-line bg-raised"
          }`}
        >
          <span className="min-w-0 flex-1 wrap-anywhere">{visible(text)}</span>
          {action ? (
            <button
              type="button"
              className="font-medium text-honey hover:underline"
              onClick={() => {
                closeNotice(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          ) : null}
          <IconButton label="Close" onClick={() => closeNotice(id)}>
            <X size={16} />
          </IconButton>
        </div>
      ))}
    </div>
  );
}
