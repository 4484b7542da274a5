import { idempotencyMismatch, ServiceError } from "../errors.ts";
import type { Follower } from "../redis/follower.ts";
import type { RedisMasters } from "../redis/redis-masters.ts";
import { Script } from "../redis/script.ts";
import { joinAbsent } from "./anchor.ts";
import { packDrafts, parseDoorbell } from "./doorbell.ts";
import { createEvent, type Event, type EventDraft } from "./event.ts";
import {
  type Appended,
  type AppendOptions,
  type Doorbell,
  type EventLog,
  type Head,
  NO_HEAD,
  type ReadLimit,
  retractedTo,
  type Slice,
  VACANT,
} from "./event-log.ts";
import {
  comparePositions,
  formatPosition,
  justBefore,
  ORIGIN,
  type Position,
  samePosition,
  tryPosition,
} from "./position.ts";
import { IDEMPOTENCY_TTL_MS, idleMsAfter, retentionOf, type RetentionTable } from "./retention.ts";
import type { Topic } from "./topic.ts";

const APPEND = new Script(new URL("./append.lua", import.meta.url));
const DELETE = new Script(new URL("./delete.lua", import.meta.url));
const NOW = new Script(new URL("./now.lua", import.meta.url));
const LAST = new Script(new URL("./last.lua", import.meta.url));

/** What XRANGE returns of an entry: its id and its fields, flat. */
type RawEntry = [id: string, fields: string[]];

/** The braces make the topic the hash tag: all keys of a topic live on one shard, and topics spread over a cluster. */
const streamKey = (topic: Topic): string => `novastream:{${topic}}`;

export interface RedisEventLogOptions {
  readonly masters: RedisMasters;
  readonly follower: Follower;
  readonly retention: RetentionTable;
}

/** The log on Redis streams (7.0 or newer, or Valkey). It owns no connection. */
export class RedisEventLog implements EventLog {
  readonly #masters: RedisMasters;
  readonly #follower: Follower;
  readonly #retention: RetentionTable;

  constructor(options: RedisEventLogOptions) {
    this.#masters = options.masters;
    this.#follower = options.follower;
    this.#retention = options.retention;
  }

  async append(
    topic: Topic,
    drafts: readonly EventDraft[],
    options: AppendOptions = {},
  ): Promise<Appended> {
    const { idempotency, progress, fence, close = false } = options;
    const stream = streamKey(topic);
    const retention = retentionOf(this.#retention, topic);
    const mode = idempotency ? "key" : progress ? "progress" : "none";
    const key = idempotency?.key ?? progress?.key;
    // One key where one is enough: a slot on its way to another master serves several only when it has them all.
    const keys: [string, ...string[]] =
      key === undefined ? [stream] : [stream, `${stream}:key:${key}`];
    const answer = (await APPEND.run(this.#masters, keys, [
      mode,
      IDEMPOTENCY_TTL_MS,
      idempotency?.fingerprint ?? progress?.offset ?? "",
      fence?.number ?? "",
      fence ? [fence.token, fence.previous ?? ""].join(" ").trim() : "",
      close ? 1 : 0,
      retention.count,
      idleMsAfter(retention, close),
      packDrafts(drafts),
      ...drafts.flatMap(({ type, data }) => [type, data]),
    ])) as string[];
    const [outcome, ms, n, count, done] = answer;
    switch (outcome) {
      case "appended":
      case "repeated":
        return {
          first: { ms: Number(ms), n: Number(n) },
          count: Number(count),
          repeated: outcome === "repeated",
          done: Number(done),
        };
      case "mismatch":
        throw idempotencyMismatch();
      case "fenced":
        throw new ServiceError("fenced-off", `Writer ${fence?.number} has been replaced by ${ms}.`);
      case "closed":
        throw new ServiceError("topic-closed", `${topic} is closed.`);
      default:
        throw new Error(`append.lua answered ${JSON.stringify(answer)}`);
    }
  }

