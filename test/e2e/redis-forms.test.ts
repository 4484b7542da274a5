import { describe, expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { makeCertificates } from "../support/certificates.ts";
import { freePort } from "../support/net.ts";
import { readWithEventSource } from "../support/readers.ts";
import { TestCluster } from "../support/redis-cluster.ts";
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
        settings: Object.entries({
          "--tls-port": String(tlsPort),
          "--tls-auth-clients": "no",
          "--tls-cert-file": certificates.certificateFile,
          "--tls-key-file": certificates.keyFile,
          "--tls-ca-cert-file": certificates.caFile,
        }).flat(),
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
