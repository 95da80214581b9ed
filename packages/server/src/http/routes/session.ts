import { Refusal } from "@skep/protocol";
import { z } from "zod";
import type { Access, CredentialView } from "../../access/access.ts";
import { sessionSeconds } from "../../access/access.ts";
import { AddressRates } from "../../access/address-rates.ts";
import { sessionCookieHeader } from "../../access/cookie.ts";
import { ownerRole } from "../../access/permission.ts";
import type { Route } from "../route.ts";
import { route } from "../route.ts";
import { tokenShape } from "../shapes.ts";

const personShape = z.object({ id: z.string(), role: z.string() });
const sessionShape = z.object({ person: personShape });
const iso = (ms: number): string => new Date(ms).toISOString();

const tokenView = ({ id, name, role, createdAt, expiresAt }: CredentialView) => ({
  id,
  name,
  role,
  createdAt: iso(createdAt),
  expiresAt: expiresAt === null ? null : iso(expiresAt),
});

export interface SessionParts {
  access: Access;
  now: () => number;
  /** Makes a new sign-in link and writes it to the data folder. */
  newLink: () => Promise<{ url: string; expiresAt: number }>;
}

/** Tries that fail, of one address. */
const signInsPerMinute = 5;

export function sessionRoutes({ access, now, newLink }: SessionParts): Route[] {
  const tries = new AddressRates(signInsPerMinute, now);
  return [
    route({
      method: "POST",
      path: "/api/session",
      summary: "Sign in with the secret of a sign-in link; the answer sets the cookie",
      permission: null,
      body: z.strictObject({ token: z.string().min(1).max(200) }),
      status: 201,
      response: sessionShape,
      handler: async ({ caller: { address, secure }, body, setHeader }) => {
        // Counted before it is looked at, so that many at once are counted too; one that succeeds was no try.
        const retryAfterMs = tries.take(address);
        if (retryAfterMs !== null) throw new Refusal("busy", "Too many sign-ins from here have failed; wait a little", { retryAfterMs });
        const { secret, person } = await access.redeemLink(body.token);
        tries.giveBack(address);
        setHeader("set-cookie", sessionCookieHeader(secret, sessionSeconds, secure));
        return { person: { id: person.id, role: person.role } };
      },
    }),
    route({
      method: "GET",
      path: "/api/session",
      summary: "Who am I?",
      permission: "conversations.use",
      status: 200,
      response: sessionShape,
      handler: async ({ person }) => ({ person: { id: person.id, role: person.role } }),
    }),
    route({
      method: "DELETE",
      path: "/api/session",
      summary: "Sign out",
      permission: "conversations.use",
      status: 204,
      handler: async ({ caller: { secure }, person, setHeader }) => {
        if (!(await access.signOut(person.credential))) {
          throw new Refusal("state_conflict", "There is no session to end: this request came with a token. Revoke it instead.");
        }
        setHeader("set-cookie", sessionCookieHeader("", 0, secure));
      },
    }),
    route({
      method: "POST",
      path: "/api/session/links",
      summary: "Make a sign-in link, good once and for 15 minutes; an older one ends",
      permission: "credentials.manage",
      status: 201,
      response: z.object({ url: z.string(), expiresAt: z.string() }),
      handler: async () => {
        const { url, expiresAt } = await newLink();
        return { url, expiresAt: iso(expiresAt) };
      },
    }),
    route({
      method: "GET",
      path: "/api/tokens",
      summary: "The tokens of programs, without their secrets",
      permission: "credentials.manage",
      status: 200,
      response: z.object({ tokens: z.array(tokenShape) }),
      handler: async () => ({ tokens: access.tokens().map(tokenView) }),
    }),
    route({
      method: "POST",
      path: "/api/tokens",
      summary: "Make a token for a program; this answer is the only one that shows it",
      permission: "credentials.manage",
      body: z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
        role: z.enum([ownerRole]).default(ownerRole),
        expiresInSeconds: z
          .number()
          .int()
          .min(1)
          .max(10 * 366 * 86_400)
          .optional(),
      }),
      status: 201,
      response: tokenShape.extend({ token: z.string() }),
      handler: async ({ body: { name, role, expiresInSeconds } }) => {
        const expiresAt = expiresInSeconds === undefined ? null : now() + expiresInSeconds * 1000;
        const created = await access.createToken({ name, role, expiresAt });
        return { ...tokenView(created), token: created.token };
      },
    }),
    route({
      method: "DELETE",
      path: "/api/tokens/{token}",
      summary: "Revoke a token, by its id or its name; connections that use it end",
      permission: "credentials.manage",
      params: z.strictObject({ token: z.string().min(1).max(64) }),
      status: 204,
      handler: ({ params }) => access.revokeToken(params.token),
    }),
  ];
}
