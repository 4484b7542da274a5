import { describe, expect, it } from "vitest";
import { verifies } from "../support/verifies.ts";
import { apisixProblems } from "./declarations/apisix.ts";
import { kongProblems } from "./declarations/kong.ts";
import { traefikProblems } from "./declarations/traefik.ts";
import { type Change, changed, readShipped } from "./gateways/gateway-process.ts";

/** What somebody might write, and what is then said of it. */
type Planted = readonly [from: string, to: string, says: RegExp];

const KONG: readonly Planted[] = [
  ["response_buffering: false", "response_buffering: true", /novastream: answers are buffered/],
  ["        request_buffering: false\n", "", /novastream: uploads are buffered/],
  ["request_buffering: false", "request_buffer: false", /Unrecognized key/],
  ["strip_path: false", "strip_path: true", /other paths/],
  ["request-termination", "websocket", /plugins.0.name/],
  ["request-termination", "request-timeout", /plugins.0.name/],
  ["request-termination", "response-transformer", /plugins.0.name/],
  [
    "- name: request-termination\n            config:\n              status_code: 404",
    "- {name: rate-limiting, config: {minute: 9, redis_host: redis}}",
    /Unrecognized key: "redis_host"/,
  ],
  [
    "- name: request-termination\n            config:\n              status_code: 404",
    '- {name: cors, config: {origins: ["*"], credentials: true}}',
    /any page may act as the user/,
  ],
  ["retries: 1", "retries: 5", /retries/],
  ["read_timeout: 300000", "read_timeout: 0", /read_timeout/],
  ["read_timeout: 300000", "request_timeout: 300000", /request_timeout/],
  ["host: novastream", "host: nowhere", /nowhere is no upstream/],
  ["algorithm: least-connections", "algorithm: latency", /algorithm/],
  ["protocols: [http, https]", "protocols: [ws, wss]", /protocols/],
  ["          interval: 2\n          successes: 1", "          successes: 1", /healthy.interval/],
  ["tcp_failures: 2", "tcp_failures: 0", /tcp_failures/],
  ['_format_version: "3.0"', '_format_version: "1.1"', /_format_version/],
];

const TRAEFIK: readonly Planted[] = [
  ["writeTimeout: 0s", "writeTimeout: 60s", /writeTimeout: 0s, since/],
  ["readTimeout: 0s", "readTimeout: 60s", /uploads: they are cut/],
  ["readTimeout: 60s", "readTimeout: 60", /readTimeout/],
  ["respondingTimeouts", "respondingTimeout", /Unrecognized key: "respondingTimeout"/],
  ["graceTimeOut", "graceTimeout", /graceTimeout/],
  ["RequestPath: drop", "RequestPath: keep", /RequestPath/],
  ["      retry:\n        attempts: 2", "      buffering: {}", /middlewares.connect-again/],
  ["      retry:\n        attempts: 2", "      compress: {}", /middlewares.connect-again/],
  [
    "      retry:\n        attempts: 2",
    "      retry: {attempts: 2, retryNonIdempotentMethod: true}",
    /middlewares.connect-again/,
  ],
  [
    "      retry:\n        attempts: 2",
    "      rateLimit: {average: 9, redis: {host: redis}}",
    /middlewares.connect-again/,
  ],
  ["rule: Method(`GET`) &&", "rule: PathPrefix(`/`) &&", /reads: what is no GET is repeated/],
  ["entryPoints: [uploads]", "entryPoints: [upload]", /uploads: no such entry point/],
  ["middlewares: [connect-again]", "middlewares: [connect]", /reads: no such middleware/],
  ["serversTransport: novastream", "serversTransport: nova", /no such transport/],
  ["strategy: p2c", "responseForwarding: {flushInterval: 50ms}", /responseForwarding/],
  ["path: /readyz", "path: /livez", /healthCheck.path/],
  ["responseHeaderTimeout: 0s", "responseHeaderTimeout: 30s", /responseHeaderTimeout/],
];

const APISIX: readonly Planted[] = [
  ["disable_proxy_buffering: true", "disable_proxy_buffering: false", /disable_proxy_buffering/],
  [
    "proxy-buffering:\n        disable_proxy_buffering",
    "proxy-rewrite:\n        disable_buffering",
    /"proxy-rewrite"/,
  ],
  ["      proxy-control:\n        request_buffering: false\n", "", /uploads are buffered/],
  ["    enable_websocket: true\n", "", /no WebSockets/],
  ["      send: 300\n", "", /timeout.send/],
  ["retries: 1", "retries: 2", /retries/],
  ["upstream_id: novastream", "upstream_id: nowhere", /no upstream nowhere/],
  ["#END\n", "", /without #END/],
  ["http_path: /readyz", "http_path: /", /http_path/],
  ["send_timeout: 60s", "send_timeouts: 60s", /send_timeouts/],
  ["client_max_body_size: 0", "client_max_body_size: 1m", /client_max_body_size/],
  ["$request_method $uri", "$request", /the query is logged/],
  ["config_provider: yaml", "config_provider: etcd", /config_provider/],
];

/** @param files of which the first that holds what is to be changed is changed */
function planted(files: readonly string[], [from, to]: Planted): string[] {
  const texts = files.map(readShipped);
  const at = texts.findIndex((text) => text.includes(from));
  const change: Change = [from, to];
  return texts.map((text, i) => (i === at || at < 0 ? changed(files[i]!, text, [change]) : text));
}

describe.each([
  {
    files: ["kong.yaml"],
    problems: ([text]: readonly string[]) => kongProblems(text!),
    errors: KONG,
  },
  {
    files: ["traefik/traefik.yaml", "traefik/dynamic/novastream.yaml"],
    problems: ([fixed, changing]: readonly string[]) => traefikProblems(fixed!, changing!),
    errors: TRAEFIK,
  },
  {
    files: ["apisix/config.yaml", "apisix/apisix.yaml"],
    problems: ([config, routes]: readonly string[]) => apisixProblems(config!, routes!),
    errors: APISIX,
  },
])("$files.0", ({ files, problems, errors }) => {
  it(
    "has no key that its gateway does not know, and is right for streams",
    verifies("gateway-declarations"),
    () => {
      expect(problems(files.map(readShipped))).toEqual([]);
    },
  );

  it.each(errors)(
    "without %j but with %j is refused",
    verifies("gateway-declarations"),
    (...error) => {
      expect(problems(planted(files, error)).join("\n")).toMatch(error[2]);
    },
  );
});
