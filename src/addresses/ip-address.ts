import { isIP, SocketAddress } from "node:net";

/**
 * The one spelling of an address: lower case and compressed (RFC 5952), without a zone, and IPv4 that is mapped into
 * IPv6 (`::ffff:1.2.3.4`, as dual-stack sockets show it) as IPv4. Undefined where it is none.
 */
export function tryIpAddress(text: string): string | undefined {
  const address = text.replace(/%.*$/s, "");
  const family = isIP(address);
  if (family !== 6) return family === 4 ? address : undefined;
  const canonical = new SocketAddress({ address, family: "ipv6" }).address;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(canonical)?.[1] ?? canonical;
}

/**
 * Under what an address counts against a limit: itself, but of IPv6 its /64, which is the least that one customer gets
 * and all of which is theirs to choose from (RFC 6177).
 * @param address as `tryIpAddress` spells it; anything else counts as itself
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const last = tail === "" ? [] : tail.split(":");
    while (groups.length + last.length < 8) groups.push("0");
    groups.push(...last);
  }
  return `${groups.slice(0, 4).join(":")}::/64`;
}
