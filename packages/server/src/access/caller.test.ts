import { expect, test } from "vitest";
import { callerOf, trustedProxies } from "./caller.ts";

const trusted = trustedProxies(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
const address = (remote: string, forwardedFor?: string): string => callerOf({ remote, encrypted: false, forwardedFor }, trusted).address;

test.each([
  ["nobody in between", "198.51.100.1", undefined, "198.51.100.1"],
  ["somebody who lies", "198.51.100.1", "203.0.113.5", "198.51.100.1"],
  ["a proxy", "10.1.2.3", "203.0.113.5", "203.0.113.5"],
  ["a proxy over an IPv6 socket", "::ffff:10.1.2.3", "203.0.113.5", "203.0.113.5"],
  ["a proxy of IPv6", "2001:db8::1", "2001:dead::1", "2001:dead::1"],
  ["two proxies, and somebody who lies before them", "10.1.2.3", "127.0.0.1, 203.0.113.5, 192.0.2.7", "203.0.113.5"],
  ["with ports", "10.1.2.3", "203.0.113.5:1234", "203.0.113.5"],
  ["with brackets", "10.1.2.3", "[2001:dead::1]:443", "2001:dead::1"],
  ["nothing that is an address", "10.1.2.3", "unknown", "10.1.2.3"],
  ["nothing at all", "10.1.2.3", "", "10.1.2.3"],
  ["only proxies", "10.1.2.3", "10.9.9.9", "10.9.9.9"],
])("%s", (_, remote, forwardedFor, expected) => {
  expect(address(remote, forwardedFor)).toBe(expected);
});

test("TLS at the proxy counts when the proxy is trusted; plain text from elsewhere, past the proxy, is seen", () => {
  const proto = { encrypted: false, forwardedProto: "https" };
  expect(callerOf({ remote: "10.1.2.3", ...proto }, trusted)).toMatchObject({ secure: true, exposed: false });
  expect(callerOf({ remote: "198.51.100.1", ...proto }, trusted)).toMatchObject({ secure: false, exposed: true });
  expect(callerOf({ remote: "198.51.100.1", encrypted: true }, trusted)).toMatchObject({ secure: true, exposed: false });
  expect(callerOf({ remote: "127.0.0.1", encrypted: false }, trusted)).toMatchObject({ secure: false, exposed: false });
  expect(callerOf({ remote: "::1", encrypted: false }, trusted)).toMatchObject({ secure: false, exposed: false });
  expect(callerOf({ remote: "10.1.2.3", ...proto }, trustedProxies([]))).toMatchObject({ secure: false, exposed: true });
});
