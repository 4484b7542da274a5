import { freePort } from "../support/net.ts";
import { TestRedis } from "../support/redis.ts";
import { ServiceProcess } from "../support/service-process.ts";
import type { Freezer } from "./trial.ts";

export const HEARTBEAT_MS = 400;

const ENVIRONMENT = {
  HEARTBEAT_INTERVAL: String(HEARTBEAT_MS),
  RETRY_DELAY: "50ms",
  DRAIN_WINDOW: "400ms",
  // Whoever is held still must not be taken for gone.
  STALL_TIMEOUT: "1m",
  // It is ready after the first one.
  PROBE_INTERVAL: "100ms",
  LOG_LEVEL: "warn",
};

/** As a Deployment's minReadySeconds: the gateways look every 100 ms, and have to see it more than once. */
const MIN_READY_MS = 1_000;

/** Two processes of the service on one Redis. */
export class ServiceFleet implements Freezer, AsyncDisposable {
  readonly #redis: TestRedis;
  readonly #ports: readonly [number, number];
  readonly #services: [ServiceProcess, ServiceProcess];

  private constructor(
    redis: TestRedis,
    ports: readonly [number, number],
    services: [ServiceProcess, ServiceProcess],
  ) {
    this.#redis = redis;
    this.#ports = ports;
    this.#services = services;
  }

  static async start(): Promise<ServiceFleet> {
    const redis = await TestRedis.start();
    const ports = [await freePort(), await freePort()] as const;
    const start = (port: number) =>
      ServiceProcess.start({ ...ENVIRONMENT, REDIS_URL: redis.url, PORT: String(port) });
    return new ServiceFleet(redis, ports, await Promise.all([start(ports[0]), start(ports[1])]));
  }

  get backends(): readonly [string, string] {
    return [`127.0.0.1:${this.#ports[0]}`, `127.0.0.1:${this.#ports[1]}`];
  }

  /** Ends each process as a rolling update does, one after the other, and starts it anew at the same address. */
  async roll(): Promise<void> {
    for (const i of [0, 1] as const) {
      const code = await this.#services[i].stop();
      if (code !== 0) throw new Error(`it left with ${code}: ${this.#services[i].output}`);
      await this.#start(i);
      await new Promise((resolve) => setTimeout(resolve, MIN_READY_MS));
    }
  }

  /** Ends both, and resolves once both are gone. */
  async away(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.stop()));
  }

  /** Starts both anew. */
  async back(): Promise<void> {
    await Promise.all([this.#start(0), this.#start(1)]);
  }

  async #start(i: 0 | 1): Promise<void> {
    const environment = { REDIS_URL: this.#redis.url, PORT: String(this.#ports[i]) };
    this.#services[i] = await ServiceProcess.start({ ...ENVIRONMENT, ...environment });
  }

  freeze(): void {
    for (const { child } of this.#services) child.kill("SIGSTOP");
  }

  thaw(): void {
    for (const { child } of this.#services) child.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await Promise.all(this.#services.map((service) => service[Symbol.asyncDispose]()));
    await this.#redis[Symbol.asyncDispose]();
  }
}
