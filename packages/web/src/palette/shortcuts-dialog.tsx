import type { ReactNode } from "react";
import { useStored, writeStored } from "../state/stored.ts";
import { Dialog } from "../ui/dialog.tsx";
import { lettersOff, shortcuts } from "./shortcut-keys.ts";

export function ShortcutsDialog({ close }: { close: () => void }): ReactNode {
  const off = useStored(lettersOff) !== null;
  return (
    <Dialog title="Keyboard shortcuts" close={close}>
      <dl id="shortcuts" className="space-y-1 p-5 text-sm">
        {shortcuts.map(({ keys, what }) => (
          <div key={what} className="flex items-center justify-between gap-4 py-0.5">
            <dt>{what}</dt>
            <dd className="flex gap-1">
              {keys.map((key) => (
                <kbd key={key} className="min-w-6 rounded-md border border-line bg-sunken px-1.5 py-0.5 text-center font-sans text-xs">
                  {key}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <label className="flex items-center gap-2 border-t border-line px-5 py-3 text-sm">
        <input type="checkbox" checked={!off} onChange={(event) => writeStored(lettersOff, event.target.checked ? null : "off")} />
        Single letters are commands
      </label>
    </Dialog>
  );
}
