import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ConfigError, ENVIRONMENT, parseConfig } from "../../src/config.ts";
import { verifies } from "../support/verifies.ts";

describe("the configuration", () => {
  it(
    "has the documented defaults, is frozen, and an empty variable counts as unset",
    verifies("config"),
    () => {
      const config = parseConfig({ PORT: "", REDIS_URL: "" });
      expect(config).toMatchObject({
        port: 8080,
        host: "0.0.0.0",
        redis: undefined,
        admission: { maxConnections: 10_000, maxPerPrincipal: 0, maxPerAddress: 0 },
        heartbeatMs: 15_000,
      });
      expect(config).toMatchObject({
        maxConnectionAgeMs: 600_000,
        drainWindowMs: 30_000,
        maxBodyBytes: 1_048_576,
        demoDelayMs: 50,
      });
      expect(Object.isFrozen(config)).toBe(true);
      expect(config.retention.logs).toEqual({ count: 10_000, idleMs: 86_400_000 });
    },
  );

  it(
    "reads durations, sizes, lists, retentions and either way to name Redis",
    verifies("config"),
    () => {
      const config = parseConfig({
        HEARTBEAT_INTERVAL: "2m",
        STALL_TIMEOUT: "500",
        MAX_BODY_SIZE: "64KiB",
        CORS_ORIGINS: "https://a.example.com, http://localhost:3000",
        RETENTION_LOGS: "5,90s",
        REDIS_HOST: "redis",
        REDIS_PORT: "6380",
      });
      expect(config).toMatchObject({
        heartbeatMs: 120_000,
        stallMs: 500,
        maxBodyBytes: 65_536,
        redis: { endpoint: { kind: "standalone", address: { host: "redis", port: 6_380 } } },
      });
      expect(config.corsOrigins).toEqual(["https://a.example.com", "http://localhost:3000"]);
      expect(config.retention.logs).toEqual({ count: 5, idleMs: 90_000 });
      expect(
        parseConfig({ REDIS_URL: "rediss://u:p@host:6380/1", REDIS_HOST: "other" }).redis?.endpoint,
      ).toMatchObject({ address: { host: "host", port: 6_380 }, db: 1, tls: true });
    },
  );

  it("reports every problem at once, each by its name", verifies("config"), () => {
    const bad = {
      PORT: "80800",
      HEARTBEAT_INTERVAL: "soon",
      MAX_BODY_SIZE: "1 MB",
      REDIS_URL: "http://x",
      LOG_LEVEL: "loud",
      RETENTION_APP: "10",
      PROBE_INTERVAL: "0",
      BODY_TIMEOUT: "30d",
      CORS_ORIGINS: "example.com",
    };
    let message = "";
    try {
      parseConfig(bad);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      ({ message } = error as ConfigError);
    }
    for (const name of Object.keys(bad)) expect(message).toContain(`  ${name}: `);
  });

  it(
    "is documented in README, every variable and no other, with its default",
    verifies("config"),
    () => {
      const readme = readFileSync("README.md", "utf8");
      const table = readme.slice(
        readme.indexOf("## Configuration"),
        readme.indexOf("\n## ", readme.indexOf("## Configuration") + 5),
      );
      const rows = new Map(
        [...table.matchAll(/^\| `([A-Z_]+)` \| ([^|]*) \|/gm)].map(([, name, shown]) => [
          name!,
          shown!.trim(),
        ]),
      );
      expect([...rows.keys()].sort()).toEqual(Object.keys(ENVIRONMENT.shape).sort());
      for (const [name, shown] of rows) {
        if (shown === "unset") expect(parseConfig({})).toEqual(parseConfig({ [name]: "" }));
        else
          expect(parseConfig({ [name]: shown.replaceAll("`", "") }), name).toEqual(parseConfig({}));
      }
    },
  );
});
