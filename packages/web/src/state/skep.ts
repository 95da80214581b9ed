import type { Client, ConnectionState } from "@skep/client";
import type { Bot } from "@skep/protocol";
import { createContext, use, useCallback, useSyncExternalStore } from "react";
import type { FeedPool } from "./feed-pool.ts";

/** What every part of the page may use: the connection, and the conversations that are held open. */
export interface Skep {
  client: Client;
  feeds: FeedPool;
}

export const SkepContext = createContext<Skep | null>(null);

export function useSkep(): Skep {
  const skep = use(SkepContext);
  if (!skep) throw new Error("this part of the page stands outside of SkepContext");
  return skep;
}

export function useConnection(): ConnectionState {
  const { client } = useSkep();
  // The same function each time: another one would make the page leave the fleet and come back, and ask for it, at every drawing.
  const subscribe = useCallback((changed: () => void) => client.onConnection(changed), [client]);
  return useSyncExternalStore(subscribe, () => client.connection);
}

/** All bots with their live state, by name. */
export function useBots(): ReadonlyMap<string, Bot> {
  const { client } = useSkep();
  const subscribe = useCallback((changed: () => void) => client.fleet.watch(changed), [client]);
  return useSyncExternalStore(subscribe, () => client.fleet.bots);
}
