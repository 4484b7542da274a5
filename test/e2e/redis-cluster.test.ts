import slotOf from "cluster-key-slot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DisposalStack } from "../../src/disposal.ts";
import { apiOf } from "../support/api.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { publishUntilDone } from "../support/publish.ts";
import { isLive, readWithEventSource, type ResumingReader } from "../support/readers.ts";
import { TestCluster } from "../support/redis-cluster.ts";
import type { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const FAST = { PROBE_INTERVAL: "200ms", PROBE_TIMEOUT: "1s", RETRY_DELAY: "5ms" };
const keyOf = (topic: string) => `novastream:{${topic}}`;
const numbers = (reader: ResumingReader) =>
  reader.received.map(({ data }) => (data as { data: number }).data);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe("a cluster of three masters", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ replicas: 1, password: "s3cret" });
  }, 90_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  const environment = () => ({ ...FAST, REDIS_URL: cluster.url });

  /** A topic that each of the masters serves. */
  async function topicsByMaster(prefix: string): Promise<Map<TestRedis, string>> {
    const topics = new Map<TestRedis, string>();
    const masters = await cluster.masters();
    for (let n = 0; topics.size < masters.length; n++) {
      const topic = `app:${prefix}-${n}`;
      const owner = await cluster.ownerOf(keyOf(topic));
      if (!topics.has(owner)) topics.set(owner, topic);
    }
    return topics;
  }

  it("serves topics of all masters on one stream", verifies("redis-cluster"), async () => {
    await using service = await startTestService(environment());
    const topics = [...(await topicsByMaster("all")).values()];
    const query = topics.map((topic) => `topic=${topic}`).join("&");
    using reader = readWithEventSource(`${service.url}/api/v1/events?${query}`, ["tick"]);
    await isLive(reader);
    const api = apiOf(service.url);
    for (const [n, topic] of topics.entries()) await api.publish(topic, { type: "tick", data: n });
    await eventually(() => reader.received.length === 3);
    expect(new Set(numbers(reader))).toEqual(new Set([0, 1, 2]));
    await eventually(async () => (await api.metric("streaming_redis_up")) === 1);
    for (const { port } of await cluster.masters())
      expect(await api.metric(`streaming_redis_master_up{master="127.0.0.1:${port}"}`)).toBe(1);
  });

  it(
    "has a slot moved while its topics are live: every publish succeeds, readers get each event once",
    verifies("slot-moves"),
    async () => {
      await using service = await startTestService(environment());
      const api = apiOf(service.url);
      const topic = "app:moving";
      using reader = readWithEventSource(`${service.url}/api/v1/events?topic=${topic}`, ["tick"]);
      await isLive(reader);
      let published = 0;
      const enough = new AbortController();
      const publishing = (async () => {
        // Without repeating: a slot on its way refuses nobody.
        for (; !enough.signal.aborted; published++)
          await api.publish(topic, { type: "tick", data: published });
      })();
      await eventually(() => published > 20);
      for (let round = 0; round < 3; round++) {
        const from = await cluster.ownerOf(keyOf(topic));
        const to = (await cluster.masters()).find((master) => master !== from)!;
        const before = published;
        await cluster.migrateSlot(keyOf(topic), to, async () => {
          await eventually(() => published > before + 20);
        });
        const after = published;
        await eventually(() => published > after + 20);
      }
      enough.abort();
      await publishing;
      await eventually(() => reader.received.length === published);
      expect(numbers(reader)).toEqual(upTo(published));
      expect(reader.controls.some(({ type }) => type === "gap")).toBe(false);
      expect(reader.connections).toBe(1);
      // Live again, at the new master: no audit has to find what is published now.
      await api.publish(topic, { type: "tick", data: published });
      await eventually(() => reader.received.length === published + 1, { timeoutMs: 3_000 });
    },
  );

  it(
    "has a slot half moved: new keys get 503 and are in once when repeated, known ones are known",
    verifies("slot-moves"),
    async () => {
      await using service = await startTestService(environment());
      const api = apiOf(service.url);
      const topic = "app:keyed";
      const publish = (data: number, key?: string) =>
        api.post(
          `/api/v1/topics/${topic}/events`,
          { type: "tick", data },
          key === undefined ? {} : { "idempotency-key": key },
        );
      const idsOf = async (response: Response) => [response.status, await response.json()];
      const known = await idsOf(await publish(0, "known"));
      expect(known[0]).toBe(201);
      const from = await cluster.ownerOf(keyOf(topic));
      const to = (await cluster.masters()).find((master) => master !== from)!;
      await cluster.migrateSlot(keyOf(topic), to, async () => {
        expect((await publish(1)).status).toBe(201);
        expect(await idsOf(await publish(0, "known"))).toEqual(known);
        const refused = await publish(2, "new");
        expect([refused.status, refused.headers.has("retry-after")]).toEqual([503, true]);
        expect(await refused.json()).toMatchObject({ code: "log-unavailable", retryable: true });
        expect((await publish(3)).status).toBe(201);
      });
      const repeated = await idsOf(await publish(2, "new"));
      expect(repeated[0]).toBe(201);
      expect(await idsOf(await publish(2, "new"))).toEqual(repeated);
      expect(await idsOf(await publish(0, "known"))).toEqual(known);
      const { events } = await api.json(`/api/v1/events?topic=${topic}&from=earliest&format=json`);
      expect((events as { data: number }[]).map(({ data }) => data)).toEqual([0, 1, 3, 2]);
    },
  );

  it(
    "loses a master: its topics go on at its replica, and those of the others never stop",
    verifies("redis-cluster"),
    async () => {
      await using service = await startTestService(environment());
      const api = apiOf(service.url);
      const topics = await topicsByMaster("killed");
      const [[dead, hit], [, spared]] = [...topics] as [[TestRedis, string], [TestRedis, string]];
      using readers = openReaders(service.url, [hit, spared]);
      await Promise.all(readers.all.map((reader) => isLive(reader)));
      const publish = (topic: string, n: number) =>
        publishUntilDone(() => service.url, topic, [{ type: "tick", data: n }], `k${n}`);
      for (const n of upTo(10)) await Promise.all([hit, spared].map((topic) => publish(topic, n)));
      // Acknowledged is not yet replicated: what is checked here is the way back, not what an election may lose.
      await dead.ask("WAIT", 1, 5_000);
      await dead.kill();
      const refused = await api.post(`/api/v1/topics/${hit}/events`, { type: "tick", data: -1 });
      expect([refused.status, refused.headers.has("retry-after")]).toEqual([503, true]);
      await api.publish(spared, { type: "tick", data: 10 });
      await eventually(() => readers.all[1]!.received.length === 11, { timeoutMs: 2_000 });
      await publish(hit, 10);
      await eventually(() => readers.all[0]!.received.length === 11, { timeoutMs: 20_000 });
      for (const reader of readers.all) {
        expect(numbers(reader)).toEqual(upTo(11));
        expect(reader.controls.some(({ type }) => type === "gap")).toBe(false);
        expect(reader.connections).toBe(1);
      }
      await eventually(async () => (await api.metric("streaming_redis_up")) === 1, {
        timeoutMs: 20_000,
      });
      // The replica that has taken its place is told of, and the dead one no more.
      const told = await (await fetch(api.url("/metrics"))).text();
      const masters = [...told.matchAll(/^streaming_redis_master_up\{master="(.+)"\} (\d)$/gm)];
      expect(masters.map(([, , up]) => up)).toEqual(["1", "1", "1"]);
      expect(masters.map(([, master]) => master)).not.toContain(`127.0.0.1:${dead.port}`);
      await dead.start();
      await cluster.whenComplete();
    },
  );
});

