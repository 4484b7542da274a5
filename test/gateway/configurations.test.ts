import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ENVIRONMENT, parseConfig } from "../../src/config.ts";
import { tryDuration } from "../../src/wire/units.ts";
import { inRoot } from "../contract/support-dockerfile.ts";
import { verifies } from "../support/verifies.ts";
import { caddy } from "./gateways/caddy.ts";
import { readShipped } from "./gateways/gateway-process.ts";
import { haproxy } from "./gateways/haproxy.ts";
import { nginx, unbufferedRoute } from "./gateways/nginx.ts";

const LONGEST_POLL_MS = 60_000;
/** Of the farewell and of what a slow machine takes. */
const MARGIN_MS = 30_000;
const { heartbeatMs, maxConnectionAgeMs } = parseConfig({});

const FILES = [
  "nginx.conf",
  "haproxy.cfg",
  "Caddyfile",
  "kong.yaml",
  "traefik/traefik.yaml",
  "traefik/dynamic/novastream.yaml",
  "apisix/config.yaml",
  "apisix/apisix.yaml",
] as const;

const withoutComments = (file: string): string => readShipped(file).replaceAll(/^\s*#.*$/gm, "");

/** Of one number in a file, with its unit, in ms. */
function durationIn(file: string, pattern: RegExp, unit = ""): number {
  const values = [...withoutComments(file).matchAll(pattern)].map(([, value]) => value!);
  expect(values.length, `${file}: ${pattern}`).toBeGreaterThan(0);
  return Math.min(...values.map((value) => tryDuration(`${value}${unit}`)!));
}

describe.skipIf(process.env["GATEWAY_URL"])("the gateways' own checks", () => {
  it.each([nginx, unbufferedRoute, haproxy, caddy])(
    "of $file pass, and catch a planted error",
    verifies("gateway-files"),
    (gateway) => {
      const { file } = gateway;
      const { status, output } = gateway.check();
      expect([status, output.match(/\[(warn|emerg|ALERT)\]|Error:/)?.[0]]).toEqual([0, undefined]);
      const key = ["timeout connect", "lb_policy", "proxy_http_version"].find((candidate) =>
        readFileSync(inRoot(file), "utf8").includes(candidate),
      )!;
      expect(gateway.check([[key, `${key}_`]]).status).not.toBe(0);
    },
  );
});

describe("the gateways' files", () => {
  it("each name the same two processes, in one place", verifies("gateway-files"), () => {
    for (const file of FILES) {
      const addresses = withoutComments(file).match(/novastream-\d:\d+/g) ?? [];
      const port = parseConfig({}).port;
      const expected = /traefik\.yaml|config\.yaml/.test(file)
        ? []
        : [`novastream-1:${port}`, `novastream-2:${port}`];
      expect(new Set(addresses), file).toEqual(new Set(expected));
      const lines = withoutComments(file).split("\n");
      const at = lines.flatMap((line, i) => (/novastream-\d:\d+/.test(line) ? [i] : []));
      expect((at.at(-1) ?? 0) - (at[0] ?? 0), file).toBeLessThanOrEqual(1);
    }
  });

  it(
    "bear the longest silence that the service keeps, with room",
    verifies("gateway-files"),
    () => {
      const silent = Math.max(heartbeatMs, LONGEST_POLL_MS) + MARGIN_MS;
      for (const [file, pattern, unit] of [
        ["nginx.conf", /proxy_(?:read|send)_timeout (\w+);/g, ""],
        ["nginx.conf", /client_body_timeout (\w+);/g, ""],
        ["haproxy.cfg", /timeout (?:client|server|tunnel) (\w+)/g, ""],
        ["kong.yaml", /(?:read|write)_timeout: (\d+)/g, "ms"],
        ["apisix/apisix.yaml", /(?:read|send): (\d+)/g, "s"],
        ["apisix/config.yaml", /client_body_timeout: (\w+)/g, ""],
      ] as const) {
        expect(durationIn(file, pattern, unit), file).toBeGreaterThan(silent);
      }
    },
  );

  it("let go of who does not read later than the service does", verifies("gateway-files"), () => {
    const { stallMs } = parseConfig({});
    expect(durationIn("nginx.conf", /\bsend_timeout (\w+);/g)).toBeGreaterThan(stallMs);
    expect(durationIn("apisix/config.yaml", /send_timeout: (\w+)/g)).toBeGreaterThan(stallMs);
  });

  it("let every stream end by itself when they are reloaded", verifies("gateway-files"), () => {
    for (const [file, pattern] of [
      ["nginx.conf", /worker_shutdown_timeout (\w+);/g],
      ["haproxy.cfg", /hard-stop-after (\w+)/g],
      ["Caddyfile", /stream_close_delay (\w+)/g],
      ["apisix/config.yaml", /worker_shutdown_timeout: (\w+)/g],
    ] as const) {
      expect(durationIn(file, pattern), file).toBeGreaterThanOrEqual(
        maxConnectionAgeMs + MARGIN_MS,
      );
    }
  });

  it("name only variables that the service reads", verifies("gateway-files"), () => {
    const known = new Set(Object.keys(ENVIRONMENT.shape));
    const texts = [...FILES.map(readShipped), readFileSync(inRoot("docs/gateways.md"), "utf8")];
    const named = texts.flatMap((text) => text.match(/\b[A-Z]{2,}(?:_[A-Z0-9]+)+\b/g) ?? []);
    const own = named.filter((name) => !/^(KONG|GATEWAY)_/.test(name));
    expect(new Set(own).size).toBeGreaterThan(2);
    expect(own.filter((name) => !known.has(name))).toEqual([]);
  });

  it("hold nothing of what circulates and does harm, or nothing", verifies("gateway-files"), () => {
    const folklore =
      /chunked_transfer_encoding|^\s*'' '?close|proxy_read_timeout \d+h|Transfer-Encoding|flushInterval|flush_interval|compress:|gzip on|^\s*buffering:|disable_buffering|non_idempotent|writeTimeout: (?!0s)|request-timeout|stream_mode|redis_host|http-buffer-request|upgrade: websocket|proxy_set_header Connection ['"]?(upgrade|close)/im;
    for (const file of FILES)
      expect(withoutComments(file).match(folklore)?.[0], file).toBe(undefined);
  });
});

describe("docs/gateways.md", () => {
  const MATTERS = [
    "buffering",
    "request streaming",
    "WebSocket",
    "idle timeout",
    "total timeout",
    "compression",
    "retries",
    "CORS",
    "rate limit",
    "JWT",
    "drain",
  ];
  const GATEWAYS: Readonly<Record<string, readonly (typeof FILES)[number][]>> = {
    nginx: ["nginx.conf"],
    HAProxy: ["haproxy.cfg"],
    Caddy: ["Caddyfile"],
    Kong: ["kong.yaml"],
    Traefik: ["traefik/traefik.yaml", "traefik/dynamic/novastream.yaml"],
    APISIX: ["apisix/config.yaml", "apisix/apisix.yaml"],
    "GKE Gateway": [],
    "GKE Ingress": [],
    "ingress-nginx": [],
    "Envoy Gateway": [],
  };
  const rows: { gateway: string; matter: string; key: string }[] = [];
  for (const line of readFileSync(inRoot("docs/gateways.md"), "utf8").split("\n")) {
    const [, first, matter, key] = line.split("|").map((cell) => cell.trim());
    const gateway = /^\*\*(.+?)\*\*/.exec(first ?? "")?.[1] ?? rows.at(-1)?.gateway;
    if (gateway && matter && key && MATTERS.includes(matter)) rows.push({ gateway, matter, key });
  }

  it("has a line for each gateway and matter", verifies("gateway-files"), () => {
    const expected = Object.keys(GATEWAYS).flatMap((gateway) =>
      MATTERS.map((matter) => `${gateway}: ${matter}`),
    );
    expect(rows.map(({ gateway, matter }) => `${gateway}: ${matter}`)).toEqual(expected);
  });

  it("says of the shipped files what is in them", verifies("gateway-files"), () => {
    const missing = rows.flatMap(({ gateway, matter, key }) => {
      const text = GATEWAYS[gateway]!.map(readShipped).join("\n");
      // What is in brackets, or of a matter that the files leave to others, is what one could do.
      if (text === "" || ["CORS", "rate limit", "JWT"].includes(matter)) return [];
      const spans = [...key.replaceAll(/\([^)]*\)/g, "").matchAll(/`([^`]+)`/g)];
      return spans.flatMap(([, span]) => {
        // A record of YAML is written on several lines there; everything else stands as it is.
        const parts = /[{[]/.test(span!) ? span!.match(/[\w-]+/g)! : [span!];
        return parts.filter((part) => !text.includes(part)).map((part) => `${gateway}: ${part}`);
      });
    });
    expect(missing).toEqual([]);
  });
});
