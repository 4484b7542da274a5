import type { Redis } from "ioredis";
import { logUnavailable } from "../errors.ts";
import type { Logger } from "../telemetry/logger.ts";

/** Channels asked for in one go after a reconnect. */
const RESUBSCRIBE_BATCH = 256;

/** What a channel brings: its messages, and word that some may have been lost. */
export interface ChannelListener {
  message(text: string): void;
  /** The connection was away: anything may have been missed. */
  broken(): void;
}

export interface RedisFollowerOptions {
  /** Used for subscribing only: one per process, whatever the number of channels. */
  readonly subscriber: Redis;
  /** Publishes the probe. */
  readonly commands: Redis;
  readonly logger: Logger;
  /** This process' own probe channel. */
  readonly probeChannel: string;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  /** Told on every change, with whether the path from publish to delivery works. */
  readonly onHealth: (up: boolean) => void;
}

/**
 * The follow connection: sharded pub/sub, shared by all followers of this process, and probed end to end.
 *
 * A subscription can be dead while publishes succeed (a half-open connection, a failover that left it with the old
 * master), so the process publishes to its own channel and must hear itself; else both connections are made anew.
 */
export class RedisFollower implements AsyncDisposable {
  readonly #options: RedisFollowerOptions;
  readonly #listeners = new Map<string, Set<ChannelListener>>();
  readonly #timer: NodeJS.Timeout;
  #sequence = 0;
  #suspectSince: number | undefined;
  /** The first probe that was sent since then. */
  #suspectFrom = 0;
  #retryAt = 0;
  #failures = 0;
  #up = false;

  constructor(options: RedisFollowerOptions) {
    this.#options = options;
    const { subscriber } = options;
    subscriber.on("ready", this.#onReady);
    subscriber.on("close", this.#onClose);
    subscriber.on("smessage", this.#onMessage);
    if (subscriber.status === "ready") this.#onReady();
    this.#timer = setInterval(() => this.#probe(), options.probeIntervalMs).unref();
  }

  /** True from the first probe that came back, until one is overdue or the connection breaks. */
  get up(): boolean {
    return this.#up;
  }

  /** Resolves once messages published from now on will be heard. */
  async follow(channel: string, listener: ChannelListener): Promise<AsyncDisposable> {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    try {
      if (this.#options.subscriber.status !== "ready")
        throw new Error("the follow connection is away");
      await this.#options.subscriber.ssubscribe(channel);
    } catch (error) {
      await this.#leave(channel, listeners, listener);
      throw logUnavailable(error);
    }
    return { [Symbol.asyncDispose]: () => this.#leave(channel, listeners, listener) };
  }

  async #leave(
    channel: string,
    listeners: Set<ChannelListener>,
    listener: ChannelListener,
  ): Promise<void> {
    listeners.delete(listener);
    if (listeners.size > 0 || this.#listeners.get(channel) !== listeners) return;
    this.#listeners.delete(channel);
    if (this.#options.subscriber.status !== "ready") return;
    // Best effort: where the connection breaks meanwhile, the subscription is gone with it.
    await this.#options.subscriber.sunsubscribe(channel).catch(() => undefined);
  }

  readonly #onMessage = (channel: string, text: string): void => {
    if (channel === this.#options.probeChannel) return this.#heard(text);
    for (const listener of this.#listeners.get(channel) ?? []) listener.message(text);
  };

  readonly #onReady = (): void => {
    this.#suspectSince = undefined;
    void this.#resubscribe().catch((err: unknown) => {
      // Broken again, or slow to answer: either way some channels are deaf, and the next `ready` starts over.
      this.#options.logger.debug({ err }, "resubscribing was cut short");
      if (this.#options.subscriber.status === "ready") this.#options.subscriber.disconnect(true);
    });
  };

  readonly #onClose = (): void => this.#setUp(false);

  async #resubscribe(): Promise<void> {
    const { subscriber, probeChannel } = this.#options;
    const channels = [...this.#listeners.keys()];
    await subscriber.ssubscribe(probeChannel);
    for (let at = 0; at < channels.length; at += RESUBSCRIBE_BATCH) {
      await Promise.all(
        channels.slice(at, at + RESUBSCRIBE_BATCH).map((channel) => subscriber.ssubscribe(channel)),
      );
    }
    for (const listeners of this.#listeners.values())
      for (const listener of listeners) listener.broken();
    this.#probe();
  }

  #probe(): void {
    const { commands, logger, probeChannel, probeTimeoutMs, subscriber } = this.#options;
    const now = performance.now();
    if (
      this.#suspectSince !== undefined &&
      now - this.#suspectSince > probeTimeoutMs &&
      now >= this.#retryAt
    ) {
      this.#setUp(false);
      this.#failures++;
      this.#retryAt = now + Math.min(probeTimeoutMs * 2 ** (this.#failures - 1), 60_000);
      this.#suspectSince = undefined;
      logger.warn(
        { failures: this.#failures },
        "the follow path is dead although connected: reconnecting",
      );
      for (const client of [this.#options.subscriber, commands])
        if (client.status === "ready") client.disconnect(true);
      return;
    }
    if (subscriber.status !== "ready") return;
    if (this.#suspectSince === undefined) {
      this.#suspectSince = now;
      this.#suspectFrom = this.#sequence + 1;
    }
    // A failure to publish shows as a probe that does not come back.
    void commands.spublish(probeChannel, String(++this.#sequence)).catch(() => undefined);
  }

  #heard(text: string): void {
    // Any probe since the suspicion began clears it: a slow way is not a dead one.
    if (Number(text) < this.#suspectFrom) return;
    this.#suspectSince = undefined;
    this.#failures = 0;
    this.#retryAt = 0;
    this.#setUp(true);
  }

  #setUp(up: boolean): void {
    if (this.#up === up) return;
    this.#up = up;
    this.#options.onHealth(up);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    const { subscriber } = this.#options;
    subscriber
      .off("ready", this.#onReady)
      .off("close", this.#onClose)
      .off("smessage", this.#onMessage);
    this.#listeners.clear();
  }
}
