import { branchCreateSchema, conversationCreateSchema, conversationPatchSchema, idSchema, limits } from "@skep/protocol";
import { z } from "zod";
import type { ConversationsApi } from "../../conversations/api.ts";
import { keyOf } from "../idempotency-key.ts";
import { botQuery, numberQuery, textQuery } from "../query.ts";
import type { Route } from "../route.ts";
import { route } from "../route.ts";
import { conversationShape, forkShape } from "../shapes.ts";

const params = z.strictObject({ id: idSchema });

export function conversationRoutes(conversations: ConversationsApi): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/conversations",
      summary: "Your conversations, the last active first",
      permission: "conversations.use",
      query: z.strictObject({
        bot: botQuery.optional(),
        query: textQuery.optional(),
        cursor: z.string().min(1).max(200).optional(),
        limit: numberQuery(1, limits.pageSizeMax).default(limits.pageSize),
      }),
      status: 200,
      response: z.object({ conversations: z.array(conversationShape), cursor: z.string().nullable() }),
      handler: ({ person, query }) => conversations.list(person, query),
    }),
    route({
      method: "POST",
      path: "/api/conversations",
      summary: "Begin a conversation with a bot",
      permission: "conversations.use",
      body: conversationCreateSchema,
      status: 201,
      response: conversationShape,
      handler: async ({ person, body, setHeader }) => {
        const conversation = await conversations.create(person, body);
        setHeader("location", `/api/conversations/${conversation.id}`);
        return conversation;
      },
    }),
    route({
      method: "POST",
      path: "/api/conversations/{id}/branches",
      summary:
        "Begin a branch: a conversation with the messages before `before`, going on with another text. With a key (or the header Idempotency-Key) it can be asked for again safely",
      permission: "conversations.use",
      params,
      body: branchCreateSchema,
      status: 201,
      response: z.object({ conversation: conversationShape, seq: z.int(), duplicate: z.boolean(), turn: z.string().nullable() }),
      handler: async ({ person, params, body, header, setHeader }) => {
        const key = keyOf(body.key, header("idempotency-key"));
        const begun = await conversations.branch(person, params.id, { ...body, key });
        setHeader("location", `/api/conversations/${begun.conversation.id}`);
        return begun;
      },
    }),
    route({
      method: "GET",
      path: "/api/conversations/{id}/branches",
      summary: "Where what this conversation shows has been said in other ways, ascending: the last 1,000 branches",
      permission: "conversations.use",
      params,
      status: 200,
      response: z.object({ forks: z.array(forkShape) }),
      handler: async ({ person, params }) => ({ forks: await conversations.forks(person, params.id) }),
    }),
    route({
      method: "GET",
      path: "/api/conversations/{id}",
      summary: "One conversation",
      permission: "conversations.use",
      params,
      status: 200,
      response: conversationShape,
      handler: ({ person, params }) => conversations.get(person, params.id),
    }),
    route({
      method: "PATCH",
      path: "/api/conversations/{id}",
      summary: "Give a conversation another title",
      permission: "conversations.use",
      params,
      body: conversationPatchSchema,
      status: 200,
      response: conversationShape,
      handler: ({ person, params, body }) => conversations.rename(person, params.id, body.title),
    }),
    route({
      method: "DELETE",
      path: "/api/conversations/{id}",
      summary: "Erase a conversation with everything in it",
      permission: "conversations.use",
      params,
      status: 204,
      handler: ({ person, params }) => conversations.remove(person, params.id),
    }),
  ];
}
