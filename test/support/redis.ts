import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "./net.ts";
import { eventually } from "./wait.ts";

export interface TestRedisOptions {
  /** With `appendfsync always`: what it has acknowledged survives SIGKILL. */
  readonly durable?: boolean;
  /** Further settings, as on the command line: `["--requirepass", "secret"]`. */
  readonly settings?: readonly string[];
  /** What `command` and `ask` log in with. */
  readonly password?: string;
}

/** A real redis-server of our own on a free port, with its data in a directory of its own. */
export class TestRedis implements AsyncDisposable {
  readonly port: number;
  readonly directory = mkdtempSync(join(tmpdir(), "novastream-redis-"));
  readonly #options: TestRedisOptions;
  #process: ChildProcess | undefined;

  private constructor(port: number, options: TestRedisOptions) {
    this.port = port;
    this.#options = options;
  }

  static async start(options: TestRedisOptions = {}): Promise<TestRedis> {
    if (spawnSync("redis-server", ["--version"]).error) {
      throw new Error(
        "redis-server is missing: run test/setup.sh (it installs it with apt), or put it on the PATH",
      );
    }
    const redis = new TestRedis(await freePort(), options);
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  async start(): Promise<void> {
    const durability = this.#options.durable
      ? ["--appendonly", "yes", "--appendfsync", "always"]
      : ["--appendonly", "no"];
    const settings = [
      "--port",
      String(this.port),
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--dir",
      this.directory,
    ];
    const child = spawn(
      "redis-server",
      [...settings, ...durability, ...(this.#options.settings ?? [])],
      { stdio: "ignore" },
    );
    this.#process = child;
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`redis-server exited with ${child.exitCode}`);
      return (await this.ask("PING")) === "PONG";
    });
  }

  /** SIGKILL: no farewell, no flush. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || !this.running) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** Holds the process still: connections stay open and nothing answers. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Sends one inline command and returns the first line of the reply. */
  command(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(this.port, "127.0.0.1", () => socket.write(`${line}\r\n`));
      socket.setEncoding("utf8");
      socket.once("data", (text: string) => {
        socket.destroy();
        resolve(text.split("\r\n")[0]!);
      });
      socket.once("error", reject);
    });
  }

  /** Sends one command and returns its whole reply. */
  async ask(command: string, ...args: (string | number)[]): Promise<unknown> {
    const client = new Redis({
      port: this.port,
      host: "127.0.0.1",
      lazyConnect: true,
      retryStrategy: () => null,
      commandTimeout: 5_000,
      ...(this.#options.password === undefined ? {} : { password: this.#options.password }),
    });
    // Its errors come out of the command, too.
    client.on("error", () => undefined);
    try {
      return await client.call(command, ...args);
    } finally {
      client.disconnect();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
