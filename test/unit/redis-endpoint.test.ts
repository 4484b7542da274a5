import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { tryRedisEndpoint } from "../../src/redis/redis-endpoint.ts";
import { verifies } from "../support/verifies.ts";

const open = { username: undefined, password: undefined, tls: false };

describe("REDIS_URL", () => {
  it("names one server", verifies("redis-forms"), () => {
    const standalone = { ...open, kind: "standalone", db: 0 };
    expect(tryRedisEndpoint("redis://localhost")).toEqual({
      ...standalone,
      address: { host: "localhost", port: 6_379 },
    });
    expect(tryRedisEndpoint("rediss://me:p%40ss%3A@[::1]:6380/3")).toEqual({
      kind: "standalone",
      username: "me",
      password: "p@ss:",
      tls: true,
      address: { host: "::1", port: 6_380 },
      db: 3,
    });
  });

  it("names the master that Sentinels watch over", verifies("redis-forms"), () => {
    expect(tryRedisEndpoint("redis+sentinel://:secret@a:26380,b/my-master/2")).toEqual({
      ...open,
      kind: "sentinel",
      password: "secret",
      sentinels: [
        { host: "a", port: 26_380 },
        { host: "b", port: 26_379 },
      ],
      master: "my-master",
      db: 2,
    });
  });

  it("names a cluster by its nodes, in one URL or in several", verifies("redis-forms"), () => {
    const cluster = {
      ...open,
      kind: "cluster",
      password: "x",
      nodes: [
        { host: "a", port: 7_000 },
        { host: "b", port: 6_379 },
      ],
    };
    expect(tryRedisEndpoint("redis+cluster://:x@a:7000,b")).toEqual(cluster);
    expect(tryRedisEndpoint("redis://:x@a:7000,redis://:x@b")).toEqual(cluster);
    expect(tryRedisEndpoint("rediss+cluster://:x@a:7000,b")).toEqual({ ...cluster, tls: true });
  });

  it.each([
    "http://x",
    "redis://",
    "redis://a,b",
    "redis://a:0",
    "redis://a:70000",
    "redis://a/one",
    "redis://a?family=6",
    "redis://a%",
    "redis://%zz@a",
    "redis+sentinel://a:26379",
    "redis+sentinel://a/m/x",
    "redis+cluster://a/1",
    "redis://a,rediss://b",
    "redis://:x@a,redis://:y@b",
    "redis://a/1,redis://b/1",
    "redis+sentinel://a/m,redis+sentinel://b/m",
  ])("refuses %s, and tells the forms without repeating what may be a secret", (text) => {
    expect(tryRedisEndpoint(text)).toBeUndefined();
    const bad = { REDIS_URL: text.replace("://", "://u:hunter2@") };
    expect(() => parseConfig(bad)).toThrow(/REDIS_URL: expected redis:\/\/.*redis\+sentinel:/);
    expect(() => parseConfig(bad)).not.toThrow(/hunter2/);
  });

  it("may leave credentials to variables of their own, which win", verifies("redis-forms"), () => {
    const { redis } = parseConfig({
      REDIS_URL: "redis+sentinel://old:old@a/m",
      REDIS_USERNAME: "new",
      // As it is in a file that an editor has written.
      REDIS_PASSWORD: "secret\n",
      REDIS_SENTINEL_PASSWORD: "watch",
      REDIS_CA_FILE: "/ca.pem",
      REDIS_TLS_SERVER_NAME: "redis.internal",
    });
    expect(redis).toMatchObject({
      endpoint: { username: "new", password: "secret" },
      sentinelPassword: "watch",
      caFile: "/ca.pem",
      tlsServerName: "redis.internal",
    });
  });
});
