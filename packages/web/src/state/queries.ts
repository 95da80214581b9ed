/** What the page asks the server by REST, and how long an answer counts. */
import { Refusal } from "@skep/client";
import type { Bot, BotEvent, BotPatch, BotsOverview, Conversation, Message, Overview, OverviewRange, Permission } from "@skep/protocol";
import { QueryClient, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Schema } from "../fleet/option-fields.ts";
import { useBots, useSkep } from "./skep.ts";
import { tellTabs } from "./tabs.ts";

export interface ConversationPage {
  conversations: Conversation[];
  cursor: string | null;
}

export interface LogLine {
  at: string;
  pid: number | null;
  source: "skep" | "bot" | "stderr";
  level: "debug" | "info" | "warn" | "error";
  text: string;
}

export interface Kind {
  name: string;
  title: string;
  summary: string;
  can: readonly string[];
  /** JSON Schema of a definition's options. */
  options: Schema;
}

export interface Found {
  conversation: string;
  title: string;
  bot: string;
  message: Message;
  places: { offset: number; length: number }[];
}

/** A model server that runs where Skep runs: `{...options, model}` are the options of a bot of its kind. */
export interface FoundServer {
  title: string;
  url: string;
  kind: string;
  options: Readonly<Record<string, string>>;
  models: readonly { name: string; bytes: number | null }[];
}

const listMs = 15_000;
const askingMs = 5000;
const logMs = 1500;
const overviewMs = 5000;
const botsOverviewMs = 20_000;

/** A refusal is an answer; only silence is tried again. */
export const newQueryClient = (): QueryClient =>
  new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 1000,
        retry: (failures, error) => !(error instanceof Refusal && error.status < 500) && failures < 8,
        retryDelay: (failures) => Math.min(500 * 2 ** failures, 5000),
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });

/** What went wrong, for people. */
export const sentenceOf = (error: unknown): string => (error instanceof Refusal ? error.message : "The server did not answer.");

export function useConversations(filter: { bot: string; query: string }) {
  const { client } = useSkep();
  return useInfiniteQuery({
    queryKey: ["conversations", filter],
    queryFn: async ({ pageParam, signal }) => {
      const parameters = new URLSearchParams({ limit: "60" });
      if (filter.bot !== "") parameters.set("bot", filter.bot);
      if (filter.query.trim() !== "") parameters.set("query", filter.query.trim());
      if (pageParam !== "") parameters.set("cursor", pageParam);
      return (await client.call("GET", `/api/conversations?${parameters}`, undefined, signal)) as ConversationPage;
    },
    initialPageParam: "",
    getNextPageParam: ({ cursor }) => cursor,
    refetchInterval: listMs,
    refetchIntervalInBackground: true,
    placeholderData: (before) => before,
  });
}

export function useConversation(id: string) {
  const { client } = useSkep();
  return useQuery({
    queryKey: ["conversation", id],
    queryFn: async ({ signal }) =>
      (await client.call("GET", `/api/conversations/${encodeURIComponent(id)}`, undefined, signal)) as Conversation,
    staleTime: 60_000,
    enabled: id !== "",
  });
}

export function useSearch(query: string) {
  const { client } = useSkep();
  return useQuery({
    queryKey: ["search", query],
    queryFn: async ({ signal }) =>
      (await client.call("GET", `/api/search?${new URLSearchParams({ query, limit: "8" })}`, undefined, signal)) as { found: Found[] },
    enabled: query.trim().length > 1,
    placeholderData: (before) => before,
  });
}

export function useKinds() {
  const { client } = useSkep();
  return useQuery({
    queryKey: ["kinds"],
    queryFn: async ({ signal }) => (await client.call("GET", "/api/kinds", undefined, signal)) as { kinds: Kind[] },
    staleTime: 60_000,
  });
}

export function useFound() {
  const { client } = useSkep();
  return useQuery({
    queryKey: ["found"],
    queryFn: async ({ signal }) =>
      (await client.call("GET", "/api/found", undefined, signal)) as { servers: FoundServer[]; ollamaUrl: string },
    staleTime: 5000,
  });
}

export function useAddBot() {
  const { client } = useSkep();
  return useMutation({
    mutationFn: async (definition: { name: string; kind: string; options: Record<string, unknown> }) =>
      (await client.call("POST", "/api/bots", definition)) as Bot,
  });
}

export function useLogs(bot: string, following: boolean) {
  const { client } = useSkep();
  return useQuery({
    queryKey: ["logs", bot],
    queryFn: async ({ signal }) =>
      (await client.call("GET", `/api/bots/${encodeURIComponent(bot)}/logs?limit=500`, undefined, signal)) as { lines: LogLine[] },
    refetchInterval: following ? logMs : false,
  });
}

