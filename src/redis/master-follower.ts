import type { Redis } from "ioredis";
import { logUnavailable } from "../errors.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { ChannelListener, Follower } from "./follower.ts";
import { isReplyError } from "./redis-reply.ts";

/** Channels asked for in one go after a reconnect. */
const RESUBSCRIBE_BATCH = 256;

export interface MasterFollowerOptions {
  /** Used for subscribing only: one for each master, whatever the number of channels. */
  readonly subscriber: Redis;
  /** Publishes the probe. */
  readonly commands: Redis;
  readonly logger: Logger;
  /** This process' own probe channel: one that the master serves, as long as it serves any. */
  readonly probeChannel: () => string;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  /** Told on every change, with whether the path from publish to delivery works. */
  readonly onHealth: (up: boolean) => void;
  /** Channels that this master no longer serves; only a cluster has others that do. */
  readonly onMoved?: () => void;
}

/**
 * The follow connection to one master: sharded pub/sub, shared by all followers of this process, and probed end to end.
 *
 * A subscription can be dead while publishes succeed (a half-open connection, a failover that left it with the old
 * master), so the process publishes to its own channel and must hear itself; else both connections are made anew.
 */
export class MasterFollower implements Follower {
  readonly #options: MasterFollowerOptions;
  readonly #listeners = new Map<string, Set<ChannelListener>>();
  readonly #timer: NodeJS.Timeout;
  /** The probe channel that is being listened to. */
  #probing = "";
  #resubscribing = false;
  #resubscribeAgain = false;
  /** The connection is another one: nothing is subscribed to, and anything may have been missed. */
  #connectedAnew = false;
  /** Channels that the master has said are another's; asked for again with the next probe, if they are still ours then. */
  readonly #astray = new Set<string>();
  #sequence = 0;
  #suspectSince: number | undefined;
  /** The first probe that was sent since then. */
  #suspectFrom = 0;
  #retryAt = 0;
  #failures = 0;
  #up = false;

  constructor(options: MasterFollowerOptions) {
    this.#options = options;
    const { subscriber } = options;
    subscriber.on("ready", this.#onReady);
    subscriber.on("close", this.#onClose);
    subscriber.on("smessage", this.#onMessage);
    // The server has unsubscribed us from channels whose slot it has given away.
    subscriber.on("moved", this.#onMoved);
    if (subscriber.status === "ready") this.#onReady();
    this.#timer = setInterval(() => this.#tend(), options.probeIntervalMs).unref();
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
    if (channel === this.#probing) return this.#heard(text);
    for (const listener of this.#listeners.get(channel) ?? []) listener.message(text);
  };

  readonly #onReady = (): void => {
    this.#suspectSince = undefined;
    this.#connectedAnew = true;
    this.#listenAnew();
  };

  readonly #onClose = (): void => this.#setUp(false);

  /** Those that were cut off are asked for again, because a slot may have come back; the others have missed nothing. */
  readonly #onMoved = (): void => {
    this.#options.onMoved?.();
    this.#listenAnew();
  };

  #listenAnew(): void {
    this.#resubscribeAgain = true;
    if (this.#resubscribing) return;
    this.#resubscribing = true;
    void this.#resubscribe().catch((err: unknown) => {
      // Broken again, or slow to answer: either way some channels are deaf, and the next `ready` starts over.
      this.#options.logger.debug({ err }, "resubscribing was cut short");
      if (this.#options.subscriber.status === "ready") this.#options.subscriber.disconnect(true);
    });
  }

  async #resubscribe(): Promise<void> {
    try {
      while (this.#resubscribeAgain) {
        this.#resubscribeAgain = false;
        const all = this.#connectedAnew;
        this.#connectedAnew = false;
        if (all) this.#astray.clear();
        const subscribed = all ? new Set<string>() : this.#subscribed();
        const isDeaf = (channel: string): boolean =>
          !subscribed.has(channel) && !this.#astray.has(channel);
        await this.#listenToProbe(isDeaf);
        const channels = [...this.#listeners.keys()].filter(isDeaf);
        for (let at = 0; at < channels.length; at += RESUBSCRIBE_BATCH) {
          const batch = channels.slice(at, at + RESUBSCRIBE_BATCH);
          await Promise.all(batch.map((channel) => this.#resubscribeTo(channel)));
        }
        for (const channel of channels)
          if (!this.#astray.has(channel))
            for (const listener of this.#listeners.get(channel) ?? []) listener.broken();
        this.#probe();
      }
    } finally {
      this.#resubscribing = false;
    }
  }

  /** Where the server has cut us off from a channel, ioredis has taken it off its list before it says `moved`. */
  #subscribed(): Set<string> {
    const { subscriber } = this.#options.subscriber.condition ?? {};
    return new Set(subscriber ? subscriber.channels("ssubscribe") : []);
  }

  async #resubscribeTo(channel: string): Promise<void> {
    try {
      await this.#options.subscriber.ssubscribe(channel);
    } catch (error) {
      if (!isMoved(error)) throw error;
      this.#astray.add(channel);
      this.#options.onMoved?.();
    }
  }

  async #listenToProbe(isDeaf: (channel: string) => boolean): Promise<void> {
    const channel = this.#options.probeChannel();
    // Each refusal says `moved` once more: one that is asked for every time would be asked for without pause.
    if (isDeaf(channel)) await this.#resubscribeTo(channel);
    // What was asked on another channel will not be answered on this one.
    if (this.#probing !== channel) this.#suspectSince = undefined;
    this.#probing = channel;
  }

  #tend(): void {
    if (this.#astray.size > 0 && this.#options.subscriber.status === "ready") {
      this.#astray.clear();
      this.#listenAnew();
    }
    this.#probe();
  }

  #probe(): void {
    const { commands, logger, probeTimeoutMs, subscriber } = this.#options;
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
    if (this.#probing !== this.#options.probeChannel()) return this.#listenAnew();
    if (this.#suspectSince === undefined) {
      this.#suspectSince = now;
      this.#suspectFrom = this.#sequence + 1;
    }
    // A failure to publish shows as a probe that does not come back.
    void commands.spublish(this.#probing, String(++this.#sequence)).catch(() => undefined);
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
      .off("smessage", this.#onMessage)
      .off("moved", this.#onMoved);
    this.#listeners.clear();
  }
}

function isMoved(error: unknown): boolean {
  return isReplyError(error) && /^(MOVED|ASK)\b/.test(error.message);
}
