/** Branches of a conversation: begun from one of its messages, and listed where what it shows was said in other ways. */
import { newId } from "@skep/client";
import type { Fork } from "@skep/protocol";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { useSkep } from "./skep.ts";
import { tellTabs } from "./tabs.ts";

const listMs = 15_000;

/** By the number of the message at which the ways part. */
export function useForks(id: string): ReadonlyMap<number, Fork> {
  const { client } = useSkep();
  const { data } = useQuery({
    queryKey: ["forks", id],
    queryFn: async ({ signal }) =>
      (await client.call("GET", `/api/conversations/${encodeURIComponent(id)}/branches`, undefined, signal)) as { forks: Fork[] },
    enabled: id !== "",
    refetchInterval: listMs,
    select: bySeq,
  });
  return data ?? none;
}

const none: ReadonlyMap<number, Fork> = new Map();
const bySeq = ({ forks }: { forks: Fork[] }): ReadonlyMap<number, Fork> => new Map(forks.map((fork) => [fork.seq, fork]));

/** Begins branches of a conversation. What is asked for again after a failure is the same branch, not another one (K3). */
export function useBranch(id: string) {
  const { client } = useSkep();
  const queries = useQueryClient();
  const last = useRef({ seq: 0, text: "", key: "" });
  return useMutation({
    mutationFn: async ({ seq, text }: { seq: number; text: string }) => {
      if (last.current.seq !== seq || last.current.text !== text) last.current = { seq, text, key: newId() };
      const { conversation } = await client.conversation(id).branch(seq, text, { key: last.current.key });
      // Said once more, it is a branch once more.
      last.current = { seq: 0, text: "", key: "" };
      return conversation.id;
    },
    onSuccess: async () => {
      tellTabs("conversations");
      await Promise.all(["conversations", "forks"].map((what) => queries.invalidateQueries({ queryKey: [what] })));
    },
  });
}
