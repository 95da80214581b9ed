/** Values in the browser's storage, which every tab sees: what one changes, all show. Without storage they last as long as the page. */
import { useCallback, useSyncExternalStore } from "react";

const values = new Map<string, string | null>();
const listeners = new Map<string, Set<() => void>>();

export function readStored(name: string): string | null {
  if (values.has(name)) return values.get(name) ?? null;
  let value: string | null = null;
  try {
    value = localStorage.getItem(name);
  } catch {
    // As if nothing had been stored.
  }
  values.set(name, value);
  return value;
}

export function writeStored(name: string, value: string | null): void {
  values.set(name, value);
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // Full or forbidden: it is lost with the page, nothing else.
  }
  for (const listener of listeners.get(name) ?? []) listener();
}

addEventListener("storage", ({ key, newValue }) => {
  if (key === null) values.clear();
  else values.set(key, newValue);
  for (const [name, those] of listeners) if (key === null || key === name) for (const listener of those) listener();
});

export function onStored(name: string, listener: () => void): () => void {
  const those = listeners.get(name) ?? new Set();
  listeners.set(name, those.add(listener));
  return () => those.delete(listener);
}

export function useStored(name: string): string | null {
  const subscribe = useCallback((changed: () => void) => onStored(name, changed), [name]);
  return useSyncExternalStore(subscribe, () => readStored(name));
}
