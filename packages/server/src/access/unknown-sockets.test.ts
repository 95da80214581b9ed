import { Refusal } from "@skep/protocol/errors";
import { expect, test } from "vitest";
import { UnknownSockets } from "./unknown-sockets.ts";

test("ten of one address, a hundred in all; whoever leaves makes room once", () => {
  const sockets = new UnknownSockets();
  const left: (() => void)[] = [];
  for (let address = 0; address < 10; address++) {
    for (let i = 0; i < 10; i++) left.push(sockets.enter(`192.0.2.${address}`));
    expect(() => sockets.enter(`192.0.2.${address}`)).toThrow(Refusal);
  }
  expect(sockets.size).toBe(100);
  expect(() => sockets.enter("198.51.100.1")).toThrow("have not signed in");
  left[0]?.();
  left[0]?.();
  expect(sockets.size).toBe(99);
  expect(() => sockets.enter("192.0.2.1")).toThrow(Refusal);
  left[0] = sockets.enter("198.51.100.1");
  for (const leave of left) leave();
  expect(sockets.size).toBe(0);
});

test("of IPv6, a network of the size that one customer gets counts as one address", () => {
  const sockets = new UnknownSockets();
  for (let i = 0; i < 10; i++) sockets.enter(`2001:db8::${i}`);
  expect(() => sockets.enter("2001:db8::ffff")).toThrow(Refusal);
  sockets.enter("2001:db8:0:1::1");
});