  async read(topic: Topic, after: Position | "earliest", limit: ReadLimit): Promise<Slice> {
    if (after === "earliest" || samePosition(after, ORIGIN))
      return this.#readFirst(topic, after, limit);
    const entries = await this.#range(topic, formatPosition(after), limit.events + 1);
    const [anchor] = entries;
    if (anchor && samePosition(anchor.position, after))
      return slice(entries.slice(1), undefined, limit);
    const [first] = await this.#range(topic, "-", 1);
    if (!first) return VACANT;
    const head = anchor ? undefined : await this.head(topic);
    // Something has come between the two looks, the cursor's own entry perhaps.
    if (head && comparePositions(head.position, after) >= 0) return this.read(topic, after, limit);
    const join = joinAbsent(after, first, anchor, head ?? anchor!);
    if (join.from === "end") return retractedTo(head!);
    if (join.from === "after") return slice(entries, join.gap, limit);
    return this.#readFirst(topic, after, limit);
  }

  /** From the first event retained. What is missing before it is counted from the page itself: trimming goes on. */
  async #readFirst(topic: Topic, after: Position | "earliest", limit: ReadLimit): Promise<Slice> {
    const entries = await this.#range(topic, "-", limit.events);
    if (entries.length === 0) return VACANT;
    const gap =
      entries[0] && after !== "earliest"
        ? joinAbsent(after, entries[0], entries[0], entries.at(-1)!).gap
        : undefined;
    return slice(entries, gap, limit);
  }

  async head(topic: Topic): Promise<Head> {
    const key = streamKey(topic);
    const [raw] = (await this.#masters.run(key, (client) =>
      client.xrevrange(key, "+", "-", "COUNT", 1),
    )) as RawEntry[];
    if (!raw) return NO_HEAD;
    const event = decode(topic, raw);
    return { position: event.position, born: event.born, closed: event.last };
  }

  async since(topic: Topic, timeMs: number): Promise<Position> {
    // The head first: an event that comes between the two looks is then found by the second, not skipped by the first.
    const head = await this.head(topic);
    const [event] = await this.#range(topic, `${timeMs}-0`, 1);
    return event ? justBefore(event.position) : head.position;
  }

  async now(topic: Topic): Promise<number> {
    return (await NOW.run(this.#masters, [streamKey(topic)], [])) as number;
  }

  async last(topic: Topic, count: number, upTo?: Position): Promise<Position> {
    if (count === 0) return upTo ?? (await this.head(topic)).position;
    const end = upTo ? formatPosition(upTo) : "+";
    const id = await LAST.run(this.#masters, [streamKey(topic)], [count, end]);
    const position = typeof id === "string" ? tryPosition(id) : undefined;
    return position ? justBefore(position) : (upTo ?? ORIGIN);
  }

  async follow(topic: Topic, listener: (doorbell: Doorbell) => void): Promise<AsyncDisposable> {
    return this.#follower.follow(streamKey(topic), {
      message: (text) => listener(parseDoorbell(topic, text)),
      broken: () => listener({ kind: "unsure", cause: "reconnect" }),
    });
  }

  async delete(topic: Topic): Promise<void> {
    await DELETE.run(this.#masters, [streamKey(topic)], []);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #range(topic: Topic, from: string, count: number): Promise<Event[]> {
    const key = streamKey(topic);
    const raw = (await this.#masters.run(key, (client) =>
      client.xrange(key, from, "+", "COUNT", count),
    )) as RawEntry[];
    return raw.map((entry) => decode(topic, entry));
  }
}

function decode(topic: Topic, [id, fields]: RawEntry): Event {
  let [type, data, born, last] = ["", "", 0, false];
  for (let i = 0; i < fields.length; i += 2) {
    const value = fields[i + 1]!;
    switch (fields[i]) {
      case "t":
        type = value;
        break;
      case "d":
        data = value;
        break;
      case "b":
        born = Number(value);
        break;
      case "c":
        last = true;
        break;
    }
  }
  const position = tryPosition(id);
  if (!position) throw new Error(`${topic} holds an entry that is no event: ${id}`);
  return createEvent(topic, position, born, { type, data }, last);
}

/** Redis limits by number only; what is over the byte limit is left for the next read. */
function slice(entries: Event[], gap: Slice["gap"], limit: ReadLimit): Slice {
  let bytes = 0;
  let to = 0;
  while (to < entries.length && to < limit.events) {
    bytes += entries[to]!.bytes;
    if (bytes > limit.bytes && to > 0) break;
    to++;
  }
  const more = to < entries.length || to === limit.events;
  return {
    events: to === entries.length ? entries : entries.slice(0, to),
    gap: to > 0 ? gap : undefined,
    more,
    vacant: false,
  };
}
