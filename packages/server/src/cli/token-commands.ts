import { newSignInLink } from "../access/sign-in-link.ts";
import type { Config } from "../config.ts";
import { ownUrl } from "../own-address.ts";
import { callControl } from "./control-client.ts";
import { withOrWithoutServer } from "./credentials-offline.ts";
import { exitCodes, Failure } from "./failure.ts";
import { table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

interface TokenView {
  id: string;
  name: string;
  role: string;
  createdAt: string;
  expiresAt: string | null;
}

const iso = (ms: number): string => new Date(ms).toISOString();
const json = (value: unknown): string => JSON.stringify(value, null, 2);

export async function createToken(
  terminal: Terminal,
  data: string,
  input: { name: string; role: string; expiresInSeconds?: number; json: boolean },
): Promise<void> {
  const { name, role, expiresInSeconds } = input;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    throw new Failure("The name of a token must be 1 to 64 letters, digits, dashes or underscores.", exitCodes.usage);
  }
  if (role !== "owner") throw new Failure(`There is no role "${role}"; there is: owner.`, exitCodes.usage);
  const body = { name, role, ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }) };
  const made = await withOrWithoutServer<TokenView & { token: string }>(
    data,
    () => callControl(data, "POST", "/api/tokens", body),
    async (access) => {
      const expiresAt = expiresInSeconds === undefined ? null : Date.now() + expiresInSeconds * 1000;
      const created = await access.createToken({ name, role, expiresAt });
      return { ...created, createdAt: iso(created.createdAt), expiresAt: created.expiresAt === null ? null : iso(created.expiresAt) };
    },
  );
  if (input.json) return terminal.out(json(made));
  // Alone on standard output, so that a script can take it: TOKEN=$(skep token create --name ci)
  terminal.out(made.token);
  terminal.error(`This is the only time it is shown. Send it as "Authorization: Bearer …"; skep token revoke ${name} ends it.`);
}

export async function listTokens(terminal: Terminal, data: string, asJson: boolean): Promise<void> {
  const { tokens } = await withOrWithoutServer<{ tokens: TokenView[] }>(
    data,
    () => callControl(data, "GET", "/api/tokens"),
    async (access) => ({
      tokens: access.tokens().map(({ createdAt, expiresAt, ...rest }) => ({
        ...rest,
        createdAt: iso(createdAt),
        expiresAt: expiresAt === null ? null : iso(expiresAt),
      })),
    }),
  );
  if (asJson) return terminal.out(json({ tokens }));
  if (tokens.length === 0) return terminal.out("No tokens. Make one: skep token create --name ci");
  terminal.out(
    table(
      ["NAME", "ROLE", "CREATED", "EXPIRES", "ID"],
      tokens.map(({ name, role, createdAt, expiresAt, id }) => [name, role, createdAt, expiresAt ?? "never", id]),
    ),
  );
}

export async function revokeToken(terminal: Terminal, data: string, nameOrId: string): Promise<void> {
  await withOrWithoutServer(
    data,
    () => callControl<unknown>(data, "DELETE", `/api/tokens/${encodeURIComponent(nameOrId)}`),
    (access) => access.revokeToken(nameOrId),
  );
  terminal.out(`Token ${nameOrId} is revoked; connections that used it have ended.`);
}

export async function printSignInLink(terminal: Terminal, config: Config, asJson: boolean): Promise<void> {
  const { data, port } = config;
  const { url, expiresAt, started } = await withOrWithoutServer(
    data,
    async () => ({ ...(await callControl<{ url: string; expiresAt: string }>(data, "POST", "/api/session/links")), started: true }),
    async (access) => {
      const link = await newSignInLink(access, data, ownUrl(config, port));
      return { url: link.url, expiresAt: iso(link.expiresAt), started: false };
    },
  );
  if (asJson) return terminal.out(json({ url, expiresAt }));
  terminal.out(url);
  terminal.error(`It works once, for 15 minutes.${started ? "" : " Start the server first: skep start"}`);
}
