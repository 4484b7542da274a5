import type { Bounds } from "./bounds.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Topic } from "../log/topic.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { type Outlet, Reader } from "./reader.ts";
import { RingBudget } from "./ring.ts";
import type { SubscriptionRequest } from "./subscription.ts";
import { Tail } from "./tail.ts";

const TICK_MS = 500;

export interface HubOptions {
  readonly log: EventLog;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Events in a topic's ring. */
  readonly ringCapacity: number;
  /** Of all rings together, in memory. */
  readonly ringBytes: number;
  /** How long a tail stays after its last reader, so that a reconnect finds it warm. */
  readonly lingerMs?: number;
  /** How often a quiet tail asks the log whether it has missed something; jittered. */
  readonly auditMs?: number;
}

/** All tails of this process: makes them, keeps them honest, and lets them go. */
export class Hub implements AsyncDisposable {
  readonly log: EventLog;
  readonly metrics: Metrics;
  readonly #options: HubOptions;
  readonly #lingerMs: number;
  readonly #auditMs: number;
  readonly #budget: RingBudget;
  readonly #tails = new Map<Topic, Tail>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: HubOptions) {
    this.log = options.log;
    this.metrics = options.metrics;
    this.#options = options;
    this.#lingerMs = options.lingerMs ?? 30_000;
    this.#auditMs = options.auditMs ?? 30_000;
    this.#budget = new RingBudget(options.ringBytes);
    const tickMs = Math.min(TICK_MS, Math.ceil(Math.min(this.#auditMs, this.#lingerMs) / 4));
    this.#timer = setInterval(() => this.#tick(performance.now()), tickMs).unref();
  }

  /** Opens a reader; nothing is handed to its outlet before `start`. */
  read(outlet: Outlet, requests: readonly SubscriptionRequest[], bounds: Bounds = {}): Reader {
    return new Reader(this, outlet, requests, bounds);
  }

  /** The tail of a topic, made active at need. */
  tail(topic: Topic): Tail {
    let tail = this.#tails.get(topic);
    if (!tail) {
      const { log, metrics, logger, ringCapacity } = this.#options;
      tail = new Tail({ topic, log, metrics, logger, ringCapacity, budget: this.#budget });
      this.#tails.set(topic, tail);
      metrics.activeTopics(this.#tails.size);
    }
    return tail;
  }

  #tick(now: number): void {
    for (const tail of this.#tails.values()) {
      tail.expire(now);
      if (tail.idleSince !== undefined && now - tail.idleSince > this.#lingerMs) this.#drop(tail);
      else if (tail.unsure) void tail.heal("outage");
      else if (
        tail.checkedAt > 0 &&
        now - tail.checkedAt > this.#auditMs * (0.75 + Math.random() / 2)
      ) {
        tail.checkedAt = now;
        void tail.heal("audit");
      }
    }
  }

  #drop(tail: Tail): void {
    this.#tails.delete(tail.topic);
    this.metrics.activeTopics(this.#tails.size);
    tail[Symbol.asyncDispose]().catch((err: unknown) => {
      this.#options.logger.warn({ err, topic: tail.topic }, "a tail could not be let go");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    const tails = [...this.#tails.values()];
    this.#tails.clear();
    await Promise.all(tails.map((tail) => tail[Symbol.asyncDispose]()));
  }
}
