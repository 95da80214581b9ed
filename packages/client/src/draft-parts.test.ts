import { expect, test } from "vitest";
import type { Permission } from "@skep/protocol";
import {
  type ConversationEffect,
  type ConversationInput,
  conversationFrom,
  type ConversationState,
  conversationStep,
} from "./conversation-state.ts";

const conversation = "c1";
const place = { conversation, turn: "t1", stream: "s1", at: 0 };
const tool = { type: "tool", id: "a", title: "Count", tool: "execute", state: "running" } as const;
const part = (index: number, state: "running" | "completed" = "running"): ConversationInput => ({
  type: "part",
  ...place,
  index,
  part: { ...tool, state },
});
const thought = (index: number, offset: number, text: string): ConversationInput => ({
  type: "thought",
  ...place,
  index,
  id: "t",
  offset,
  text,
});
const permission = (over: Partial<Permission> = {}): ConversationInput => ({
  type: "permission",
  conversation,
  permission: {
    id: "p1",
    conversation,
    turn: "t1",
    bot: "b",
    title: "?",
    detail: "",
    options: [],
    state: "pending",
    createdAt: "",
    expiresAt: "",
    ...over,
  },
});

const said = (...inputs: ConversationInput[]): { state: ConversationState; effects: ConversationEffect[] } => {
  let state = conversationFrom(null);
  const effects: ConversationEffect[] = [];
  const begin: ConversationInput[] = [
    { type: "subscribe" },
    { type: "resumed", conversation, epoch: "e", from: 0, head: 0 },
    { type: "live", conversation, seq: 0 },
  ];
  for (const input of [...begin, ...inputs]) {
    const step = conversationStep(state, input);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects: effects.slice(1) };
};
const partsOf = (state: ConversationState) => state.drafts.get("t1")?.parts.map((one) => one.part);

test("[T6] parts are appended and replaced, thoughts are continued at their offset, what is known is ignored", () => {
  const { state, effects } = said(thought(0, 0, "Hm"), part(1), thought(0, 2, ", bees"), thought(0, 0, "Hm, be"), part(1, "completed"));
  expect(partsOf(state)).toEqual([
    { type: "thought", id: "t", text: "Hm, bees" },
    { ...tool, state: "completed" },
  ]);
  expect(effects).toEqual([]);
});

test("[T6] a hole is never filled by a guess: all parts are asked for, once, and taken", () => {
  const lost = said(part(0), part(2), thought(3, 5, "x"), thought(0, 2, "x"));
  expect(partsOf(lost.state)).toEqual([tool]);
  expect(lost.effects).toEqual([{ type: "snapshot", stream: "s1", offset: 0, parts: true }]);
  const again = said(part(0), part(2), part(0), part(1), thought(2, 0, "all"), thought(2, 9, "hole"));
  expect(partsOf(again.state)).toHaveLength(3);
  expect(again.effects.filter(({ type }) => type === "snapshot")).toHaveLength(2);
});

test("[T4] parts of an interrupted attempt are replaced with its text, and late ones are ignored", () => {
  const ended: ConversationInput = { type: "stream-ended", conversation, turn: "t1", stream: "s1", outcome: "interrupted" };
  const next: ConversationInput = { type: "thought", ...place, stream: "s2", index: 0, id: "t", offset: 0, text: "anew" };
  const { state } = said(part(0), ended, next, part(1));
  expect(partsOf(state)).toEqual([{ type: "thought", id: "t", text: "anew" }]);
});

test("[P1] requests are there while their turn goes on; a reconnect asks the server anew; what became of unknown ones is history", () => {
  const decided = permission({ state: "decided", option: "once" });
  expect([...said(permission()).state.permissions.keys()]).toEqual(["p1"]);
  expect(said(permission(), decided).state.permissions.get("p1")?.state).toBe("decided");
  expect(said(decided).state.permissions.size).toBe(0);
  const message = {
    seq: 1,
    id: "m",
    role: "bot" as const,
    author: "b",
    text: "",
    createdAt: "",
    turn: "t1",
    outcome: "completed" as const,
  };
  expect(said(permission(), { type: "message", conversation, message }).state.permissions.size).toBe(0);
  const back = said(
    permission(),
    { type: "detach" },
    { type: "subscribe" },
    { type: "resumed", conversation, epoch: "e", from: 0, head: 0 },
  );
  expect(back.state.permissions.size).toBe(0);
});
