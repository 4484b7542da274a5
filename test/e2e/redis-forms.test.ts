import { describe, expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { asArguments, makeCertificates, tlsSettings } from "../support/certificates.ts";
import { freePort } from "../support/net.ts";
import { readWithEventSource } from "../support/readers.ts";
import { TestCluster } from "../support/redis-cluster.ts";
import { TestSentinel } from "../support/redis-sentinel.ts";
import { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

describe("Redis over TLS, with a user of its own", () => {
  it(
    "is checked against the authority and the name that are configured",
    verifies("redis-forms"),
    async () => {
      using certificates = makeCertificates("redis.internal");
      const tlsPort = await freePort();
      await using redis = await TestRedis.start({
        settings: asArguments(tlsSettings(certificates, tlsPort)),
      });
      const rights = ["on", ">s3cret", "~novastream:*", "&novastream:*", "+@all"];
      await redis.ask("ACL", "SETUSER", "nova", ...rights);
      const trusted = {
        REDIS_URL: `rediss://nova@127.0.0.1:${tlsPort}`,
        REDIS_PASSWORD: "s3cret",
        REDIS_CA_FILE: certificates.caFile,
        REDIS_TLS_SERVER_NAME: "redis.internal",
        PROBE_INTERVAL: "100ms",
      };
      await using service = await startTestService(trusted);
      await eventually(async () => (await fetch(`${service.url}/readyz`)).ok);
      const api = apiOf(service.url);
      await api.publish("app:secret", { type: "tick", data: 1 });
      using reader = readWithEventSource(
        `${service.url}/api/v1/events?topic=app:secret&from=earliest`,
        ["tick"],
      );
      await eventually(() => reader.received.length === 1);

      await using deceived = await startTestService({ ...trusted, REDIS_TLS_SERVER_NAME: "other" });
      expect(await apiOf(deceived.url).json("/readyz")).toEqual({
        status: "starting",
        redis: "down",
      });
    },
  );
});

describe("TLS, with passwords,", () => {
  const environment = (caFile: string) => ({
    REDIS_CA_FILE: caFile,
    REDIS_TLS_SERVER_NAME: "redis.internal",
    PROBE_INTERVAL: "100ms",
  });

  /** Publishes, hears itself, and is refused where the name is another's. */
  async function expectServed(settings: Record<string, string>): Promise<void> {
    await using service = await startTestService(settings);
    await eventually(async () => (await fetch(`${service.url}/readyz`)).ok);
    const api = apiOf(service.url);
    await eventually(async () => (await api.metric("streaming_redis_up")) === 1);
    await api.publish("app:secret", { type: "tick", data: 1 });
    await using deceived = await startTestService({ ...settings, REDIS_TLS_SERVER_NAME: "other" });
    expect((await fetch(`${deceived.url}/readyz`)).status).toBe(503);
  }

  it("reaches a cluster, each of whose connections has it", verifies("redis-forms"), async () => {
    using certificates = makeCertificates("redis.internal");
    const port = await freePort();
    await using _ = await TestCluster.start({
      masters: 1,
      password: "s3cret",
      settings: asArguments({ ...tlsSettings(certificates, port), "tls-cluster": "yes" }),
    });
    const url = `rediss+cluster://:s3cret@127.0.0.1:${port}`;
    await expectServed({ ...environment(certificates.caFile), REDIS_URL: url });
  });

  it("reaches the sentinels, and the master that they name", verifies("redis-forms"), async () => {
    using certificates = makeCertificates("redis.internal");
    const [masterPort, port] = [await freePort(), await freePort()];
    await using _ = await TestSentinel.start({
      replicas: 0,
      sentinels: 1,
      password: "s3cret",
      sentinelPassword: "hush",
      settings: asArguments(tlsSettings(certificates, masterPort)),
      masterPort,
      sentinelSettings: { ...tlsSettings(certificates, port), "tls-replication": "yes" },
    });
    await expectServed({
      ...environment(certificates.caFile),
      REDIS_URL: `rediss+sentinel://:s3cret@127.0.0.1:${port}/novastream`,
      REDIS_SENTINEL_PASSWORD: "hush",
    });
  });
});

describe("REDIS_URL in the wrong form", () => {
  it("is said at start, and what to write instead", verifies("redis-forms"), async () => {
    await using redis = await TestRedis.start();
    await using cluster = await TestCluster.start();
    await expect(
      startTestService({ REDIS_URL: redis.url.replace("redis:", "redis+cluster:") }),
    ).rejects.toThrow("runs without cluster support: use redis://host:port");
    await expect(startTestService({ REDIS_URL: cluster.nodes[0]!.url })).rejects.toThrow(
      "a node of a cluster: use redis+cluster://host:port",
    );
  });
});
