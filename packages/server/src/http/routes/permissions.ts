import { decisionSchema, idSchema, limits } from "@skep/protocol";
import { z } from "zod";
import type { ConversationsApi } from "../../conversations/api.ts";
import { numberQuery } from "../query.ts";
import type { Route } from "../route.ts";
import { route } from "../route.ts";
import { permissionShape } from "../shapes.ts";

const params = z.strictObject({ id: idSchema });
const response = z.object({ permissions: z.array(permissionShape) });

export function permissionRoutes(conversations: ConversationsApi): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/permissions",
      summary: "What bots wait for you to decide on, in all your conversations, the oldest first",
      permission: "conversations.use",
      query: z.strictObject({ state: z.literal("pending").default("pending") }),
      status: 200,
      response,
      handler: async ({ person }) => ({ permissions: await conversations.pendingPermissions(person) }),
    }),
    route({
      method: "GET",
      path: "/api/conversations/{id}/permissions",
      summary: "What was asked in a conversation and what was decided: the newest ones, or those before `before`, the oldest first",
      permission: "conversations.use",
      params,
      query: z.strictObject({ before: idSchema.optional(), limit: numberQuery(1, limits.pageSizeMax).default(limits.pageSize) }),
      status: 200,
      response,
      handler: async ({ person, params, query }) => ({ permissions: await conversations.permissions(person, params.id, query) }),
    }),
    route({
      method: "POST",
      path: "/api/permissions/{id}",
      summary: "Decide on a request. The first decision counts; a later one is refused with `state_conflict` and told what was decided",
      permission: "conversations.use",
      params,
      body: decisionSchema,
      status: 200,
      response: permissionShape,
      handler: ({ person, params, body }) => conversations.decide(person, params.id, body.option),
    }),
  ];
}
