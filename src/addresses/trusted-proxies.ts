import { BlockList, isIP } from "node:net";
import { tryIpAddress } from "./ip-address.ts";

/** Words for what is tedious to list. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1"],
  /** RFC 1918 and RFC 4193. */
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
};

/** Addresses, networks and words, separated by commas; undefined where one is none of these. */
export function tryTrustedProxies(text: string): string[] | undefined {
  const entries = text.split(",").map((entry) => entry.trim());
  return entries.every((entry) => Object.hasOwn(WORDS, entry) || tryNetwork(entry))
    ? entries
    : undefined;
}

interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

function tryNetwork(text: string): Network | undefined {
  const [given = "", length, ...rest] = text.split("/");
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(given)];
  const address = tryIpAddress(given);
  if (!bits || address === undefined || given.includes("%") || rest.length > 0) return undefined;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
  const family = isIP(address) === 4 ? "ipv4" : "ipv6";
  // IPv4 that is written as IPv6 is looked up as the IPv4 that it is.
  const offset = family === "ipv4" ? bits - 32 : 0;
  const prefix = Number(length ?? bits) - offset;
  return prefix >= 0 && prefix <= bits - offset ? { address, prefix, family } : undefined;
}

/** The proxies whose word about their clients is taken. */
export class TrustedProxies {
  readonly #list = new BlockList();

  /** @param entries as `tryTrustedProxies` gives them */
  constructor(entries: readonly string[]) {
    for (const entry of entries.flatMap((text) => WORDS[text] ?? [text])) {
      const { address, prefix, family } = tryNetwork(entry)!;
      this.#list.addSubnet(address, prefix, family);
    }
  }

  /** @param address as `tryIpAddress` spells it */
  has(address: string): boolean {
    return this.#list.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
  }
}
