import { idSchema, limits, messageCreateSchema, Refusal } from "@skep/protocol";
import { z } from "zod";
import type { ConversationsApi } from "../../conversations/api.ts";
import type { EventStreams } from "../event-stream.ts";
import { eventStreamType } from "../event-stream.ts";
import { keyOf } from "../idempotency-key.ts";
import { numberQuery, seqQuery } from "../query.ts";
import type { Route } from "../route.ts";
import { route } from "../route.ts";
import { messageShape, turnState } from "../shapes.ts";

const params = z.strictObject({ id: idSchema });
const turnParams = z.strictObject({ id: idSchema, turn: idSchema });
const longestWaitSeconds = 300;

export function messageRoutes(conversations: ConversationsApi, streams: Pick<EventStreams, "open">): Route[] {
  const turnAction = (verb: "cancel" | "retry", summary: string): Route =>
    route({
      method: "POST",
      path: `/api/conversations/{id}/turns/{turn}/${verb}`,
      summary,
      permission: "conversations.use",
      params: turnParams,
      status: 200,
      response: z.object({ state: turnState }),
      handler: ({ person, params }) => conversations[verb](person, params.id, params.turn),
    });
  return [
    route({
      method: "GET",
      path: "/api/conversations/{id}/messages",
      summary:
        "A page of messages in ascending order: the first ones after `after` (0 when nothing is given), or the last ones before `before`",
      permission: "conversations.use",
      params,
      query: z.strictObject({
        after: seqQuery(0).optional(),
        before: seqQuery(1).optional(),
        limit: numberQuery(1, limits.pageSizeMax).default(limits.pageSize),
      }),
      status: 200,
      response: z.object({ epoch: z.string(), head: z.int(), messages: z.array(messageShape) }),
      handler: ({ person, params, query: { after, before, limit } }) => {
        if (before === undefined) return conversations.messages(person, params.id, { after: after ?? 0, limit });
        if (after !== undefined) throw new Refusal("field_invalid", "Give after or before, not both", { field: "before" });
        return conversations.messages(person, params.id, { before, limit });
      },
    }),
    route({
      method: "POST",
      path: "/api/conversations/{id}/messages",
      summary: "Send a message. With a key (or the header Idempotency-Key) it can be sent again safely; `wait` seconds for the answer",
      permission: "conversations.use",
      params,
      query: z.strictObject({ wait: numberQuery(0, longestWaitSeconds).optional() }),
      body: messageCreateSchema,
      status: 201,
      response: z.object({
        epoch: z.string(),
        seq: z.int(),
        duplicate: z.boolean(),
        turn: z.string().nullable(),
        answer: messageShape.nullable().exactOptional(),
      }),
      handler: async ({ person, params, query, body, header }) => {
        const key = keyOf(body.key, header("idempotency-key"));
        const accepted = await conversations.send(person, params.id, { ...body, key });
        if (query.wait === undefined) return accepted;
        const answer = accepted.turn === null ? null : await conversations.answer(person, params.id, accepted.turn, query.wait * 1000);
        return { ...accepted, answer };
      },
    }),
    route({
      method: "GET",
      path: "/api/conversations/{id}/events",
      summary:
        "The conversation as server-sent events, from the first message, or behind `after` (`EPOCH.SEQ`); the header Last-Event-ID comes before it",
      permission: "conversations.use",
      params,
      query: z.strictObject({ after: z.string().max(100).optional() }),
      status: 200,
      type: eventStreamType,
      handler: ({ person, params, query, header, setHeader }) => {
        // Proxies that collect answers before they pass them on are asked not to.
        setHeader("x-accel-buffering", "no");
        return streams.open(person, params.id, header("last-event-id") ?? query.after ?? null);
      },
    }),
    turnAction("cancel", "Cancel a turn; what it has written so far stays"),
    turnAction("retry", "Try a failed or cancelled turn again"),
  ];
}
