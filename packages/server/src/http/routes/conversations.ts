import { conversationCreateSchema, conversationPatchSchema, idSchema, limits } from "@skep/protocol";
import { z } from "zod";
import type { ConversationsApi } from "../../conversations/api.ts";
import { botQuery, numberQuery, textQuery } from "../query.ts";
import type { Route } from "../route.ts";
import { route } from "../route.ts";
import { conversationShape } from "../shapes.ts";

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
