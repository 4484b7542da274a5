import type { IncomingMessage } from "node:http";
import { tryIpAddress } from "./ip-address.ts";
import { TrustedProxies } from "./trusted-proxies.ts";

/** Where a client is, as far as it is known: an IP address, or `unknown` of a connection that is already gone. */
export type AddressOf = (request: Pick<IncomingMessage, "headers" | "socket">) => string;

/** Longer than any chain of proxies: what lies before it is a client's own invention. */
const HOPS_MAX = 32;

/**
 * Reads addresses off the connection and, where the peer is a trusted proxy, off `X-Forwarded-For`, from its right end:
 * each proxy appends the peer that it saw, so the first entry that is no trusted proxy is the client, and whatever
 * stands before it the client may have written itself. An entry that is no address ends the search at the proxy that
 * passed it on.
 *
 * `Forwarded` (RFC 7239) is not read: a proxy that writes only the older header passes a client's own `Forwarded` on
 * untouched, and would let it choose its address.
 */
export function createAddressOf(trusted: readonly string[]): AddressOf {
  const proxies = new TrustedProxies(trusted);
  return ({ headers, socket }) => {
    let address = tryIpAddress(socket.remoteAddress ?? "");
    if (address === undefined) return "unknown";
    const hops = hopsOf(headers["x-forwarded-for"]);
    for (let hop = hops.pop(); hop !== undefined && proxies.has(address); hop = hops.pop()) {
      const before = tryHop(hop);
      if (before === undefined) break;
      address = before;
    }
    return address;
  };
}

function hopsOf(header: string | string[] | undefined): string[] {
  if (header === undefined) return [];
  return String(header).split(",").slice(-HOPS_MAX);
}

/** `1.2.3.4`, `1.2.3.4:567`, `2001:db8::1`, `[2001:db8::1]:567`, any of them in quotes. */
function tryHop(text: string): string | undefined {
  const bare = text.trim().replace(/^"(.*)"$/, "$1");
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(bare)?.[1];
  const beforePort = /^([\d.]+):\d+$/.exec(bare)?.[1];
  return tryIpAddress(bracketed ?? beforePort ?? bare);
}
