import { describe, expect, test } from "vitest";
import { AddressRates, networkOf } from "./address-rates.ts";

describe("rates of addresses", () => {
  test("each address has its own; what is over is told when it may come again", () => {
    let now = 0;
    const rates = new AddressRates(5, () => now);
    for (let i = 0; i < 5; i++) expect(rates.take("192.0.2.1")).toBeNull();
    expect(rates.take("192.0.2.1")).toBe(12_000);
    expect(rates.take("192.0.2.2")).toBeNull();
    now = 12_000;
    expect(rates.take("192.0.2.1")).toBeNull();
    expect(rates.take("192.0.2.1")).toBe(12_000);
    rates.giveBack("192.0.2.1");
    expect(rates.take("192.0.2.1")).toBeNull();
  });

  test("a hundred thousand addresses take no more memory than ten thousand, and one that comes again and again is not forgotten", () => {
    const rates = new AddressRates(50, () => 0);
    let passed = 0;
    for (let i = 0; i < 100_000; i++) {
      rates.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
      if (i % 1000 === 0 && rates.take("192.0.2.1") === null) passed++;
    }
    expect(rates.size).toBeLessThanOrEqual(10_000);
    expect(passed).toBe(50);
  });

  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::1", "0:0:0:0::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:0:0:1:2:3:4", "2001:db8:0:0::/64"],
    ["2001:DB8:1:2:3::", "2001:db8:1:2::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["", ""],
  ])("%s is one of %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
