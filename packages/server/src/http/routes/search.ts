import { z } from "zod";
import type { ConversationsApi } from "../../conversations/api.ts";
import { toMessage } from "../../conversations/encode.ts";
import { botQuery, numberQuery, textQuery, timeQuery } from "../query.ts";
import type { Route } from "../route.ts";
import { route } from "../route.ts";
import { messageShape } from "../shapes.ts";

const foundShape = z.object({
  conversation: z.string(),
  title: z.string(),
  bot: z.string(),
  message: messageShape,
  /** Offsets in UTF-16 code units of `message.text`. */
  places: z.array(z.object({ offset: z.int(), length: z.int() })),
});

export function searchRoutes(conversations: ConversationsApi): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/search",
      summary: "Messages that contain all the words, the newest first, with the places found",
      permission: "conversations.use",
      query: z.strictObject({
        query: textQuery.refine((text) => text.trim() !== "", "must not be empty"),
        bot: botQuery.optional(),
        since: timeQuery.optional(),
        until: timeQuery.optional(),
        limit: numberQuery(1, 100).default(20),
      }),
      status: 200,
      response: z.object({ found: z.array(foundShape), complete: z.boolean() }),
      handler: async ({ person, query }) => {
        const { found, complete } = await conversations.search(person, query);
        return {
          found: found.map(({ publicId, title, bot, message, places }) => ({
            conversation: publicId,
            title,
            bot,
            message: toMessage(publicId, message, bot),
            places,
          })),
          complete,
        };
      },
    }),
  ];
}
