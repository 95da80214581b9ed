/** The sign-in link as people get it: an address, printed and kept in a file of the data folder that only the owner can read. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Access } from "./access.ts";

const fileIn = (data: string): string => join(data, "signin-link");

/** The secret stands behind the #: browsers never send that part, so it reaches no log and no proxy. */
const address = (url: string, secret: string): string => `${url}/#signin=${secret}`;

/** @param url the server's own, such as http://127.0.0.1:8000 */
export async function newSignInLink(access: Access, data: string, url: string): Promise<{ url: string; expiresAt: number }> {
  const { secret, expiresAt } = await access.createLink();
  const link = address(url, secret);
  rmSync(fileIn(data), { force: true });
  writeFileSync(fileIn(data), `${link}\n`, { mode: 0o600 });
  return { url: link, expiresAt };
}

/**
 * The link to print at start: none when someone is signed in; the one that is still good (made by `skep signin` while the server
 * was stopped); else a new one.
 */
export async function signInLinkAtStart(access: Access, data: string, url: string): Promise<string | null> {
  if (access.hasSession()) return null;
  const secret = readSecret(data);
  if (secret !== null && access.isLink(secret)) return address(url, secret);
  return (await newSignInLink(access, data, url)).url;
}

function readSecret(data: string): string | null {
  try {
    return /#signin=([\w-]+)\s*$/.exec(readFileSync(fileIn(data), "utf8"))?.[1] ?? null;
  } catch {
    return null;
  }
}
