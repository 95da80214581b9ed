import { botCreateSchema, botPatchSchema, nameSchema } from "@skep/protocol";
import { z } from "zod";
import type { FleetApi } from "../../bots/api.ts";
import { numberQuery } from "../query.ts";
import type { Route } from "../route.ts";
import { route } from "../route.ts";
import { botShape, logLineShape } from "../shapes.ts";

const params = z.strictObject({ name: nameSchema });
const workerParams = z.strictObject({ name: nameSchema, worker: nameSchema });

export function botRoutes(fleet: FleetApi): Route[] {
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
      handler: ({ params }) => fleet.remove(params.name),
    }),
    action("start", "Start a bot"),
    action("stop", "Stop a bot; messages to it wait"),
    action("restart", "Stop a bot and start it again"),
    drain("drain", "Take one worker of a bot out: it ends what it has and gets nothing new, also after a restart"),
    drain("undrain", "Take a drained worker back in"),
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
  ];
}
