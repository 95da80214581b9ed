/** `@skep/client/react`: thin hooks over the client. React 18 or newer. */
import { createContext, useCallback, useContext, useMemo, useSyncExternalStore } from "react";
import type { Client } from "../client.ts";
import type { ConnectionState } from "../connection-state.ts";
import type { Bots } from "../fleet.ts";
import { type ConversationSnapshot, ConversationWindow } from "./conversation-window.ts";

export type { ConversationSnapshot } from "./conversation-window.ts";

/** `<ClientContext value={client}>` (React 18: `<ClientContext.Provider value={client}>`) around whatever uses the hooks. */
export const ClientContext = createContext<Client | null>(null);

/** @throws Error outside of a `ClientContext` */
export function useClient(): Client {
  const client = useContext(ClientContext);
  if (client === null) throw new Error("There is no client: put <ClientContext value={connect({ … })}> around this component.");
  return client;
}

export function useConnection(): ConnectionState {
  const client = useClient();
  const subscribe = useCallback((listener: () => void) => client.onConnection(listener), [client]);
  const current = (): ConnectionState => client.connection;
  return useSyncExternalStore(subscribe, current, current);
}

/** All bots with their live state. */
export function useFleet(): Bots {
  const { fleet } = useClient();
  const subscribe = useCallback((listener: () => void) => fleet.watch(() => listener()), [fleet]);
  const current = (): Bots => fleet.bots;
  return useSyncExternalStore(subscribe, current, current);
}

/** The newest messages of a conversation and what is going on in it, live. @param options.limit messages at first, and for each `loadEarlier`; up to 500 */
export function useConversation(id: string, { limit = 100 }: { limit?: number } = {}): ConversationSnapshot {
  const client = useClient();
  const { subscribe, getSnapshot } = useMemo(() => new ConversationWindow(client, id, limit), [client, id, limit]);
  return useSyncExternalStore(subscribe, getSnapshot, getSnapshot);
}
