import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

export type HealCause = "missed" | "large" | "reconnect" | "outage" | "audit";

const GENERATION_STATES = ["running", "finished", "stopped", "failed"] as const;
export type GenerationState = (typeof GENERATION_STATES)[number];

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const TOKENS_PER_SECOND = [1, 2.5, 5, 10, 20, 30, 50, 75, 100, 150, 250, 500, 1_000];

/** Every fact that is counted, by name; labels are few and bounded. Nothing here throws. */
export class Metrics {
  readonly registry = new Registry();

  readonly #activeConnections = this.#gauge("active_connections", "Connections open now", [
    "transport",
  ]);
  readonly #maxConnections = this.#gauge(
    "max_connections",
    "Connections that this process takes at most",
  );
  readonly #connections = this.#counter("connections_total", "Connections asked for", [
    "transport",
    "outcome",
  ]);
  readonly #waiting = this.#gauge("admission_waiting", "Newcomers that wait for a place");
  readonly #overloaded = this.#gauge(
    "overloaded",
    "1 while newcomers are turned away because this process has more to do than it can",
  );
  readonly #closes = this.#counter("closes_total", "Connections ended, by reason", ["reason"]);
  readonly #published = this.#counter("events_published_total", "Events appended", ["kind"]);
  readonly #delivered = this.#counter("events_delivered_total", "Events handed to connections", [
    "transport",
  ]);
  readonly #latency = this.#histogram(
    "delivery_latency_seconds",
    "From an event's time in the log to its delivery to the live readers",
  );
  readonly #duration = this.#histogram(
    "response_duration_seconds",
    "From request to answer; of streams, to their head",
    ["route"],
  );
  readonly #firstEvent = this.#histogram(
    "time_to_first_event_seconds",
    "From request to the first event of a stream, or to `live` where there is none yet",
    ["route"],
  );
  readonly #activeTopics = this.#gauge(
    "active_topics",
    "Topics that this process follows: with readers, or shortly after the last of them",
  );
  readonly #lagging = this.#gauge("lagging_subscriptions", "Subscriptions that have fallen behind");
  readonly #gaps = this.#counter("gaps_total", "Gaps told to readers", ["reason"]);
  readonly #resumes = this.#counter("resumes_total", "Readers who came back with a cursor", [
    "result",
  ]);
  readonly #heals = this.#counter(
    "heals_total",
    "Times a tail found in the log what no doorbell had brought",
    ["cause"],
  );
  readonly #errors = this.#counter("errors_total", "Errors answered", ["code"]);
  /** Made when there is a Redis: without one, 0 would be a false alarm. */
  #redisUp: Gauge | undefined;
  /** Beside it, as an outage may come and go between two scrapes. */
  #redisOutages: Counter | undefined;
  #redisWasUp = false;
  readonly #generations = this.#gauge(
    "chat_generations",
    "Generations of this process: running now, and ended since its start",
    ["state", "model"],
  );
  readonly #firstToken = this.#histogram(
    "chat_time_to_first_token_seconds",
    "From a generation's start to its model's first token",
    ["model"],
  );
  readonly #tokenRate = this.#histogram(
    "chat_tokens_per_second",
    "Of each answer, from its first token to its end",
    ["model"],
    TOKENS_PER_SECOND,
  );
  readonly #endedEarly = this.#counter(
    "chat_ended_early_total",
    "Generations ended before their model had ended them",
    ["cause"],
  );
  readonly #leasesLost = this.#counter(
    "chat_leases_lost_total",
    "Generations whose writer was gone and that this process has ended",
    [],
  );
  /** Made where there is a limit: a part of 0 would be a false alarm. */
  #maxGenerations: Gauge | undefined;
  readonly #draining = this.#gauge("draining", "1 while the process is shutting down");

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    this.#activeTopics.set(0);
    this.#lagging.set(0);
    this.#waiting.set(0);
    this.#overloaded.set(0);
    this.#draining.set(0);
    this.#leasesLost.inc(0);
    // What an alert waits for: from nothing to 1 is no increase.
    for (const reason of ["trimmed", "reset"]) this.#gaps.inc({ reason }, 0);
    for (const result of ["joined", "gap"]) this.#resumes.inc({ result }, 0);
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

  deliveryLatency(ms: number): void {
    this.#latency.observe(Math.max(0, ms) / 1000);
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

  lagging(change: 1 | -1): void {
    this.#lagging.inc(change);
  }

  gap(reason: string): void {
    this.#gaps.inc({ reason });
  }

  resumed(result: "joined" | "gap"): void {
    this.#resumes.inc({ result });
  }

  healed(cause: HealCause): void {
    this.#heals.inc({ cause });
  }

  error(code: string): void {
    this.#errors.inc({ code });
  }

  redisUp(up: boolean): void {
    this.#redisUp ??= this.#gauge(
      "redis_up",
      "1 while publish and delivery through Redis work end to end",
    );
    this.#redisUp.set(up ? 1 : 0);
    this.#redisOutages ??= this.#counter(
      "redis_outages_total",
      "Times that probes found delivery through Redis dead, after it had worked",
      [],
    );
    this.#redisOutages.inc(this.#redisWasUp && !up ? 1 : 0);
    this.#redisWasUp = up;
  }

  /** @param count 0 = no limit */
  maxGenerations(count: number): void {
    if (count === 0) return;
    this.#maxGenerations ??= this.#gauge(
      "chat_max_generations",
      "Generations that this process runs at most",
    );
    this.#maxGenerations.set(count);
  }

  generation(state: GenerationState, model: string, change: 1 | -1): void {
    // A first failure is an increase only from a 0 that has been seen.
    for (const each of GENERATION_STATES) this.#generations.inc({ state: each, model }, 0);
    this.#generations.inc({ state, model }, change);
  }

  firstToken(model: string, ms: number): void {
    this.#firstToken.observe({ model }, ms / 1000);
  }

  /** @param ms from the first token to the last */
  tokenRate(model: string, tokens: number, ms: number): void {
    if (tokens > 1 && ms > 0) this.#tokenRate.observe({ model }, ((tokens - 1) * 1_000) / ms);
  }

  endedEarly(cause: "stopped" | "abandoned" | "interrupted" | "lost"): void {
    this.#endedEarly.inc({ cause });
  }

  leaseLost(): void {
    this.#leasesLost.inc();
  }

  draining(): void {
    this.#draining.set(1);
  }

  #gauge<T extends string = never>(name: string, help: string, labelNames: T[] = []): Gauge<T> {
    return new Gauge({ name: `streaming_${name}`, help, labelNames, registers: [this.registry] });
  }

  #counter<T extends string>(name: string, help: string, labelNames: T[]): Counter<T> {
    return new Counter({ name: `streaming_${name}`, help, labelNames, registers: [this.registry] });
  }

  #histogram<T extends string = never>(
    name: string,
    help: string,
    labelNames: T[] = [],
    buckets = SECONDS,
  ): Histogram<T> {
    return new Histogram({
      name: `streaming_${name}`,
      help,
      labelNames,
      buckets,
      registers: [this.registry],
    });
  }
}
