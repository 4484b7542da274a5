import type { IncomingMessage } from "node:http";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAddressOf } from "../../src/addresses/client-address.ts";
import { networkOf, tryIpAddress } from "../../src/addresses/ip-address.ts";
import { TrustedProxies, tryTrustedProxies } from "../../src/addresses/trusted-proxies.ts";
import { ConfigError, parseConfig } from "../../src/config.ts";
import { verifies } from "../support/verifies.ts";

const request = (remoteAddress: string | undefined, forwarded?: string) =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
  }) as unknown as IncomingMessage;

describe("an address", () => {
  it("has one spelling", () => {
    const spellings: [string, string | undefined][] = [
      ["1.2.3.4", "1.2.3.4"],
      ["::ffff:1.2.3.4", "1.2.3.4"],
      ["::FFFF:102:304", "1.2.3.4"],
      ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
      ["fe80::1%eth0", "fe80::1"],
      ["01.2.3.4", undefined],
      ["1.2.3", undefined],
      ["example.com", undefined],
      ["", undefined],
    ];
    for (const [text, address] of spellings) expect(tryIpAddress(text), text).toBe(address);
  });

  it("counts as itself, or as its /64", verifies("connection-limits"), () => {
    for (const [address, network] of [
      ["1.2.3.4", "1.2.3.4"],
      ["2001:db8::1", "2001:db8:0:0::/64"],
      ["2001:db8::1:2:3:4:5", "2001:db8:0:1::/64"],
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
      ["::1", "0:0:0:0::/64"],
      ["2001:db8:1:2::", "2001:db8:1:2::/64"],
      ["unknown", "unknown"],
    ] as const)
      expect(networkOf(address), address).toBe(network);
    const groups = fc.array(fc.nat(0xff_ff), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(
        groups,
        fc.array(fc.nat(0xff_ff), { minLength: 4, maxLength: 4 }),
        (all, host) => {
          const spell = (numbers: number[]) =>
            tryIpAddress(numbers.map((n) => n.toString(16)).join(":"))!;
          const [one, two] = [spell(all), spell([...all.slice(0, 4), ...host])];
          fc.pre(one.includes(":") && two.includes(":"));
          expect(networkOf(one)).toBe(networkOf(two));
          const prefix = all
            .slice(0, 4)
            .map((n) => n.toString(16))
            .join(":");
          expect(networkOf(one)).toBe(`${prefix}::/64`);
        },
      ),
    );
  });
});

describe("TRUSTED_PROXIES", () => {
  it("takes addresses, networks and words", verifies("client-address"), () => {
    const entries = tryTrustedProxies(
      "10.1.2.3, 192.0.2.0/24,fd00::/8 , loopback,::ffff:198.51.100.0/120",
    )!;
    const proxies = new TrustedProxies(entries);
    for (const address of [
      "10.1.2.3",
      "192.0.2.255",
      "fd12::1",
      "127.9.9.9",
      "::1",
      "198.51.100.7",
    ])
      expect(proxies.has(address), address).toBe(true);
    for (const address of ["10.1.2.4", "192.0.3.1", "2001:db8::1", "198.51.101.7"])
      expect(proxies.has(address), address).toBe(false);
    const near = new TrustedProxies(["private"]);
    expect(["10.9.9.9", "172.31.0.1", "192.168.1.1", "fc00::1"].map((a) => near.has(a))).toEqual(
      Array(4).fill(true),
    );
    expect(["172.32.0.1", "11.0.0.1", "127.0.0.1"].map((a) => near.has(a))).toEqual(
      Array(3).fill(false),
    );
  });

  it("refuses everything else by name", verifies("client-address", "config"), () => {
    for (const bad of [
      "10.0.0.0/33",
      "fd00::/129",
      "10.0.0.0/",
      "10.0.0.0/8/8",
      "any",
      "constructor",
      "1.2.3.4,,",
      "fe80::1%eth0",
      "::ffff:10.0.0.0/95",
      "10.0.0.0/-1",
    ])
      expect(() => parseConfig({ TRUSTED_PROXIES: bad }), bad).toThrow(ConfigError);
  });
});

describe("a client's address", () => {
  const addressOf = createAddressOf(["10.0.0.0/8", "2001:db8:ffff::/48"]);

  it("is the peer's, unless a trusted proxy says another", verifies("client-address"), () => {
    const cases: [peer: string | undefined, forwarded: string | undefined, address: string][] = [
      ["203.0.113.7", undefined, "203.0.113.7"],
      ["203.0.113.7", "1.1.1.1", "203.0.113.7"],
      ["::ffff:203.0.113.7", "1.1.1.1", "203.0.113.7"],
      ["10.0.0.1", undefined, "10.0.0.1"],
      ["10.0.0.1", "1.1.1.1", "1.1.1.1"],
      ["::ffff:10.0.0.1", "1.1.1.1", "1.1.1.1"],
      ["2001:db8:ffff::1", "1.1.1.1", "1.1.1.1"],
      // What the client wrote stands to the left of what the proxies appended.
      ["10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"],
      ["10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2,10.0.0.3", "1.1.1.1"],
      ["10.0.0.1", "10.9.9.9, 10.0.0.2", "10.9.9.9"],
      ["10.0.0.1", "1.1.1.1:4711", "1.1.1.1"],
      ["10.0.0.1", '"[2001:DB8::1]:4711"', "2001:db8::1"],
      ["10.0.0.1", "[2001:db8::1]", "2001:db8::1"],
      ["10.0.0.1", "2001:db8::1", "2001:db8::1"],
      ["10.0.0.1", "::ffff:1.1.1.1", "1.1.1.1"],
      // No address: as far as is known, the client is whoever passed it on.
      ["10.0.0.1", "unknown", "10.0.0.1"],
      ["10.0.0.1", "6.6.6.6, nonsense", "10.0.0.1"],
      ["10.0.0.1", "6.6.6.6, nonsense, 10.0.0.2", "10.0.0.2"],
      ["10.0.0.1", "", "10.0.0.1"],
      ["10.0.0.1", "6.6.6.6,", "10.0.0.1"],
      [undefined, "1.1.1.1", "unknown"],
    ];
    for (const [peer, forwarded, address] of cases)
      expect(addressOf(request(peer, forwarded)), `${peer} ${forwarded}`).toBe(address);
  });

  it("is not the client's to choose, whatever it writes", verifies("client-address"), () => {
    const written = fc.oneof(
      fc.string(),
      fc
        .array(
          fc.oneof(
            fc.ipV4(),
            fc.ipV6(),
            fc.constantFrom("10.0.0.9", '"', "[", "]:1", "%", "unknown"),
          ),
        )
        .map((parts) => parts.join(",")),
    );
    fc.assert(
      fc.property(written, (text) => {
        expect(addressOf(request("203.0.113.7", text))).toBe("203.0.113.7");
        expect(addressOf(request("10.0.0.1", `${text}, 203.0.113.7`))).toBe("203.0.113.7");
        expect(addressOf(request("10.0.0.1", `${text},203.0.113.7, 10.0.0.2`))).toBe("203.0.113.7");
        expect(tryIpAddress(addressOf(request("10.0.0.1", text)))).toBeDefined();
      }),
    );
  });

  it("is looked for no further than proxies stand in a row", verifies("client-address"), () => {
    const chain = (length: number) => `1.1.1.1${",10.0.0.2".repeat(length)}`;
    expect(addressOf(request("10.0.0.1", chain(31)))).toBe("1.1.1.1");
    expect(addressOf(request("10.0.0.1", chain(32)))).toBe("10.0.0.2");
  });
});
