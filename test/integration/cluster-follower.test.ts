import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClusterFollower, type MasterHealth } from "../../src/redis/cluster-follower.ts";
import { ClusterMasters } from "../../src/redis/cluster-masters.ts";
import { MasterFollower } from "../../src/redis/master-follower.ts";
import { createRedisConnection, whenReady } from "../../src/redis/redis-connection.ts";
import { tryRedisEndpoint } from "../../src/redis/redis-endpoint.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { TestCluster } from "../support/redis-cluster.ts";
import type { TestRedis } from "../support/redis.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const CHANNELS = 50;

describe("the channels of a cluster's master", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ masters: 2 });
  }, 60_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  /** Followed by one process, all at one master. */
  async function follow() {
    const followed = await followCluster(cluster, () => undefined);
    const { follower } = followed;
    const home = cluster.nodes[0]!;
    const [heard, broken] = [new Map<string, string[]>(), new Map<string, number>()];
    for (let n = 0; heard.size < CHANNELS; n++) {
      const channel = `novastream:{app:channel-${n}}`;
      if ((await cluster.ownerOf(channel)) !== home) continue;
      heard.set(channel, []);
      await follower.follow(channel, {
        message: (text) => void heard.get(channel)!.push(text),
        broken: () => void broken.set(channel, (broken.get(channel) ?? 0) + 1),
      });
    }
    return {
      home,
      heard,
      broken,
      [Symbol.asyncDispose]: followed[Symbol.asyncDispose],
    };
  }

  async function subscribings(redis: TestRedis): Promise<number> {
    const stats = String(await redis.ask("INFO", "commandstats"));
    return Number(/^cmdstat_ssubscribe:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
  }

  it(
    "are left alone when another one's slot moves, which is heard at its new master and told",
    verifies("slot-moves"),
    async () => {
      await using followed = await follow();
      const { home, heard, broken } = followed;
      const [moved, spared] = [...heard.keys()] as [string, string];
      broken.clear();
      const before = await subscribings(home);
      const to = cluster.nodes[1]!;
      await cluster.migrateSlot(moved, to);
      await eventually(() => broken.has(moved));
      await to.ask("SPUBLISH", moved, "there");
      await home.ask("SPUBLISH", spared, "here");
      await eventually(() => heard.get(moved)!.length > 0 && heard.get(spared)!.length > 0);
      expect([...broken.keys()]).toEqual([moved]);
      // What has moved is asked for again, and nothing else.
      expect((await subscribings(home)) - before).toBeLessThan(CHANNELS / 2);
      await cluster.migrateSlot(moved, home);
    },
  );

  it(
    "are heard again when their slot comes back before anybody has looked",
    verifies("slot-moves"),
    async () => {
      const home = cluster.nodes[0]!;
      const endpoint = tryRedisEndpoint(home.url)!;
      const logger = createLogger({ level: "silent", pretty: false });
      const connect = (subscriber: boolean) =>
        createRedisConnection({ endpoint, logger, name: "test", subscriber });
      const [subscriber, commands] = [connect(true), connect(false)];
      const channel = await ownChannel(cluster, home);
      await using follower = new MasterFollower({
        subscriber,
        commands,
        logger,
        probeChannel: () => channel.replace("}", "}:probe"),
        probeIntervalMs: 100,
        probeTimeoutMs: 60_000,
        onHealth: () => undefined,
      });
      await Promise.all([whenReady(subscriber, 5_000), whenReady(commands, 5_000)]);
      await eventually(() => follower.up);
      const heard: string[] = [];
      let broken = 0;
      await follower.follow(channel, {
        message: (text) => void heard.push(text),
        broken: () => void broken++,
      });
      await cluster.migrateSlot(channel, cluster.nodes[1]!);
      await cluster.migrateSlot(channel, home);
      await eventually(async () => {
        await home.ask("SPUBLISH", channel, "back");
        return heard.length > 0;
      });
      expect(broken).toBeGreaterThan(0);
      for (const client of [subscriber, commands]) client.disconnect();
    },
  );
});

it(
  "a cluster tells which of its masters is away, while the others are there",
  verifies("alerts"),
  async () => {
    await using cluster = await TestCluster.start({ masters: 2 });
    const told = new Map<string, MasterHealth[]>();
    await using follower = await followCluster(cluster, (master, health) => {
      if (health === "new") told.set(master, []);
      told.get(master)!.push(health);
    });
    void follower;
    const [away, other] = cluster.nodes.map(({ port }) => told.get(`127.0.0.1:${port}`)!);
    expect([away, other]).toEqual([
      ["new", "up"],
      ["new", "up"],
    ]);
    await cluster.nodes[0]!.kill();
    await eventually(() => away!.at(-1) === "down");
    expect(other).toEqual(["new", "up"]);
    await cluster.nodes[0]!.start();
    await eventually(() => away!.at(-1) === "up", { timeoutMs: 20_000 });
    expect(other).toEqual(["new", "up"]);
  },
);

/** Resolves once all masters are followed. */
async function followCluster(
  cluster: TestCluster,
  onMaster: (master: string, health: MasterHealth) => void,
) {
  const endpoint = tryRedisEndpoint(cluster.url)!;
  if (endpoint.kind !== "cluster") throw new Error("it is one");
  const access = { endpoint, logger: createLogger({ level: "silent", pretty: false }) };
  const masters = new ClusterMasters(access, endpoint.nodes);
  await masters.connect(5_000);
  const follower = new ClusterFollower({
    access,
    masters,
    probeIntervalMs: 100,
    probeTimeoutMs: 60_000,
    onHealth: () => undefined,
    onMaster,
  });
  await eventually(() => follower.up);
  return {
    [Symbol.asyncDispose]: async () => {
      await follower[Symbol.asyncDispose]();
      await masters[Symbol.asyncDispose]();
    },
    follower,
    masters,
  };
}

/** A channel whose slot the master serves. */
async function ownChannel(cluster: TestCluster, master: TestRedis): Promise<string> {
  for (let n = 0; ; n++) {
    const channel = `novastream:{app:own-${n}}`;
    if ((await cluster.ownerOf(channel)) === master) return channel;
  }
}
