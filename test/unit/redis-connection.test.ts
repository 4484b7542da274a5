import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { ClusterMasters } from "../../src/redis/cluster-masters.ts";
import { createRedisConnection, whenReady } from "../../src/redis/redis-connection.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { freePort } from "../support/net.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

/** A cluster of one node that is not there, and what is logged of it. */
async function away() {
  const nodes = [{ host: "127.0.0.1", port: await freePort() }];
  const lines: string[] = [];
  const logger = createLogger({
    level: "warn",
    pretty: false,
    destination: { write: (line) => void lines.push(line) },
  });
  const credentials = { username: undefined, password: undefined, tls: false };
  const endpoint = { kind: "cluster", nodes, ...credentials } as const;
  return { access: { endpoint, logger }, nodes, lines };
}

describe("while Redis is away", () => {
  it("the looks for a cluster do not fill the log", verifies("redis-cluster"), async () => {
    const { access, nodes, lines } = await away();
    await using masters = new ClusterMasters(access, nodes);
    for (let look = 0; look < 3; look++) await masters.refresh();
    expect(lines).toEqual([]);
    // At the start it is said, once.
    expect(await masters.connect(50)).toBe(false);
    expect(lines).toHaveLength(1);
  });

  it("whoever waits in vain leaves nothing behind on the connection", async () => {
    const { access, nodes } = await away();
    const client = createRedisConnection({ ...access, name: "commands", node: nodes[0]! });
    const before = client.listenerCount("ready");
    expect(await whenReady(client, 10)).toBe(false);
    expect(await whenReady(client, 10)).toBe(false);
    expect(client.listenerCount("ready")).toBe(before);
    client.disconnect();
  });
});

describe("a connection by Sentinels", () => {
  it(
    "goes on being tried when a failover is told while it is being made",
    verifies("redis-sentinel"),
    async () => {
      let asked = 0;
      // A Sentinel that takes its time.
      const sentinel = createServer((socket) => {
        asked++;
        socket.on("error", () => undefined);
      }).listen(0, "127.0.0.1");
      await once(sentinel, "listening");
      const { port } = sentinel.address() as AddressInfo;
      const client = createRedisConnection({
        endpoint: {
          kind: "sentinel",
          sentinels: [{ host: "127.0.0.1", port }],
          master: "novastream",
          db: 0,
          username: undefined,
          password: undefined,
          tls: false,
        },
        logger: createLogger({ level: "silent", pretty: false }),
        name: "commands",
      });
      const failed = client.connect().catch((error: Error) => error.message);
      await eventually(() => asked > 0);
      // As ioredis' detector of failovers does.
      (client as unknown as { connector: { disconnect(): void } }).connector.disconnect();
      expect(await failed).toBe("Connection is closed.");
      await eventually(() => asked > 1);
      client.disconnect();
      await eventually(() => client.status === "end");
      sentinel.close();
    },
  );
});
