export const sessionCookie = "skep_session";

/** The session's secret in a Cookie header, or null. A name that occurs twice counts as none: one of the two was planted. */
export function readSessionCookie(header: string | undefined): string | null {
  if (header === undefined) return null;
  const found: string[] = [];
  for (const part of header.split(";")) {
    const at = part.indexOf("=");
    if (at >= 0 && part.slice(0, at).trim() === sessionCookie) found.push(part.slice(at + 1).trim());
  }
  return found.length === 1 && found[0] ? found[0] : null;
}

/** No script can read it, and no other site can make a browser send it. `Secure` only where there is TLS, or browsers would drop it. */
export const sessionCookieHeader = (secret: string, seconds: number, tls = false): string =>
  `${sessionCookie}=${secret}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${tls ? "; Secure" : ""}`;
