/** A door in one value: from it come the check of the input, the handler's types and the OpenAPI description. */
import { Readable } from "node:stream";
import { z } from "zod";
import type { SignedIn } from "../access/access.ts";
import type { Caller } from "../access/caller.ts";
import type { Action } from "../access/permission.ts";

export type Method = "GET" | "POST" | "PATCH" | "DELETE";
type Fields = z.ZodObject | undefined;
type Body = z.ZodType | undefined;
type Checked<S> = S extends z.ZodType ? z.output<S> : undefined;

export interface Call<P, Q, B> {
  person: SignedIn;
  caller: Caller;
  params: P;
  query: Q;
  body: B;
  header: (name: string) => string | undefined;
  setHeader: (name: string, value: string) => void;
}

interface RouteOf<P extends Fields, Q extends Fields, B extends Body, R extends Body> {
  method: Method;
  /** With `{name}` for parameters, as OpenAPI writes it. */
  path: string;
  summary: string;
  /** Null: open to everyone who passes the host and origin checks; `person` is nobody then. */
  permission: Action | null;
  params?: P;
  query?: Q;
  body?: B;
  status: 200 | 201 | 204;
  /** Undefined: no content, or the text of `type`. */
  response?: R;
  /** The media type of an answer that is no JSON; `anyType`: the handler sets it, and answers null where there is nothing new (304). */
  type?: string;
  handler(call: Call<Checked<P>, Checked<Q>, Checked<B>>): Promise<R extends z.ZodType ? z.output<R> : unknown>;
}

export type Route = RouteOf<z.ZodObject, z.ZodObject, z.ZodType, z.ZodType>;

/** Ties the handler's types to the schemas, then forgets them. */
export const route = <P extends Fields = undefined, Q extends Fields = undefined, B extends Body = undefined, R extends Body = undefined>(
  definition: RouteOf<P, Q, B, R>,
): Route => definition as unknown as Route;

export const anyType = "*/*";

/** As `body` of a route: bytes of any media type, as they arrive. Undefined when there are none. */
export const bytes = z.instanceof(Readable).optional();

export const nobody: SignedIn = { id: "", role: "", credential: "" };
