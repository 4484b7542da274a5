import calculateSlot from "cluster-key-slot";
import { freePort } from "./net.ts";
import { TestRedis } from "./redis.ts";
import { eventually } from "./wait.ts";

const SLOTS = 16_384;
/** After so long without an answer a node is taken for dead, and a replica of it is elected. */
const NODE_TIMEOUT_MS = 1_000;

export interface TestClusterOptions {
  readonly masters?: number;
  /** Of each master. */
  readonly replicas?: number;
  readonly password?: string;
  /** Further settings of the nodes. */
  readonly settings?: readonly string[];
}

interface ClusterNode {
  readonly id: string;
  readonly redis: TestRedis;
}

/** A Redis Cluster of real processes on free ports. */
export class TestCluster implements AsyncDisposable {
  readonly #nodes: readonly ClusterNode[];
  readonly #options: TestClusterOptions;

  private constructor(nodes: readonly ClusterNode[], options: TestClusterOptions) {
    this.#nodes = nodes;
    this.#options = options;
  }

  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const { masters = 3, replicas = 0 } = options;
    const count = masters * (1 + replicas);
    const nodes = await Promise.all(Array.from({ length: count }, () => startNode(options)));
    const cluster = new TestCluster(nodes, options);
    const [first] = nodes;
    for (const { redis } of nodes.slice(1)) {
      const bus = await redis.ask("CONFIG", "GET", "cluster-port");
      await first!.redis.ask("CLUSTER", "MEET", "127.0.0.1", redis.port, (bus as string[])[1]!);
    }
    for (let i = 0; i < masters; i++) {
      const from = Math.floor((i * SLOTS) / masters);
      const to = Math.floor(((i + 1) * SLOTS) / masters) - 1;
      await nodes[i]!.redis.ask("CLUSTER", "ADDSLOTSRANGE", from, to);
      // Distinct epochs, or the masters would first have to settle who is who.
      await nodes[i]!.redis.ask("CLUSTER", "SET-CONFIG-EPOCH", i + 1).catch(() => undefined);
    }
    for (const [index, { redis }] of nodes.slice(masters).entries()) {
      const master = nodes[index % masters]!;
      // Refused until the two have met.
      await eventually(async () => (await redis.ask("CLUSTER", "REPLICATE", master.id)) === "OK", {
        timeoutMs: 30_000,
      });
    }
    await cluster.whenComplete();
    return cluster;
  }

  /** As REDIS_URL takes it. */
  get url(): string {
    const { password } = this.#options;
    const auth = password ? `:${encodeURIComponent(password)}@` : "";
    return `redis+cluster://${auth}${this.#nodes.map(({ redis }) => `127.0.0.1:${redis.port}`).join(",")}`;
  }

  get nodes(): TestRedis[] {
    return this.#nodes.map(({ redis }) => redis);
  }

  /** The masters that run, as the cluster sees them. */
  async masters(): Promise<TestRedis[]> {
    const roles = await Promise.all(
      this.#nodes.map(async ({ redis }) =>
        redis.running ? ((await redis.ask("ROLE")) as unknown[])[0] : undefined,
      ),
    );
    return this.nodes.filter((_, index) => roles[index] === "master");
  }

  /** The master that serves a key. */
  async ownerOf(key: string): Promise<TestRedis> {
    const slot = calculateSlot(key);
    const asked = this.nodes.find(({ running }) => running)!;
    const ranges = (await asked.ask("CLUSTER", "SLOTS")) as [number, number, [string, number]][];
    const [, , [, port]] = ranges.find(([from, to]) => slot >= from && slot <= to)!;
    return this.nodes.find((node) => node.port === port)!;
  }

  /**
   * Moves the slot of a key to another master, key by key as an operator's tool does, while it is being used.
   * @param settle called when the slot is half moved: asked for at the old master, imported by the new one
   */
  async migrateSlot(key: string, to: TestRedis, settle?: () => Promise<void>): Promise<void> {
    const slot = calculateSlot(key);
    const from = await this.ownerOf(key);
    const [source, target] = [this.#idOf(from), this.#idOf(to)];
    await to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source);
    await from.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target);
    await settle?.();
    const { password } = this.#options;
    for (;;) {
      const keys = (await from.ask("CLUSTER", "GETKEYSINSLOT", slot, 100)) as string[];
      if (keys.length === 0) break;
      const auth = password ? ["AUTH", password] : [];
      await from.ask("MIGRATE", "127.0.0.1", to.port, "", 0, 5_000, ...auth, "KEYS", ...keys);
    }
    // The target first: a slot must never be nobody's.
    await to.ask("CLUSTER", "SETSLOT", slot, "NODE", target);
    await from.ask("CLUSTER", "SETSLOT", slot, "NODE", target);
    for (const node of await this.masters())
      await node.ask("CLUSTER", "SETSLOT", slot, "NODE", target).catch(() => undefined);
  }

  #idOf(redis: TestRedis): string {
    return this.#nodes.find((node) => node.redis === redis)!.id;
  }

  /** Every node that runs says that all slots are served, and every replica has its master. */
  async whenComplete(): Promise<void> {
    await eventually(
      async () => {
        for (const node of this.nodes.filter(({ running }) => running)) {
          if (!String(await node.ask("CLUSTER", "INFO")).includes("cluster_state:ok")) return false;
          const role = (await node.ask("ROLE")) as unknown[];
          if (role[0] === "slave" && role[3] !== "connected") return false;
          const known = String(await node.ask("CLUSTER", "NODES"));
          if (known.trim().split("\n").length < this.#nodes.length) return false;
          const running = new Set(
            this.#nodes.filter(({ redis }) => redis.running).map(({ id }) => id),
          );
          const doubtful = (line: string) => /fail|handshake|noaddr/.test(line.split(" ")[2]!);
          if (known.split("\n").some((line) => running.has(line.split(" ")[0]!) && doubtful(line)))
            return false;
        }
        return true;
      },
      { timeoutMs: 60_000 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}

async function startNode({ password, settings = [] }: TestClusterOptions): Promise<ClusterNode> {
  const redis = await TestRedis.start({
    settings: [
      "--cluster-enabled",
      "yes",
      "--cluster-port",
      String(await freePort()),
      "--cluster-node-timeout",
      String(NODE_TIMEOUT_MS),
      "--repl-diskless-sync-delay",
      "0",
      ...(password ? ["--requirepass", password, "--masterauth", password] : []),
      ...settings,
    ],
    ...(password ? { password } : {}),
  });
  return { id: String(await redis.ask("CLUSTER", "MYID")), redis };
}