describe("a follow connection to one master of a cluster", () => {
  it(
    "that hangs without closing is noticed by that master's probe, and healed",
    verifies("probe-per-master"),
    async () => {
      await using cluster = await TestCluster.start();
      await using started = new DisposalStack();
      const proxies = new Map<TestRedis, CuttingProxy>();
      for (const node of cluster.nodes) {
        const proxy = started.use(await CuttingProxy.start(() => new URL(node.url)));
        proxies.set(node, proxy);
        // What the cluster tells its clients of this node.
        await node.ask("CONFIG", "SET", "cluster-announce-port", proxy.port);
      }
      const announced = [...proxies.values()].map(({ port }) => port);
      await eventually(async () => {
        for (const node of cluster.nodes) {
          const ranges = (await node.ask("CLUSTER", "SLOTS")) as [
            number,
            number,
            [string, number],
          ][];
          const ports = new Set(ranges.map(([, , [, port]]) => port));
          if (!announced.every((port) => ports.has(port))) return false;
        }
        return true;
      });
      await using service = await startTestService({ ...FAST, REDIS_URL: cluster.url });
      const api = apiOf(service.url);
      const topics = new Map<number, string>();
      for (let n = 0; topics.size < 3; n++) {
        const third = Math.floor((slotOf(keyOf(`app:half-${n}`)) * 3) / 16_384);
        if (!topics.has(third)) topics.set(third, `app:half-${n}`);
      }
      using readers = openReaders(service.url, [...topics.values()]);
      await Promise.all(readers.all.map((reader) => isLive(reader)));
      await eventually(async () => (await api.metric("streaming_redis_up")) === 1);
      for (const [index, topic] of [...topics.values()].entries()) {
        const node = cluster.nodes[[...topics.keys()][index]!]!;
        const proxy = proxies.get(node)!;
        proxy.freeze("novastream-follow");
        await api.publish(topic, { type: "tick", data: 1 });
        await eventually(async () => (await api.metric("streaming_redis_up")) === 0, {
          what: `the probe of ${topic}'s master to notice`,
        });
        expect(readers.all[index]!.received).toHaveLength(0);
        proxy.thaw();
        await eventually(() => readers.all[index]!.received.length === 1, { what: "the heal" });
        await eventually(async () => (await api.metric("streaming_redis_up")) === 1);
      }
      for (const reader of readers.all) expect(reader.connections).toBe(1);
    },
  );
});

function openReaders(url: string, topics: readonly string[]) {
  const all = topics.map((topic) =>
    readWithEventSource(`${url}/api/v1/events?topic=${topic}&from=earliest`, ["tick"]),
  );
  return {
    all,
    [Symbol.dispose]: () => {
      for (const reader of all) reader[Symbol.dispose]();
    },
  };
}
