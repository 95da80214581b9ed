import { nameSchema } from "@skep/protocol";
import type { BotsOverview, Overview, OverviewRange } from "@skep/protocol";
import { z } from "zod";
import type { FleetApi } from "../../bots/api.ts";
import { botsOverviewShape, overviewRange, overviewShape } from "../overview-shapes.ts";
import type { Route } from "../route.ts";
import { route } from "../route.ts";

export interface OverviewApi {
  read(range: OverviewRange): Overview;
  readBots(bot?: string): BotsOverview;
}

export function overviewRoutes({ fleet, overview }: { fleet: Pick<FleetApi, "get">; overview: OverviewApi }): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/overview",
      summary: "What the program does, now and over time; what needs somebody; how much of its limits is in use",
      permission: "bots.read",
      query: z.strictObject({ range: overviewRange.default("15m") }),
      status: 200,
      response: overviewShape,
      handler: async ({ query }) => overview.read(query.range),
    }),
    route({
      method: "GET",
      path: "/api/overview/bots",
      summary: "Memory and answer times of all bots, or of one, over the last hour",
      permission: "bots.read",
      query: z.strictObject({ bot: nameSchema.exactOptional() }),
      status: 200,
      response: botsOverviewShape,
      handler: async ({ query: { bot } }) => {
        if (bot !== undefined) fleet.get(bot);
        return overview.readBots(bot);
      },
    }),
  ];
}
