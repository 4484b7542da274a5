import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "./net.ts";
import { TestRedis } from "./redis.ts";
import { eventually } from "./wait.ts";

const MASTER_NAME = "novastream";
/** After so long without an answer a sentinel takes the master for dead. */
const DOWN_AFTER_MS = 1_000;

export interface TestSentinelOptions {
  readonly replicas?: number;
  readonly sentinels?: number;
  /** Of the data nodes. */
  readonly password?: string;
  /** Of the sentinels. */
  readonly sentinelPassword?: string;
  /** Further settings of the data nodes. */
  readonly settings?: readonly string[];
  /** Further lines of the sentinels' configuration. */
  readonly sentinelSettings?: Readonly<Record<string, string>>;
  /** Where the sentinels find the master, if not at its own port: at its port for TLS. */
  readonly masterPort?: number;
}

/** A master, its replicas and the sentinels that watch over them, each a real process on a free port. */
export class TestSentinel implements AsyncDisposable {
  readonly nodes: readonly TestRedis[];
  readonly #sentinels: readonly SentinelProcess[];
  readonly #options: TestSentinelOptions;

  private constructor(
    nodes: readonly TestRedis[],
    sentinels: readonly SentinelProcess[],
    options: TestSentinelOptions,
  ) {
    this.nodes = nodes;
    this.#sentinels = sentinels;
    this.#options = options;
  }

  static async start(options: TestSentinelOptions = {}): Promise<TestSentinel> {
    const { replicas = 2, sentinels = 3, password, settings = [] } = options;
    const credentials = password ? ["--requirepass", password, "--masterauth", password] : [];
    // Diskless and at once: a resynchronisation would otherwise wait for five seconds.
    const common = ["--repl-diskless-sync-delay", "0", ...credentials, ...settings];
    const master = await TestRedis.start({ settings: common, ...(password ? { password } : {}) });
    const nodes = [master];
    for (let i = 0; i < replicas; i++) {
      nodes.push(
        await TestRedis.start({
          settings: [...common, "--replicaof", `127.0.0.1 ${master.port}`],
          ...(password ? { password } : {}),
        }),
      );
    }
    const watchers = await Promise.all(
      Array.from({ length: sentinels }, () =>
        SentinelProcess.start(
          options.masterPort ?? master.port,
          Math.floor(sentinels / 2) + 1,
          options,
        ),
      ),
    );
    const topology = new TestSentinel(nodes, watchers, options);
    await topology.#whenComplete(replicas, sentinels);
    return topology;
  }

  /** As REDIS_URL takes it. */
  get url(): string {
    const { password } = this.#options;
    const auth = password ? `:${encodeURIComponent(password)}@` : "";
    const hosts = this.#sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",");
    return `redis+sentinel://${auth}${hosts}/${MASTER_NAME}`;
  }

  /** The node that the sentinels name. */
  async master(): Promise<TestRedis> {
    const [, port] = (await this.#ask("GET-MASTER-ADDR-BY-NAME", MASTER_NAME)) as string[];
    return this.nodes.find((node) => node.port === Number(port))!;
  }

  replicasOf(master: TestRedis): TestRedis[] {
    return this.nodes.filter((node) => node !== master && node.running);
  }

  /** Resolves once the sentinels have put another node in the place of `old`, and it takes writes. */
  async whenFailedOver(old: TestRedis): Promise<TestRedis> {
    let master = old;
    await eventually(
      async () => {
        master = await this.master();
        return master !== old && ((await master.ask("ROLE")) as unknown[])[0] === "master";
      },
      { timeoutMs: 30_000 },
    );
    return master;
  }

  /** A failover that nobody has died for; the old master becomes a replica. @returns the new master */
  async failover(): Promise<TestRedis> {
    const old = await this.master();
    // Refused while another is under way, or while no replica is good enough.
    await eventually(async () => (await this.#ask("FAILOVER", MASTER_NAME)) === "OK", {
      timeoutMs: 30_000,
    });
    return this.whenFailedOver(old);
  }

  /** All nodes run, and the sentinels know each other and every replica. */
  async whenComplete(): Promise<void> {
    await this.#whenComplete(this.nodes.length - 1, this.#sentinels.length);
  }

  async #whenComplete(replicas: number, sentinels: number): Promise<void> {
    const seesAll = async (sentinel: SentinelProcess): Promise<boolean> => {
      const master = fields((await sentinel.ask("MASTER", MASTER_NAME)) as string[]);
      const links = ((await sentinel.ask("REPLICAS", MASTER_NAME)) as string[][]).map(fields);
      return (
        master["flags"] === "master" &&
        Number(master["num-other-sentinels"]) === sentinels - 1 &&
        links.length === replicas &&
        links.every((link) => link["master-link-status"] === "ok" && link["flags"] === "slave")
      );
    };
    // Each of them: until all agree who the master is, they cannot agree on another.
    await eventually(async () => (await Promise.all(this.#sentinels.map(seesAll))).every(Boolean), {
      timeoutMs: 60_000,
      what: "the sentinels' agreement",
    });
  }

  async #ask(...args: string[]): Promise<unknown> {
    return this.#sentinels[0]!.ask(...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sentinels.map((sentinel) => sentinel[Symbol.asyncDispose]()));
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}

function fields(flat: string[]): Record<string, string> {
  const entries: Record<string, string> = {};
  for (let i = 0; i < flat.length; i += 2) entries[flat[i]!] = flat[i + 1]!;
  return entries;
}

/** One sentinel; it rewrites its own configuration file. */
class SentinelProcess implements AsyncDisposable {
  readonly port: number;
  readonly #directory = mkdtempSync(join(tmpdir(), "novastream-sentinel-"));
  readonly #password: string | undefined;
  readonly #process: ChildProcess;

  private constructor(
    port: number,
    masterPort: number,
    quorum: number,
    options: TestSentinelOptions,
  ) {
    this.port = port;
    this.#password = options.sentinelPassword;
    const file = join(this.#directory, "sentinel.conf");
    writeFileSync(
      file,
      [
        `port ${port}`,
        "bind 127.0.0.1",
        `dir ${this.#directory}`,
        ...Object.entries(options.sentinelSettings ?? {}).map((setting) => setting.join(" ")),
        ...(options.sentinelPassword ? [`requirepass ${options.sentinelPassword}`] : []),
        `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} ${quorum}`,
        `sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}`,
        // Also how long a new try is put off after a failed one.
        `sentinel failover-timeout ${MASTER_NAME} 3000`,
        ...(options.password ? [`sentinel auth-pass ${MASTER_NAME} ${options.password}`] : []),
      ].join("\n"),
    );
    this.#process = spawn("redis-server", [file, "--sentinel"], { stdio: "ignore" });
  }

  static async start(
    masterPort: number,
    quorum: number,
    options: TestSentinelOptions,
  ): Promise<SentinelProcess> {
    const sentinel = new SentinelProcess(await freePort(), masterPort, quorum, options);
    await eventually(async () => {
      await sentinel.ask("MASTER", MASTER_NAME);
      return true;
    });
    return sentinel;
  }

  async ask(...args: string[]): Promise<unknown> {
    const client = new Redis({
      port: this.port,
      host: "127.0.0.1",
      lazyConnect: true,
      retryStrategy: () => null,
      commandTimeout: 5_000,
      ...(this.#password === undefined ? {} : { password: this.#password }),
    });
    client.on("error", () => undefined);
    try {
      return await client.call("SENTINEL", ...args);
    } finally {
      client.disconnect();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, "exit");
      this.#process.kill("SIGKILL");
      await exited;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
