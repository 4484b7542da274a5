import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
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

describe("the gateways' own checks", () => {
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
      /chunked_transfer_encoding|proxy_read_timeout \d+h|Transfer-Encoding|flushInterval|flush_interval|compress:|gzip on|^\s*buffering:|disable_buffering|non_idempotent|writeTimeout: (?!0s)|request-timeout|stream_mode|redis_host|http-buffer-request|upgrade: websocket|proxy_set_header Connection ['"]?(upgrade|close)/im;
    for (const file of FILES)
      expect(withoutComments(file).match(folklore)?.[0], file).toBe(undefined);
  });
});

describe("kong.yaml", () => {
  const kong = parse(readShipped("kong.yaml"));
  const [service] = kong.services;
  const [upstream] = kong.upstreams;

  it(
    "buffers neither way, repeats no POST, and goes to its upstream",
    verifies("gateway-files"),
    () => {
      expect(Object.keys(kong).sort()).toEqual(["_format_version", "services", "upstreams"]);
      expect([service.host, service.retries]).toEqual([upstream.name, 1]);
      expect(service.connect_timeout).toBeGreaterThan(0);
      expect(service.routes[0]).toMatchObject({
        request_buffering: false,
        response_buffering: false,
        strip_path: false,
        protocols: ["http", "https"],
      });
      expect(service.routes[0].plugins).toBeUndefined();
      // Both have to be set: 0 turns a check off, and is the default.
      const { healthy, unhealthy } = upstream.healthchecks.active;
      for (const value of [healthy.interval, healthy.successes, unhealthy.interval])
        expect(value).toBeGreaterThan(0);
    },
  );
});

describe("traefik/", () => {
  const statics = parse(readShipped("traefik/traefik.yaml"));
  const { http } = parse(readShipped("traefik/dynamic/novastream.yaml"));

  it(
    "limits no answer in all, and no upload at its own entry point",
    verifies("gateway-files"),
    () => {
      for (const { transport } of Object.values<any>(statics.entryPoints))
        expect(transport.respondingTimeouts.writeTimeout).toBe("0s");
      expect(statics.entryPoints.uploads.transport.respondingTimeouts.readTimeout).toBe("0s");
    },
  );

  it("refers only to what is there, and repeats only what reads", verifies("gateway-files"), () => {
    for (const router of Object.values<any>(http.routers)) {
      expect(Object.keys(http.services)).toContain(router.service);
      for (const entryPoint of router.entryPoints)
        expect(Object.keys(statics.entryPoints)).toContain(entryPoint);
      for (const name of router.middlewares ?? []) {
        expect(Object.keys(http.middlewares[name])).toEqual(["retry"]);
        expect(router.rule).toMatch(/^Method\(`GET`\)/);
      }
    }
    const { serversTransport } = http.services.novastream.loadBalancer;
    expect(Object.keys(http.serversTransports)).toEqual([serversTransport]);
  });
});

describe("apisix/", () => {
  const { routes, upstreams } = parse(readShipped("apisix/apisix.yaml"));

  it(
    "buffers neither way, and ends with the mark without which it is not read",
    verifies("gateway-files"),
    () => {
      const [route] = routes;
      expect(route.plugins).toEqual({
        "proxy-buffering": { disable_proxy_buffering: true },
        "proxy-control": { request_buffering: false },
      });
      expect([route.enable_websocket, route.upstream_id]).toEqual([true, upstreams[0].id]);
      expect(Object.keys(route.timeout).sort()).toEqual(["connect", "read", "send"]);
      expect(readShipped("apisix/apisix.yaml").endsWith("\n#END\n")).toBe(true);
    },
  );
});

describe("docs/gateways.md", () => {
  it("has a row for each gateway and a column for each matter", verifies("gateway-files"), () => {
    const table = readFileSync(inRoot("docs/gateways.md"), "utf8");
    for (const gateway of [
      "nginx",
      "HAProxy",
      "Caddy",
      "Kong",
      "Traefik",
      "APISIX",
      "GKE",
      "Envoy",
    ])
      expect(table).toMatch(new RegExp(`^\\| \\*\\*${gateway}`, "m"));
    for (const file of FILES) expect(table).toContain(file.replace(/\/.*/, "/"));
  });
});
