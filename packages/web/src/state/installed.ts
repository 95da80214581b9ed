/** The page as an app: it opens without its server, is told when there is a newer one, and is put among the programs of the device. */
import { useSyncExternalStore } from "react";

const address = "/service-worker.js";

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: () => string }): { createScriptURL(url: string): unknown };
}

/** The page's policy lets no text become code. This is the one exception, and whoever uses it gets this one address. */
function script(): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  return (trustedTypes?.createPolicy("skep-worker", { createScriptURL: () => address }).createScriptURL(address) ?? address) as string;
}

/**
 * Keeps the page for times without a server. Where the browser has no workers, everything else works.
 * @param updated is called when the server has another build of the page than the one that is open
 * @returns asks the server now whether it has
 */
export function keepForOffline(updated: () => void): () => void {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!workers) return () => {};
  const own = document.querySelector<HTMLMetaElement>('meta[name="build"]')?.content;
  workers.addEventListener("message", ({ data }: MessageEvent<{ build?: string }>) => {
    if (data.build !== own) updated();
  });
  const registered = workers.register(script(), { updateViaCache: "none" });
  const look = (): void => void registered.then((registration) => registration.update()).catch(() => {});
  // The browser would look by itself, some time after the page was loaded.
  if (workers.controller) look();
  return look;
}

interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

let offered: InstallPrompt | null = null;
const listeners = new Set<() => void>();

function offer(next: InstallPrompt | null): void {
  offered = next;
  for (const listener of listeners) listener();
}

addEventListener("beforeinstallprompt", (event) => {
  // The browser would ask by itself, at a moment of its own.
  event.preventDefault();
  offer(event as InstallPrompt);
});
addEventListener("appinstalled", () => offer(null));

const subscribe = (changed: () => void): (() => void) => {
  listeners.add(changed);
  return () => listeners.delete(changed);
};

/** @returns asks the person whether to install the page as an app; null where the browser does not offer it, or it is installed */
export function useInstall(): (() => void) | null {
  const prompt = useSyncExternalStore(subscribe, () => offered);
  if (!prompt) return null;
  return () => {
    offer(null);
    void prompt.prompt();
  };
}
