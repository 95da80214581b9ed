import { useSyncExternalStore } from "react";

/** Is the list shown over the page? Only a phone needs it: on wider screens the list is always there. */
let open = false;
const listeners = new Set<() => void>();

export function setSidebarOpen(next: boolean): void {
  if (open === next) return;
  open = next;
  for (const listener of listeners) listener();
}

export const useSidebarOpen = (): boolean =>
  useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    () => open,
  );
