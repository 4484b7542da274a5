import { randomBytes } from "node:crypto";
import type { Batch } from "../hub/batch.ts";
import type { Hub } from "../hub/hub.ts";
import type { Outlet, Reader } from "../hub/reader.ts";
import type { DroppedNotice, GapNotice } from "../hub/notices.ts";
import type { Subscription } from "../hub/subscription.ts";
import type { Event } from "../log/event.ts";
import { formatPosition, type Position } from "../log/position.ts";
import type { Topic } from "../log/topic.ts";
import type { Format, Pack, Transport } from "../transports/transport.ts";
import { Patience } from "./patience.ts";
import { adviseRetryMs, CLOSE_REASONS, type CloseReason } from "./close-reason.ts";
import type { ConnectionRequest } from "./connection-request.ts";

/** What all connections share, and tell. */
export interface ConnectionContext {
  readonly hub: Hub;
  readonly heartbeatMs: number;
  readonly stallMs: number;
  /** Counts deliveries by kind of transport: on the hot path, a number is cheaper than a metric with labels. */
  tallyOf(transport: string): { events: number };
  onClosed(connection: Connection, reason: CloseReason): void;
  onFailed(connection: Connection, error: unknown): void;
}

/** Whose connection it is. */
export interface Caller {
  readonly principal: string;
  /** Of the client, as far as it is known. */
  readonly address: string;
}

/** One client attached through one transport: turns what the hub hands over into frames. */
export class Connection implements Outlet {
  readonly id = randomBytes(9).toString("base64url");
  readonly transport: Transport;
  readonly principal: string;
  readonly address: string;
  readonly connectedAt = new Date();
  readonly #context: ConnectionContext;
  readonly #request: ConnectionRequest;
  readonly #reader: Reader;
  readonly #expiresAt: number;
  readonly #tally: { events: number };
  /** Whether its frames are those of every reader of its topic, once it is live. */
  readonly #sharesLive: boolean;
  #shares: boolean;
  /** Merges the backlog; undefined of most readers, and of all from `live` on. */
  #merge: Format["merge"];
  /** Whether an event has come that the format can only tell by its end. */
  #failed = false;
  #patience: Patience | undefined;
  #deleted: Set<Subscription> | undefined;
  /** Whether anything has been delivered since the last tick, which then counts as the time of it. */
  #delivered = false;
  #writtenAt = performance.now();
  #pingedAt = performance.now();
  /** Filtered events have moved the cursor since it was last said. */
  #movedSilently = false;
  #begun = false;
  #closed: CloseReason | undefined;

  /** @param lifetimeMs after which it is closed with `max-age`; Infinity = never */
  constructor(
    context: ConnectionContext,
    { principal, address }: Caller,
    request: ConnectionRequest,
    lifetimeMs: number,
  ) {
    this.#context = context;
    this.#request = request;
    this.transport = request.transport;
    this.principal = principal;
    this.address = address;
    this.#tally = context.tallyOf(request.transport.kind);
    const { format } = this.transport.encoding;
    const single = request.subscriptions.length === 1 && !request.subscriptions[0]!.filter;
    this.#merge = request.merged ? format.merge : undefined;
    this.#sharesLive = single && !format.fails;
    this.#shares = this.#sharesLive && !this.#merge;
    this.#expiresAt = performance.now() + lifetimeMs;
    this.#reader = context.hub.read(this, request.subscriptions, request.bounds);
    this.transport.listen({
      drained: () => this.#reader.kick(),
      closed: () => this.#end("gone"),
    });
  }

  get topics(): Topic[] {
    return this.#reader.topics;
  }

  get state(): "open" | "catching-up" | "lagging" | "closed" {
    if (this.#closed) return "closed";
    const states = new Set(this.#reader.subscriptions.map(({ state }) => state));
    if (states.has("lagging")) return "lagging";
    return states.has("catching-up") || states.has("starting") ? "catching-up" : "open";
  }

  get writable(): boolean {
    return this.transport.writable;
  }

  /** Sends the first bytes at once, before any work on the log. */
  start(): void {
    this.#control("connected", {
      message: "connected",
      connectionId: this.id,
      topics: this.topics,
      heartbeatMs: this.#context.heartbeatMs,
      ...this.#request.greeting,
    });
    const { answer } = this.#request;
    if (answer) this.#patience = new Patience(answer.waitMs, () => this.close("finished"));
    this.#reader.start();
  }

