import { describe, expect, test } from "vitest";
import { checkAct, checkHost, checkOrigin, checkRead } from "./origin.ts";

describe("the host that a request names", () => {
  const rule = { port: 8000, allowedHosts: ["bots.example.org", "tunnel.example.org:8443"] };
  test.each([
    ["127.0.0.1:8000", true],
    ["localhost:8000", true],
    ["LOCALHOST:8000", true],
    ["[::1]:8000", true],
    ["bots.example.org", true],
    ["bots.example.org:9000", true],
    ["tunnel.example.org:8443", true],
    ["tunnel.example.org", false],
    ["tunnel.example.org:8443:8443", false],
    ["127.0.0.1:8001", false],
    ["127.0.0.1", false],
    ["localhost", false],
    ["evil.example:8000", false],
    ["127.0.0.1.evil.example:8000", false],
    ["bots.example.org.evil.example", false],
    ["localhost:8000@evil.example", false],
    ["", false],
    [undefined, false],
  ])("%s: %s", (host, allowed) => {
    expect(checkHost(host, rule)).toBe(allowed ? null : "host_refused");
  });

  test("on port 80 browsers leave the port away", () => {
    expect(checkHost("localhost", { port: 80, allowedHosts: [] })).toBeNull();
  });
});

describe("the origin of what is no read", () => {
  const host = "127.0.0.1:8000";
  const cookie = "a=b; skep_session=secret";
  test.each([
    ["a program: no origin, no cookie", { host }, true],
    ["the page", { host, cookie, origin: "http://127.0.0.1:8000" }, true],
    ["the page, signing in", { host, origin: "http://127.0.0.1:8000" }, true],
    ["the page behind a proxy with TLS", { host: "bots.example.org", cookie, origin: "https://bots.example.org" }, true],
    ["the page, by a browser that sends Sec-Fetch-Site alone", { host, cookie, "sec-fetch-site": "same-origin" }, true],
    ["a person's own act", { host, cookie, "sec-fetch-site": "none" }, true],
    ["another site", { host, cookie, origin: "http://evil.example" }, false],
    ["another site without a cookie", { host, origin: "http://evil.example" }, false],
    ["another port of this machine", { host, cookie, origin: "http://127.0.0.1:9000" }, false],
    ["another name of this machine", { host, cookie, origin: "http://localhost:8000" }, false],
    ["a sandboxed frame", { host, cookie, origin: "null" }, false],
    ["an origin that is none", { host, cookie, origin: "http://127.0.0.1:8000@evil.example" }, false],
    ["another scheme", { host, cookie, origin: "file://127.0.0.1:8000" }, false],
    ["another site, by Sec-Fetch-Site", { host, cookie, "sec-fetch-site": "cross-site" }, false],
    ["another name of the same site", { host, "sec-fetch-site": "same-site" }, false],
    ["a cookie without any word of where it comes from", { host, cookie }, false],
  ])("%s", (_name, headers, allowed) => {
    expect(checkOrigin(headers)).toBe(allowed ? null : "origin_refused");
  });

  test("where the way is encrypted, an origin that is not is another one", () => {
    const secure = { host: "bots.example.org", cookie };
    expect(checkOrigin({ ...secure, origin: "https://bots.example.org" }, { secure: true })).toBeNull();
    expect(checkOrigin({ ...secure, origin: "http://bots.example.org" }, { secure: true })).toBe("origin_refused");
  });
});

describe("reads", () => {
  const way = { secure: false };
  const host = "127.0.0.1:8000";
  const cookie = "skep_session=secret";
  const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  test.each([
    ["a program", { host }, "anything"],
    ["the page", { host, cookie, "sec-fetch-site": "same-origin" }, "anything"],
    ["the page, by a browser that names the origin", { host, cookie, origin: "http://127.0.0.1:8000" }, "anything"],
    ["somebody who types the address", { host, cookie, ...link, "sec-fetch-site": "none" }, "anything"],
    ["a link on another site", { host, ...link }, "page"],
    ["a link on another port of this machine", { host, cookie, ...link, "sec-fetch-site": "same-site" }, "page"],
    ["another site in a frame", { host, ...link, "sec-fetch-dest": "iframe" }, "nothing"],
    ["another site's fetch", { host, origin: "http://evil.example", "sec-fetch-site": "cross-site" }, "nothing"],
    ["another site's picture", { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, "nothing"],
    ["another port's script", { host, cookie, "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" }, "nothing"],
    ["a sandboxed frame", { host, origin: "null", "sec-fetch-site": "cross-site" }, "nothing"],
  ])("%s may read: %s", (_name, headers, what) => {
    expect(checkRead(headers, way, true)).toBe(what === "nothing" ? "origin_refused" : null);
    expect(checkRead(headers, way, false)).toBe(what === "anything" ? null : "origin_refused");
  });

  test("what acts by the cookie needs a header besides, what acts by a token does not", () => {
    const page = { host, cookie, origin: "http://127.0.0.1:8000" };
    expect(checkAct({ ...page, "skep-request": "1" }, way)).toBeNull();
    expect(checkAct(page, way)).toBe("header_missing");
    expect(checkAct({ ...page, authorization: "Bearer skep_x" }, way)).toBeNull();
    expect(checkAct({ ...page, cookie: "other=1" }, way)).toBeNull();
    expect(checkAct({ ...page, origin: "http://evil.example", "skep-request": "1" }, way)).toBe("origin_refused");
  });
});
