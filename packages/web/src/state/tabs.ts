/** Tells the other tabs that a list has changed. */
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("skep") : null;

export type Changed = "conversations";

export const tellTabs = (changed: Changed): void => channel?.postMessage(changed);

export function onTold(listener: (changed: Changed) => void): () => void {
  const heard = ({ data }: MessageEvent): void => listener(data as Changed);
  channel?.addEventListener("message", heard);
  return () => channel?.removeEventListener("message", heard);
}
