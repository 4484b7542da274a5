import { readFileSync } from "node:fs";
import { collectDefaultMetrics, type Registry } from "prom-client";
import { ERROR_CODES, type ErrorCode } from "../errors.ts";
import type { GapReason } from "../log/event-log.ts";
import { ChatMetrics } from "./chat-metrics.ts";
import { Instruments } from "./instruments.ts";
import { RedisMetrics } from "./redis-metrics.ts";

const HEAL_CAUSES = ["missed", "large", "reconnect", "outage", "audit"] as const;
export type HealCause = (typeof HEAL_CAUSES)[number];

const GAP_REASONS = ["trimmed", "reset", "unusable"] as const;
/** `unusable`: the cursor that was shown is none of ours, which says nothing about the log. */
export type CountedGap = GapReason | "unusable";

/** Labels of `connections_total`: what is asked for, and the outcomes that there are for each. */
const TRANSPORTS = ["sse", "ndjson", "text", "json", "long-poll", "websocket"];
const OUTCOMES = ["accepted", "overloaded", "rate-limited", "drain", "gone"];
/** The reasons of `closes_total` that somebody may wait for. */
const CLOSES = ["finished", "gone", "max-age", "drain", "stalled", "internal"];

/** Of package.json, which lies two levels up from here in the source as in the build. */
const { version: VERSION } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { version: string };

/** Every fact that is counted, by name; labels are few and bounded. Nothing here throws. */
export class Metrics {
  readonly #instruments = new Instruments();
  readonly registry: Registry = this.#instruments.registry;
  readonly chat = new ChatMetrics(this.#instruments);
  readonly redis = new RedisMetrics(this.#instruments);

  readonly #activeConnections = this.#instruments.gauge(
    "active_connections",
    "Connections open now",
    ["transport"],
  );
  readonly #maxConnections = this.#instruments.gauge(
    "max_connections",
    "Connections that this process takes at most",
  );
  readonly #connections = this.#instruments.counter("connections_total", "Connections asked for", [
    "transport",
    "outcome",
  ]);
  readonly #waiting = this.#instruments.gauge(
    "admission_waiting",
    "Newcomers that wait for a place",
  );
  readonly #overloaded = this.#instruments.gauge(
    "overloaded",
    "1 while newcomers are turned away because this process has more to do than it can",
  );
  readonly #closes = this.#instruments.counter(
    "closes_total",
    "Connections ended, by reason",
    ["reason"],
    CLOSES,
  );
  readonly #published = this.#instruments.counter("events_published_total", "Events appended", [
    "kind",
  ]);
  readonly #delivered = this.#instruments.counter(
    "events_delivered_total",
    "Events handed to connections",
    ["transport"],
  );
  readonly #latency = this.#instruments.weightedHistogram(
    "delivery_latency_seconds",
    "From an event's time in the log until it is written to a live reader, for each reader and batch, by its oldest event",
  );
  readonly #duration = this.#instruments.histogram(
    "response_duration_seconds",
    "From request to answer; of streams, to their head",
    ["route"],
  );
  readonly #firstEvent = this.#instruments.histogram(
    "time_to_first_event_seconds",
    "From request to a stream's first event, to `live` where there is none yet, or to its end where nothing came",
    ["route"],
  );
  readonly #activeTopics = this.#instruments.gauge(
    "active_topics",
    "Topics that this process follows: with readers, or shortly after the last of them",
  );
  readonly #laggingSubscriptions = this.#instruments.gauge(
    "lagging_subscriptions",
    "Subscriptions that have fallen behind: one for each topic of a reader",
  );
  readonly #laggingConnections = this.#instruments.gauge(
    "lagging_connections",
    "Connections that have fallen behind, in one topic or more",
  );
  readonly #gaps = this.#instruments.counter(
    "gaps_total",
    "Gaps told to readers",
    ["reason"],
    GAP_REASONS,
  );
  readonly #retractions = this.#instruments.counter(
    "retractions_total",
    "Times the log was found to have lost what this process had delivered from it",
  );
  readonly #resumes = this.#instruments.counter(
    "resumes_total",
    "Readers who came back with a cursor: joined, or the reason of their gap",
    ["result"],
    ["joined", ...GAP_REASONS],
  );
  readonly #heals = this.#instruments.counter(
    "heals_total",
    "Times a tail found in the log what no doorbell had brought",
    ["cause"],
    HEAL_CAUSES,
  );
  readonly #errors = this.#instruments.counter(
    "errors_total",
    "Errors answered, those told in a stream that ends at once included",
    ["code"],
    Object.keys(ERROR_CODES),
  );
  readonly #draining = this.#instruments.gauge("draining", "1 while the process is shutting down");

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    const gauge = this.#instruments.gauge("build_info", "Always 1; its label says what runs", [
      "version",
    ]);
    gauge.set({ version: VERSION }, 1);
    for (const transport of TRANSPORTS)
      for (const outcome of OUTCOMES) this.#connections.inc({ transport, outcome }, 0);
  }

  maxConnections(count: number): void {
    this.#maxConnections.set(count);
  }

  connectionOpened(transport: string): void {
    this.#activeConnections.inc({ transport });
  }

  /** @param outcome `accepted`, or the reason of the refusal */
  connectionAsked(transport: string, outcome: string): void {
    this.#connections.inc({ transport, outcome });
  }

  waiting(count: number): void {
    this.#waiting.set(count);
  }

  overloaded(overloaded: boolean): void {
    this.#overloaded.set(overloaded ? 1 : 0);
  }

  connectionClosed(transport: string, reason: string): void {
    this.#activeConnections.dec({ transport });
    this.#closes.inc({ reason });
  }

  published(kind: string, count: number): void {
    this.#published.inc({ kind }, count);
  }

  delivered(transport: string, count: number): void {
    this.#delivered.inc({ transport }, count);
  }

  /** Hot path. @param readers to whom it was as late as that */
  deliveryLatency(ms: number, readers: number): void {
    this.#latency.observe(Math.max(0, ms) / 1000, readers);
  }

  responded(route: string, ms: number): void {
    this.#duration.observe({ route }, ms / 1000);
  }

  firstEvent(route: string, ms: number): void {
    this.#firstEvent.observe({ route }, ms / 1000);
  }

  activeTopics(count: number): void {
    this.#activeTopics.set(count);
  }

  laggingSubscription(change: 1 | -1): void {
    this.#laggingSubscriptions.inc(change);
  }

  laggingConnection(change: 1 | -1): void {
    this.#laggingConnections.inc(change);
  }

  gap(reason: CountedGap): void {
    this.#gaps.inc({ reason });
  }

  retracted(): void {
    this.#retractions.inc();
  }

  resumed(result: "joined" | CountedGap): void {
    this.#resumes.inc({ result });
  }

  healed(cause: HealCause): void {
    this.#heals.inc({ cause });
  }

  error(code: ErrorCode): void {
    this.#errors.inc({ code });
  }

  draining(): void {
    this.#draining.set(1);
  }
}