export function useTimeline(bot: string) {
  const { client } = useSkep();
  return useQuery({
    queryKey: ["timeline", bot],
    queryFn: async ({ signal }) =>
      (await client.call("GET", `/api/bots/${encodeURIComponent(bot)}/timeline?limit=50`, undefined, signal)) as { entries: BotEvent[] },
    refetchInterval: 5 * logMs,
  });
}

const figuresMs = 2000;

/** All bots, with figures that are at most two seconds old: of what they have to do, the socket only tells when their state changes. */
export function useFreshBots(): ReadonlyMap<string, Bot> {
  const { client } = useSkep();
  const live = useBots();
  const { data, refetch } = useQuery({
    queryKey: ["bots"],
    queryFn: async ({ signal }) => (await client.call("GET", "/api/bots", undefined, signal)) as { bots: Bot[] },
    refetchInterval: figuresMs,
  });
  useEffect(() => void refetch(), [live, refetch]);
  const fresh = new Map(data?.bots.map((bot) => [bot.name, bot]));
  return new Map(
    [...live].map(([name, bot]) => {
      const { running, queued, processes } = fresh.get(name) ?? bot;
      return [name, { ...bot, running, queued, processes }];
    }),
  );
}

export function useOverview(range: OverviewRange) {
  const { client } = useSkep();
  return useQuery({
    queryKey: ["overview", range],
    queryFn: async ({ signal }) => (await client.call("GET", `/api/overview?range=${range}`, undefined, signal)) as Overview,
    refetchInterval: overviewMs,
    placeholderData: (before) => before,
  });
}

/** Memory and answer times of an hour, of one bot or of all. */
export function useBotsOverview(bot?: string) {
  const { client } = useSkep();
  const { data } = useQuery({
    queryKey: ["bots-overview", bot ?? ""],
    queryFn: async ({ signal }) => {
      const query = bot === undefined ? "" : `?bot=${encodeURIComponent(bot)}`;
      return (await client.call("GET", `/api/overview/bots${query}`, undefined, signal)) as BotsOverview;
    },
    refetchInterval: botsOverviewMs,
  });
  return data;
}

export function useChangeBot() {
  const { client } = useSkep();
  return useMutation({
    mutationFn: async ({ bot, patch }: { bot: string; patch: BotPatch }) =>
      (await client.call("PATCH", `/api/bots/${encodeURIComponent(bot)}`, patch)) as Bot,
  });
}

export function useDrain() {
  const { client } = useSkep();
  return useMutation({
    mutationFn: async ({ bot, worker, drain }: { bot: string; worker: string; drain: boolean }) => {
      await client.call(
        "POST",
        `/api/bots/${encodeURIComponent(bot)}/workers/${encodeURIComponent(worker)}/${drain ? "drain" : "undrain"}`,
        {},
      );
    },
  });
}

/** @returns the conversations in which a bot waits for a decision */
export function useAsking(): ReadonlySet<string> {
  const { client } = useSkep();
  const { data } = useQuery({
    queryKey: ["permissions"],
    queryFn: async ({ signal }) => (await client.call("GET", "/api/permissions", undefined, signal)) as { permissions: Permission[] },
    refetchInterval: askingMs,
    refetchIntervalInBackground: true,
  });
  return new Set(data?.permissions.map(({ conversation }) => conversation));
}

function useChange<T, R>(change: (input: T, call: ReturnType<typeof useSkep>["client"]["call"]) => Promise<R>) {
  const { client } = useSkep();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (input: T) => change(input, client.call),
    onSuccess: async () => {
      tellTabs("conversations");
      await queries.invalidateQueries({ queryKey: ["conversations"] });
      await queries.invalidateQueries({ queryKey: ["conversation"] });
    },
  });
}

const place = (id: string): string => `/api/conversations/${encodeURIComponent(id)}`;

export const useBegin = () =>
  useChange(async (input: { bot: string; title: string }, call) => (await call("POST", "/api/conversations", input)) as Conversation);
export const useRename = () =>
  useChange(async ({ id, title }: { id: string; title: string }, call) => (await call("PATCH", place(id), { title })) as Conversation);
export const useErase = () =>
  useChange(async (id: string, call) => {
    await call("DELETE", place(id));
  });

export function useBotAction() {
  const { client } = useSkep();
  return useMutation({
    mutationFn: async ({ bot, action }: { bot: string; action: "start" | "stop" | "restart" | "remove" }) => {
      const path = `/api/bots/${encodeURIComponent(bot)}`;
      if (action === "remove") await client.call("DELETE", path);
      else (await client.call("POST", `${path}/${action}`, {})) as Bot;
    },
  });
}
