import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { logUnavailable } from "../errors.ts";
import type { ClusterMasters } from "./cluster-masters.ts";
import type { ChannelListener, Follower } from "./follower.ts";
import { MasterFollower } from "./master-follower.ts";
import { createRedisConnection, type RedisAccess } from "./redis-connection.ts";

/** How soon a channel that found no master is offered to one again. */
const RETRY_MS = 500;

export interface ClusterFollowerOptions {
  readonly access: RedisAccess;
  readonly masters: ClusterMasters;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  /** Told on every change, with whether all masters can be followed. */
  readonly onHealth: (up: boolean) => void;
  /** Told of each master by itself, by its address. */
  readonly onMaster: (master: string, health: MasterHealth) => void;
}

/** `new`: not probed yet; `gone`: it is a master no longer. */
export type MasterHealth = "new" | "up" | "down" | "gone";

interface Node {
  readonly subscriber: Redis;
  readonly follower: MasterFollower;
}

/** One channel that is followed, and the master that it is followed at. */
interface Following {
  readonly channel: string;
  readonly listener: ChannelListener;
  home: string | undefined;
  lease: AsyncDisposable | undefined;
}

/**
 * Sharded pub/sub over all masters of a cluster: a follow connection to each, each probed by itself, and every channel
 * followed at the master that serves its slot, wherever that moves.
 */
export class ClusterFollower implements Follower {
  readonly #options: ClusterFollowerOptions;
  readonly #process = randomUUID();
  readonly #nodes = new Map<string, Node>();
  readonly #followings = new Set<Following>();
  readonly #probeChannels = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;
  #moving = false;
  #moveAgain = false;
  #up = false;
  #closed = false;

  constructor(options: ClusterFollowerOptions) {
    this.#options = options;
    options.masters.onChange(() => this.#onChange());
    this.#onChange();
    this.#timer = setInterval(() => this.#retry(), RETRY_MS).unref();
  }

  get up(): boolean {
    return this.#up;
  }

  async follow(channel: string, listener: ChannelListener): Promise<AsyncDisposable> {
    const following: Following = { channel, listener, home: undefined, lease: undefined };
    await this.#settle(following);
    this.#followings.add(following);
    // It may have moved while it settled.
    this.#move();
    return {
      [Symbol.asyncDispose]: async () => {
        this.#followings.delete(following);
        await release(following);
      },
    };
  }

  /** @throws ServiceError `log-unavailable` where no master takes it now */
  async #settle(following: Following): Promise<void> {
    const { masters } = this.#options;
    const home = masters.ownerOf(following.channel);
    const node = home === undefined ? undefined : this.#nodes.get(home);
    if (!node) {
      void masters.refresh();
      throw logUnavailable(new Error(`no master serves ${following.channel}`));
    }
    following.lease = await node.follower.follow(following.channel, following.listener);
    following.home = home;
  }

  #onChange(): void {
    if (this.#closed) return;
    const { masters } = this.#options.masters.topology;
    const serving = new Set(this.#options.masters.topology.slots);
    for (const [name, node] of this.#nodes) {
      if (serving.has(name)) continue;
      this.#nodes.delete(name);
      void node.follower[Symbol.asyncDispose]();
      node.subscriber.disconnect();
      this.#options.onMaster(name, "gone");
    }
    for (const [name, address] of masters)
      if (serving.has(name) && !this.#nodes.has(name))
        this.#nodes.set(name, this.#join(name, address));
    this.#tellHealth();
    this.#move();
  }

  #join(name: string, address: { host: string; port: number }): Node {
    const { access, masters, onMaster, probeIntervalMs, probeTimeoutMs } = this.#options;
    onMaster(name, "new");
    const subscriber = createRedisConnection({
      ...access,
      name: "follow",
      node: address,
      subscriber: true,
    });
    const follower = new MasterFollower({
      subscriber,
      commands: masters.clientOf(name)!,
      logger: access.logger,
      probeChannel: () => this.#probeChannel(name),
      probeIntervalMs,
      probeTimeoutMs,
      onHealth: (up) => {
        onMaster(name, up ? "up" : "down");
        this.#tellHealth();
        if (!up) void masters.refresh();
      },
      onMoved: () => void masters.refresh(),
    });
    subscriber.connect().catch(() => undefined);
    return { subscriber, follower };
  }

  /** A channel of this process that the master serves: the first of a series whose slot is its own. */
  #probeChannel(name: string): string {
    const { masters } = this.#options;
    let channel = this.#probeChannels.get(name) ?? this.#nthProbe(0);
    // One that serves nothing any more is about to be let go: whatever is asked of it.
    if (!masters.topology.slots.includes(name)) return channel;
    for (let n = 0; masters.ownerOf(channel) !== name; n++) channel = this.#nthProbe(n);
    this.#probeChannels.set(name, channel);
    return channel;
  }

  #nthProbe(n: number): string {
    return `novastream:{probe:${this.#process}:${n}}`;
  }

  #retry(): void {
    for (const { home, channel } of this.#followings)
      if (home === undefined || home !== this.#options.masters.ownerOf(channel))
        return this.#move();
  }

  /** Takes every channel to the master that serves it now. One move at a time. */
  #move(): void {
    this.#moveAgain = true;
    if (this.#moving) return;
    this.#moving = true;
    void this.#moveAll().finally(() => {
      this.#moving = false;
    });
  }

  async #moveAll(): Promise<void> {
    while (this.#moveAgain && !this.#closed) {
      this.#moveAgain = false;
      const astray = [...this.#followings].filter(
        ({ home, channel }) =>
          home === undefined || home !== this.#options.masters.ownerOf(channel),
      );
      await Promise.all(astray.map((following) => this.#resettle(following)));
    }
  }

  async #resettle(following: Following): Promise<void> {
    await release(following);
    try {
      await this.#settle(following);
    } catch {
      // Tried again before long; meanwhile its listener hears nothing, and audits.
      return;
    }
    if (this.#followings.has(following)) following.listener.broken();
    else await release(following);
  }

  #tellHealth(): void {
    const followers = [...this.#nodes.values()].map(({ follower }) => follower);
    const up = followers.length > 0 && followers.every((follower) => follower.up);
    if (up === this.#up) return;
    this.#up = up;
    this.#options.onHealth(up);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const { follower, subscriber } of this.#nodes.values()) {
      await follower[Symbol.asyncDispose]();
      subscriber.disconnect();
    }
  }
}

async function release(following: Following): Promise<void> {
  const { lease } = following;
  following.home = following.lease = undefined;
  await lease?.[Symbol.asyncDispose]();
}
