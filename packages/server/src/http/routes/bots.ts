import { Refusal, botCreateSchema, botPatchSchema, nameSchema } from "@skep/protocol";
import { z } from "zod";
import type { Access } from "../../access/access.ts";
import type { FleetApi } from "../../bots/api.ts";
import { numberQuery } from "../query.ts";
import type { Route } from "../route.ts";
import { route } from "../route.ts";
import { botEventShape, botShape, kindShape, logLineShape } from "../shapes.ts";

const params = z.strictObject({ name: nameSchema });
const workerParams = z.strictObject({ name: nameSchema, worker: nameSchema });

export interface BotParts {
  fleet: FleetApi;
  access: Access;
}

export function botRoutes({ fleet, access }: BotParts): Route[] {
  const action = (verb: "start" | "stop" | "restart", summary: string): Route =>
    route({
      method: "POST",
      path: `/api/bots/{name}/${verb}`,
      summary,
      permission: "bots.manage",
      params,
      status: 200,
      response: botShape,
      handler: ({ params }) => fleet[verb](params.name),
    });
  const drain = (verb: "drain" | "undrain", summary: string): Route =>
    route({
      method: "POST",
      path: `/api/bots/{name}/workers/{worker}/${verb}`,
      summary,
      permission: "bots.manage",
      params: workerParams,
      status: 200,
      response: botShape,
      handler: ({ params }) => fleet.drain(params.name, params.worker, verb === "drain"),
    });
  return [
    route({
      method: "GET",
      path: "/api/kinds",
      summary: "The kinds of bots, what each can do and which options it has",
      permission: "bots.read",
      status: 200,
      response: z.object({ kinds: z.array(kindShape) }),
      handler: async () => ({ kinds: fleet.kinds() }),
    }),
    route({
      method: "GET",
      path: "/api/bots",
      summary: "All bots and their state",
      permission: "bots.read",
      status: 200,
      response: z.object({ bots: z.array(botShape) }),
      handler: async () => ({ bots: fleet.list() }),
    }),
    route({
      method: "POST",
      path: "/api/bots",
      summary: "Add a bot and launch it",
      permission: "bots.manage",
      body: botCreateSchema,
      status: 201,
      response: botShape,
      handler: async ({ body, setHeader }) => {
        const bot = await fleet.add(body);
        setHeader("location", `/api/bots/${bot.name}`);
        return bot;
      },
    }),
    route({
      method: "GET",
      path: "/api/bots/{name}",
      summary: "One bot and its state",
      permission: "bots.read",
      params,
      status: 200,
      response: botShape,
      handler: async ({ params }) => fleet.get(params.name),
    }),
    route({
      method: "PATCH",
      path: "/api/bots/{name}",
      summary: "Change a bot: what is given replaces, inside `restart` and `limits` field by field",
      permission: "bots.manage",
      params,
      body: botPatchSchema,
      status: 200,
      response: botShape,
      handler: ({ params, body }) => fleet.change(params.name, body),
    }),
    route({
      method: "DELETE",
      path: "/api/bots/{name}",
      summary: "Stop a bot and forget it; its conversations stay",
      permission: "bots.manage",
      params,
      status: 204,
      handler: async ({ params }) => {
        fleet.get(params.name);
        // First: a bot that gets this name later must not have a token that somebody else holds.
        await access.revokeBotToken(params.name);
        await fleet.remove(params.name);
      },
    }),
    action("start", "Start a bot"),
    action("stop", "Stop a bot; messages to it wait"),
    action("restart", "Stop a bot and start it again"),
    drain("drain", "Take one worker of a bot out: it ends what it has and gets nothing new, also after a restart"),
    drain("undrain", "Take a drained worker back in"),
    route({
      method: "POST",
      path: "/api/bots/{name}/token",
      summary:
        "Make the token with which a program connects as this bot; this answer is the only one that shows it, and the one before ends",
      permission: "bots.manage",
      params,
      status: 201,
      response: z.object({ token: z.string(), createdAt: z.string().meta({ format: "date-time" }) }),
      handler: async ({ params: { name } }) => {
        if (!fleet.expectsPrograms(name)) {
          throw new Refusal("state_conflict", `The bot "${name}" is started by Skep; only a bot of the kind "remote" has a token.`);
        }
        const { token, createdAt } = await access.createBotToken(name);
        return { token, createdAt: new Date(createdAt).toISOString() };
      },
    }),
    route({
      method: "DELETE",
      path: "/api/bots/{name}/token",
      summary: "Revoke the bot's token; connections that use it end",
      permission: "bots.manage",
      params,
      status: 204,
      handler: async ({ params: { name } }) => {
        fleet.get(name);
        if (!(await access.revokeBotToken(name))) throw new Refusal("not_found", `The bot "${name}" has no token.`);
      },
    }),
    route({
      method: "GET",
      path: "/api/bots/{name}/logs",
      summary: "The newest lines a bot has logged, oldest first",
      permission: "bots.read",
      params,
      query: z.strictObject({ limit: numberQuery(1, 10_000).default(200) }),
      status: 200,
      response: z.object({ lines: z.array(logLineShape) }),
      handler: async ({ params, query }) => ({ lines: fleet.logs(params.name, query.limit) }),
    }),
    route({
      method: "GET",
      path: "/api/bots/{name}/timeline",
      summary: "What happened to a bot and its workers, and what was decided: the newest entries, or those before `before`, oldest first",
      permission: "bots.read",
      params,
      query: z.strictObject({
        limit: numberQuery(1, 1000).default(100),
        before: numberQuery(1, Number.MAX_SAFE_INTEGER).exactOptional(),
      }),
      status: 200,
      response: z.object({ entries: z.array(botEventShape) }),
      handler: async ({ params, query }) => ({ entries: await fleet.timeline(params.name, query) }),
    }),
  ];
}
