import type { Counter, Gauge } from "prom-client";
import type { Instruments } from "./instruments.ts";

/** Whether Redis works. What is not asked for is not made: without a Redis, or a cluster, 0 would be a false alarm. */
export class RedisMetrics {
  readonly #instruments: Instruments;
  #up: Gauge | undefined;
  /** Beside it, as an outage may come and go between two scrapes. */
  #outages: Counter | undefined;
  #masterUp: Gauge<"master"> | undefined;
  #wasUp = false;

  constructor(instruments: Instruments) {
    this.#instruments = instruments;
  }

  /** @param up of a cluster: all its masters */
  up(up: boolean): void {
    this.#up ??= this.#instruments.gauge(
      "redis_up",
      "1 while publish and delivery through Redis work end to end; of a cluster, through all its masters",
    );
    this.#up.set(up ? 1 : 0);
    this.#outages ??= this.#instruments.counter(
      "redis_outages_total",
      "Times that probes found delivery through Redis dead, after it had worked",
    );
    this.#outages.inc(this.#wasUp && !up ? 1 : 0);
    this.#wasUp = up;
  }

  /** @param up undefined: it is a master no longer */
  master(address: string, up: boolean | undefined): void {
    this.#masterUp ??= this.#instruments.gauge(
      "redis_master_up",
      "1 while publish and delivery through this master of a cluster work end to end",
      ["master"],
    );
    if (up === undefined) this.#masterUp.remove({ master: address });
    else this.#masterUp.set({ master: address }, up ? 1 : 0);
  }
}
