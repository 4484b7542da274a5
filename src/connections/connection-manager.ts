import { setTimeout as delay } from "node:timers/promises";
import type { Hub } from "../hub/hub.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { CloseReason } from "./close-reason.ts";
import { Connection, type ConnectionContext, type ConnectionRequest } from "./connection.ts";

const TICK_MAX_MS = 1_000;
/** A drain closes at least so many connections a second, whatever its window. */
const DRAIN_RATE = 100;

export interface ConnectionManagerOptions {
  readonly hub: Hub;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly maxConnections: number;
  readonly heartbeatMs: number;
  readonly stallMs: number;
  /** 0 = no limit. */
  readonly maxAgeMs: number;
}

/** A place among MAX_CONNECTIONS, taken before the connection is made. */
export interface Admission {
  open(request: ConnectionRequest): Connection;
  /** Gives the place back where no connection has come of it; harmless otherwise. */
  release(): void;
}

/** Every connection of every transport: admits, lists, looks after and ends them. */
export class ConnectionManager implements AsyncDisposable {
  readonly #options: ConnectionManagerOptions;
  readonly #context: ConnectionContext;
  readonly #connections = new Map<string, Connection>();
  readonly #timer: NodeJS.Timeout;
  /** Deliveries since the last tick, by kind of transport. */
  readonly #tallies = new Map<string, { events: number }>();
  #admitted = 0;
  #draining = false;

  constructor(options: ConnectionManagerOptions) {
    this.#options = options;
    this.#context = {
      hub: options.hub,
      heartbeatMs: options.heartbeatMs,
      stallMs: options.stallMs,
      tallyOf: (transport) => {
        let tally = this.#tallies.get(transport);
        if (!tally) this.#tallies.set(transport, (tally = { events: 0 }));
        return tally;
      },
      onClosed: (connection, reason) => this.#onClosed(connection, reason),
      onFailed: (connection, err) =>
        options.logger.error({ err, connection: connection.id }, "a connection failed"),
    };
    const tickMs = Math.min(
      TICK_MAX_MS,
      Math.ceil(Math.min(options.heartbeatMs, options.stallMs) / 4),
    );
    this.#timer = setInterval(() => this.#tick(), tickMs).unref();
  }

  get size(): number {
    return this.#connections.size;
  }

  /** A place for one more connection, or the reason why there is none. */
  admit(transport: string): Admission | "overloaded" | "drain" {
    const refusal = this.#draining
      ? "drain"
      : this.#admitted >= this.#options.maxConnections
        ? "overloaded"
        : undefined;
    if (refusal) {
      this.#options.metrics.connectionRefused(transport, refusal);
      return refusal;
    }
    this.#admitted++;
    let held = true;
    return {
      open: (request) => {
        held = false;
        return this.#open(request);
      },
      release: () => {
        if (held) this.#admitted--;
        held = false;
      },
    };
  }

  #open(request: ConnectionRequest): Connection {
    const { maxAgeMs, metrics } = this.#options;
    // Jittered, so that those who came together do not leave together.
    const lifetimeMs =
      maxAgeMs > 0 ? maxAgeMs * (0.8 + 0.2 * Math.random()) : Number.POSITIVE_INFINITY;
    const connection = new Connection(this.#context, request, lifetimeMs);
    this.#connections.set(connection.id, connection);
    metrics.connectionOpened(request.transport.kind);
    connection.start();
    if (this.#draining) connection.close("drain");
    return connection;
  }

  #onClosed(connection: Connection, reason: CloseReason): void {
    if (!this.#connections.delete(connection.id)) return;
    this.#admitted--;
    this.#options.metrics.connectionClosed(connection.transport.kind, reason);
  }

  list(): Connection[] {
    return [...this.#connections.values()];
  }

  /** False where there is no such connection in this process. */
  close(id: string, reason: CloseReason): boolean {
    const connection = this.#connections.get(id);
    connection?.close(reason);
    return connection !== undefined;
  }

  #tick(): void {
    const now = performance.now();
    for (const connection of this.#connections.values()) connection.tick(now);
    this.#countDelivered();
  }

  #countDelivered(): void {
    for (const [transport, tally] of this.#tallies) {
      this.#options.metrics.delivered(transport, tally.events);
      tally.events = 0;
    }
  }

  /**
   * Admits nobody any more and tells everyone to come back elsewhere, evenly over the window (less where few are here).
   * Resolves when all have been told; an abort of the signal tells the rest at once.
   */
  async drain(windowMs: number, signal?: AbortSignal): Promise<void> {
    this.#draining = true;
    this.#options.metrics.draining();
    const connections = this.list();
    const spreadMs = Math.min(windowMs, (connections.length / DRAIN_RATE) * 1_000);
    const startedAt = performance.now();
    for (const [index, connection] of connections.entries()) {
      const dueMs = startedAt + (index / connections.length) * spreadMs - performance.now();
      if (dueMs > 10 && !signal?.aborted)
        await delay(dueMs, undefined, { signal }).catch(() => undefined);
      connection.close("drain", windowMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.drain(0);
    this.#countDelivered();
  }
}
