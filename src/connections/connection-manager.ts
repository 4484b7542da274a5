import { setTimeout as delay } from "node:timers/promises";
import { networkOf } from "../addresses/ip-address.ts";
import type { Hub } from "../hub/hub.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { AdmissionGate, type AdmissionLimits, type Place, type Refusal } from "./admission.ts";
import type { CloseReason } from "./close-reason.ts";
import { type Caller, Connection, type ConnectionContext } from "./connection.ts";
import type { ConnectionRequest } from "./connection-request.ts";

const TICK_MAX_MS = 1_000;
/** A drain closes at least so many connections a second, whatever its window. */
const DRAIN_RATE = 100;
/** After its window, for finite connections to say how they end. */
const FAREWELL_MS = 500;

export interface ConnectionManagerOptions {
  readonly hub: Hub;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly limits: AdmissionLimits;
  readonly heartbeatMs: number;
  readonly stallMs: number;
  /** 0 = no limit. */
  readonly maxAgeMs: number;
}

/** Who asks for a place, and for what. */
export interface AdmissionRequest extends Caller {
  /** The label in metrics: a transport's kind, or what else answers for as long as a stream. */
  readonly transport: string;
  /** Aborts when the client leaves: then it waits no longer. */
  readonly signal: AbortSignal;
}

/** A place among MAX_CONNECTIONS. Whoever has it MUST open a connection on it or release it. */
export interface Admission {
  /** From then on the place is the connection's, until that ends. */
  open(request: ConnectionRequest): Connection;
  /** Gives the place back where no connection has come of it; harmless otherwise. */
  release(): void;
}

interface Entry {
  readonly connection: Connection;
  readonly place: Place;
  readonly finite: boolean;
}

/** Every connection of every transport: admits, lists, looks after and ends them. */
export class ConnectionManager implements AsyncDisposable {
  readonly #options: ConnectionManagerOptions;
  readonly #context: ConnectionContext;
  readonly #gate: AdmissionGate;
  readonly #connections = new Map<string, Entry>();
  readonly #timer: NodeJS.Timeout;
  /** Deliveries since the last tick, by kind of transport. */
  readonly #tallies = new Map<string, { events: number }>();
  #draining = false;
  #onFiniteClosed = (): void => {};

  constructor(options: ConnectionManagerOptions) {
    this.#options = options;
    this.#gate = new AdmissionGate(options.limits, (count) => options.metrics.waiting(count));
    options.metrics.maxConnections(options.limits.maxConnections);
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

  /** A place for one more connection, perhaps after some waiting, or the reason why there is none. */
  async admit({ transport, signal, ...caller }: AdmissionRequest): Promise<Admission | Refusal> {
    const { principal, address } = caller;
    const place = await this.#gate.enter({ principal, network: networkOf(address), signal });
    const { metrics } = this.#options;
    if ("reason" in place) {
      metrics.connectionAsked(transport, place.reason);
      return place;
    }
    metrics.connectionAsked(transport, "accepted");
    let opened = false;
    return {
      open: (request) => {
        const connection = this.#open(caller, request, place);
        opened = true;
        return connection;
      },
      release: () => {
        if (!opened) place.release();
      },
    };
  }

  #open(caller: Caller, request: ConnectionRequest, place: Place): Connection {
    const { maxAgeMs, metrics } = this.#options;
    // Jittered, so that those who came together do not leave together.
    const finite = request.finite ?? false;
    const lifetimeMs =
      maxAgeMs > 0 && !finite ? maxAgeMs * (0.8 + 0.2 * Math.random()) : Number.POSITIVE_INFINITY;
    const connection = new Connection(this.#context, caller, request, lifetimeMs);
    this.#connections.set(connection.id, { connection, place, finite });
    metrics.connectionOpened(request.transport.kind);
    connection.start();
    if (this.#draining && !finite) connection.close("drain");
    return connection;
  }

  #onClosed({ id, transport }: Connection, reason: CloseReason): void {
    const entry = this.#connections.get(id);
    if (!entry) return;
    this.#connections.delete(id);
    this.#options.metrics.connectionClosed(transport.kind, reason);
    entry.place.release();
    if (entry.finite) this.#onFiniteClosed();
  }

  /** While true no newcomer is admitted or kept waiting; who is connected stays. */
  shed(overloaded: boolean): void {
    this.#gate.shed(overloaded);
  }

  list(): Connection[] {
    return Array.from(this.#connections.values(), ({ connection }) => connection);
  }

  /** False where there is no such connection in this process. */
  close(id: string, reason: CloseReason): boolean {
    const entry = this.#connections.get(id);
    entry?.connection.close(reason);
    return entry !== undefined;
  }

  #tick(): void {
    const now = performance.now();
    for (const { connection } of this.#connections.values()) connection.tick(now);
    this.#countDelivered();
  }

  #countDelivered(): void {
    for (const [transport, tally] of this.#tallies) {
      this.#options.metrics.delivered(transport, tally.events);
      tally.events = 0;
    }
  }

  /**
   * Admits nobody any more and tells everyone to come back elsewhere, evenly over the window (less where few are here);
   * who cannot come back may end until the window does. Resolves when all have been told; an abort of the signal tells
   * the rest at once.
   */
  async drain(windowMs: number, signal?: AbortSignal): Promise<void> {
    this.#draining = true;
    this.#gate.drain();
    this.#options.metrics.draining();
    const finite = this.#untilFiniteEnd(windowMs, signal);
    const connections = this.list().filter(({ id }) => !this.#connections.get(id)!.finite);
    const spreadMs = Math.min(windowMs, (connections.length / DRAIN_RATE) * 1_000);
    const startedAt = performance.now();
    for (const [index, connection] of connections.entries()) {
      const dueMs = startedAt + (index / connections.length) * spreadMs - performance.now();
      if (dueMs > 10 && !signal?.aborted)
        await delay(dueMs, undefined, { signal }).catch(() => undefined);
      connection.close("drain", windowMs);
    }
    await finite;
    for (const connection of this.list()) connection.close("drain", windowMs);
  }

  /** Resolves once no finite connection is open any more, or there is no more time for it. */
  async #untilFiniteEnd(windowMs: number, hurry?: AbortSignal): Promise<void> {
    const all = new AbortController();
    this.#onFiniteClosed = () => {
      if (Array.from(this.#connections.values()).every(({ finite }) => !finite)) all.abort();
    };
    this.#onFiniteClosed();
    const signal = hurry ? AbortSignal.any([all.signal, hurry]) : all.signal;
    await delay(windowMs, undefined, { signal }).catch(() => undefined);
    await delay(FAREWELL_MS, undefined, { signal: all.signal }).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.drain(0);
    this.#countDelivered();
  }
}
