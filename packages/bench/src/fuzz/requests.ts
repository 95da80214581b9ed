/** Malformed requests for every route of the server's own description. */
import type { SeededRandom } from "../seeded-random.ts";
import { broken, brokenText, escaped, type Schema, valueOf } from "./malformed.ts";

interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  schema: Schema;
}
interface Operation {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}
export interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

export interface MadeRequest {
  bytes: Buffer;
  /** The connection cannot be understood any more after it. */
  last: boolean;
}

export function requestMaker({ paths, components }: Description, host: string, token: string, random: SeededRandom): () => MadeRequest {
  const resolve = (reference: string): Schema => components.schemas[reference.split("/").at(-1) ?? ""] ?? {};
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );

  return () => {
    const { path, method, operation } = random.pick(operations);
    const parameters = operation.parameters ?? [];
    const valueFor = ({ schema }: Parameter): unknown => {
      const value = valueOf(schema, random, resolve);
      return random.chance(0.5) ? value : broken(value, random);
    };
    let target = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const parameter = parameters.find((one) => one.in === "path" && one.name === name);
      return parameter ? escaped(valueFor(parameter), random) : "x";
    });
    const query = parameters
      .filter((one) => one.in === "query" && random.chance(0.5))
      // Whoever waits for an answer holds up those behind it.
      .map((one) => `${one.name}=${one.name === "wait" ? "x" : escaped(valueFor(one), random)}`);
    if (random.chance(0.1)) query.push(random.pick(["x=1", "limit=1&limit=2", "__proto__=1", "=", "&", "a[b]=1", "%zz=1"]));
    if (query.length > 0) target += `?${query.join("&")}`;

    const schema = operation.requestBody?.content["application/json"]?.schema;
    const value = schema ? valueOf(schema, random, resolve) : {};
    const body = method === "GET" ? "" : brokenText(schema && random.chance(0.9) ? broken(value, random) : value, random);
    const payload = random.chance(0.02) ? Buffer.concat([Buffer.from(body), Buffer.from([0xff, 0xfe, 0x80])]) : Buffer.from(body);
    const lines = [
      `${random.chance(0.97) ? method : random.pick(["PUT", "OPTIONS", "HEAD", "TRACE", "get", "PATCH"])} ${target} HTTP/1.1`,
      `Host: ${random.chance(0.98) ? host : random.pick(["evil.example", "", "localhost", `${host}:${host}`])}`,
      `Authorization: ${random.chance(0.98) ? `Bearer ${token}` : random.pick(["Bearer", "Bearer ' OR 1=1 --", "Basic eDp5", `Bearer ${token}x`, "Bearer skep_bot_x"])}`,
    ];
    if (payload.length > 0 || random.chance(0.1))
      lines.push(
        `Content-Type: ${random.chance(0.95) ? "application/json" : random.pick(["text/plain", "application/json;charset=x", "", "a/b;"])}`,
      );
    if (random.chance(0.05)) lines.push(`Idempotency-Key: ${random.pick(["", "k", "k".repeat(200), "'", "ü"])}`);
    if (random.chance(0.02))
      lines.push(
        random.pick([
          "Origin: null",
          "Origin: http://evil.example",
          "Cookie: skep_session=x",
          "Cookie: =;;=",
          "Sec-Fetch-Site: cross-site",
          "If-None-Match: *",
          "Range: bytes=-1",
        ]),
      );

    // These break the connection, or its framing.
    const breaks = random.chance(0.02);
    if (breaks) {
      switch (random.between(0, 5)) {
        case 0:
          lines.push(`Content-Length: ${random.pick(["-1", "1e3", "99999999999", "0x10", "5, 6"])}`);
          break;
        case 1:
          lines.push("Transfer-Encoding: chunked", `Content-Length: ${payload.length}`);
          break;
        case 2:
          lines.push("Transfer-Encoding: x, chunked");
          break;
        case 3:
          lines[0] = random.pick([
            "GET",
            "GET / HTTP/9.9",
            "\0\0\0",
            "GET  HTTP/1.1",
            "PRI * HTTP/2.0",
            `GET /${"a".repeat(20_000)} HTTP/1.1`,
            "GET http://evil/ HTTP/1.1",
          ]);
          break;
        case 4:
          lines.push(...Array.from({ length: 150 }, (_, i) => `X-${i}: ${i}`));
          break;
        default:
          lines.push("Bad Header: x", " folded", "NoColon");
      }
      lines.push("Connection: close");
    } else {
      // HEAD and GET may have a body too; nobody reads it.
      lines.push(`Content-Length: ${payload.length}`);
    }
    return { bytes: Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), payload]), last: breaks };
  };
}