  events(subscription: Subscription, batch: Batch, wanted: readonly Event[]): void {
    const { encoding } = this.transport;
    const { pack } = encoding;
    if (this.#shares) {
      // Hot path: the same cursor for all readers of the topic, so one Buffer for all of them.
      const packed = batch.once(encoding, (events) =>
        packAll(this.#encode(subscription, events), pack),
      );
      return this.#sent(packed, batch.events.length);
    }
    this.#deleted?.delete(subscription);
    const frames = this.#encode(subscription, this.#merge?.(wanted) ?? wanted);
    if (encoding.format.fails) this.#failed ||= wanted.some(encoding.format.fails);
    this.#movedSilently = wanted.at(-1) !== batch.events.at(-1);
    this.#sent(packAll(frames, pack), wanted.length);
  }

  #encode(subscription: Subscription, events: readonly Event[]): Buffer[] {
    const { format } = this.transport.encoding;
    const frames: Buffer[] = [];
    for (const event of events) {
      const frame = format.event(event, this.#wireId(subscription, event.position));
      if (frame) frames.push(frame);
    }
    return frames;
  }

  #wireId(subscription?: Subscription, position?: Position): string {
    if (this.transport.encoding.format.ids === "cursor")
      return this.#reader.cursorText(subscription, position);
    return formatPosition(position ?? this.#reader.subscriptions[0]!.cursor);
  }

  #sent(packed: Buffer, events: number): void {
    if (packed.length === 0) return;
    this.transport.write(packed);
    this.#delivered = true;
    this.#tally.events += events;
    this.#begin();
    this.#patience?.told();
  }

  /** The reader has been given what was there for it, or the first of it. */
  #begin(): void {
    if (!this.#begun) this.#request.onFirstEvent?.();
    this.#begun = true;
  }

  gap(subscription: Subscription, { from, to, missed, reason }: GapNotice): void {
    const data = {
      topic: subscription.topic,
      from: from ? formatPosition(from) : null,
      to: to ? formatPosition(to) : null,
      missed,
      reason,
    };
    this.#control("gap", data, this.#wireId());
    this.#patience?.told();
    if (this.transport.encoding.format.endsAtGap) this.close("internal");
  }

  dropped(subscription: Subscription, { from, to, count }: DroppedNotice): void {
    const data = {
      topic: subscription.topic,
      from: formatPosition(from),
      to: formatPosition(to),
      count,
      url: this.#request.rangeUrl?.(subscription.topic, from, to),
    };
    this.#control("dropped", data, this.#wireId());
  }

  live(): void {
    this.#movedSilently = false;
    this.#merge = undefined;
    this.#shares = this.#sharesLive;
    this.#control("live", {}, this.#wireId());
    // Where nothing has happened yet, what comes hours later tells nothing about the service.
    this.#begin();
    this.#patience?.live();
  }

  finished(): void {
    // Whoever comes back with the newest cursor is told that there is no more.
    if (this.#movedSilently) this.#heartbeat();
    this.close("finished");
  }

  deleted(subscription: Subscription): void {
    this.#deleted ??= new Set();
    this.#deleted.add(subscription);
    if (this.#deleted.size >= this.#reader.unfinished) this.close("deleted");
  }

  failed(error: unknown): void {
    this.#context.onFailed(this, error);
    this.close("internal");
  }

  #control(
    type: Parameters<Transport["encoding"]["format"]["control"]>[0],
    data: object,
    id?: string,
  ): void {
    const { format, pack } = this.transport.encoding;
    const frame = format.control(type, data, id);
    if (!frame) return;
    this.transport.write(pack([frame]));
    this.#writtenAt = performance.now();
  }

  /** Looks after heartbeats, stalls and age; called by the manager's one timer. */
  tick(now: number): void {
    const { stallMs, heartbeatMs } = this.#context;
    if (this.#delivered) this.#writtenAt = now;
    this.#delivered = false;
    const { blockedSince } = this.transport;
    if (blockedSince !== undefined && now - blockedSince > stallMs) return this.close("stalled");
    if (now > this.#expiresAt) return this.close("max-age");
    if (this.transport.ping && now - this.#pingedAt > heartbeatMs * 1.3) {
      this.#pingedAt = now;
      if (!this.transport.ping()) return this.close("stalled");
    }
    if (now - this.#writtenAt >= heartbeatMs && this.transport.writable) this.#heartbeat();
  }

  #heartbeat(): void {
    if (this.#movedSilently) {
      this.#movedSilently = false;
      return this.#control("heartbeat", {}, this.#wireId());
    }
    const { format, pack } = this.transport.encoding;
    this.#writtenAt = performance.now();
    if (format.heartbeat.length > 0) this.transport.write(pack([format.heartbeat]));
  }

  /** @param spreadMs over which the advised returns of many are spread */
  close(reason: CloseReason, spreadMs = 0): void {
    if (this.#closed) return;
    const closing = {
      reason,
      reconnect: CLOSE_REASONS[reason].reconnect,
      retryMs: adviseRetryMs(reason, spreadMs),
      cursor: this.#reader.placed ? this.#wireId() : undefined,
      more: this.#reader.unfinished > 0,
      failed: this.#failed,
    };
    this.#end(reason);
    // Whoever takes nothing will not take the last words either.
    if (reason === "stalled") this.transport.destroy();
    else this.transport.close(closing);
  }

  #end(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = reason;
    // Whoever was given nothing has waited until now: left out, those who wait longest would show nowhere.
    this.#begin();
    this.#reader.close();
    this.#patience?.close();
    this.#context.onClosed(this, reason);
    this.#request.onClosed?.();
  }
}

const NOTHING = Buffer.alloc(0);

function packAll(frames: readonly Buffer[], pack: Pack): Buffer {
  return frames.length > 0 ? pack(frames) : NOTHING;
}
