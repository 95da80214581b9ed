/** The description of the doors, made from the route table: what checks the input is what is described. */
import { errorTable } from "@skep/protocol/errors";
import { z } from "zod";
import { problemType } from "./problem.ts";
import type { Route } from "./route.ts";
import { anyType, bytes } from "./route.ts";
import { problemShape, shapeNames } from "./shapes.ts";

type Json = Record<string, unknown>;

export function openApiOf(routes: readonly Route[], version: string): Json {
  const components: Json = {};
  const schemaOf = (schema: z.ZodType, io: "input" | "output"): Json => {
    const { $schema: _, $defs, ...rest } = z.toJSONSchema(schema, { io, metadata: shapeNames, unrepresentable: "any" });
    for (const [name, shape] of Object.entries($defs ?? {})) components[name] = withoutId(shape);
    return withoutId(rest);
  };
  // Checked query strings are text that becomes something else: the description is of what they become, times excepted.
  const parameters = (place: "path" | "query", fields: z.ZodObject | undefined): Json[] =>
    Object.entries(fields?.shape ?? {}).map(([name, field]) => {
      const schema = field as z.ZodType;
      const output = schemaOf(schema, "output");
      return {
        name,
        in: place,
        required: place === "path" || !schema.safeParse(undefined).success,
        schema: Object.keys(output).length > 0 ? output : schemaOf(schema, "input"),
      };
    });

  const bodyOf = (body: z.ZodType): Json =>
    body === bytes ? { [anyType]: {} } : { "application/json": { schema: schemaOf(body, "input") } };
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const content = route.response
      ? { "application/json": { schema: schemaOf(route.response, "output") } }
      : route.type && { [route.type]: {} };
    paths[route.path] ??= {};
    (paths[route.path] as Json)[route.method.toLowerCase()] = {
      summary: route.summary,
      operationId: operationId(route),
      tags: [route.path.split("/")[2] ?? "operations"],
      parameters: [...parameters("path", route.params), ...parameters("query", route.query), ...headersOf(route)],
      ...(route.body && { requestBody: { required: true, content: bodyOf(route.body) } }),
      responses: {
        [route.status]: { description: route.status === 204 ? "Done" : route.summary, ...(content && { content }) },
        default: { $ref: "#/components/responses/Problem" },
      },
      ...(route.permission === null && { security: [] }),
    };
  }
  const problem = schemaOf(problemShape, "output");
  components["Problem"] ??= problem;

  const codes = Object.entries(errorTable).map(([code, { status, title }]) => `\`${code}\` (${status}) ${title}`);
  const document = {
    openapi: "3.1.0",
    info: { title: "Skep", version, description: "Launches, supervises and talks to a fleet of chat bots." },
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "Made with `skep token create`" },
        session: { type: "apiKey", in: "cookie", name: "skep_session" },
      },
      responses: {
        Problem: {
          description: `A refusal. Codes: ${codes.join("; ")}`,
          content: { [problemType]: { schema: { $ref: "#/components/schemas/Problem" } } },
        },
      },
      schemas: components,
    },
  };
  return JSON.parse(JSON.stringify(document).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;
}

function withoutId(schema: Json): Json {
  const { id, $id: _, ...rest } = schema;
  // `id` is a field of its own in some shapes' `properties`; here it can only be the name from the registry.
  return typeof id === "string" ? rest : schema;
}

/** POST /api/bots/{name}/start -> postBotsNameStart */
function operationId({ method, path }: Route): string {
  const words = path.split(/[/{}.]+/).filter((word) => word !== "" && word !== "api");
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

const headersOf = ({ method, path }: Route): Json[] =>
  method === "POST" && path.endsWith("/messages")
    ? [{ name: "Idempotency-Key", in: "header", required: false, schema: { type: "string", minLength: 1, maxLength: 128 } }]
    : [];
