import { createParser } from "eventsource-parser";
import { readWithEventSource } from "../../support/readers.ts";
import { eventually } from "../../support/wait.ts";
import { call, eventsOf, persist, publish, throughout } from "../clients/calls.ts";
import { Exchange } from "../clients/exchange.ts";
import { type Check, ownName, requireEachOnce, requirePrompt, type Trial } from "../trial.ts";

const ACCEPT = { accept: "text/event-stream" };
/** More than the kernel's buffers hold between the service and a client that does not read. */
const FLOOD_LINES = 200;
const FLOOD_LINE = "x".repeat(100_000);
const FLOOD_BATCH = 9;

interface SseEvent {
  readonly id: string | undefined;
  readonly type: string;
  readonly data: unknown;
}

/** A stream that is read frame by frame. */
class SseExchange extends Exchange {
  #parsed = 0;
  readonly #events: SseEvent[] = [];
  readonly #parser = createParser({
    onEvent: ({ id, event = "message", data }) =>
      this.#events.push({ id, type: event, data: JSON.parse(data) as unknown }),
  });

  events(): readonly SseEvent[] {
    for (; this.#parsed < this.lines.length; this.#parsed++)
      this.#parser.feed(`${this.lines[this.#parsed]!.text}\n`);
    return this.#events;
  }

  of(...types: string[]): SseEvent[] {
    return this.events().filter(({ type }) => types.includes(type));
  }

  numbers(): number[] {
    return this.of("tick").map(({ data }) => numberOf(data));
  }
}

/** Of several topics, or of one, events come in an envelope. */
const numberOf = (data: unknown): number => (data as { data: { n: number } }).data.n;

const open = (url: string, cursor?: string): SseExchange =>
  new SseExchange(url, {
    headers: cursor === undefined ? ACCEPT : { ...ACCEPT, "last-event-id": cursor },
  });

async function live(exchange: SseExchange, { patienceMs }: Trial): Promise<void> {
  await exchange.head(patienceMs);
  await exchange.until("connected", () => exchange.of("connected").length, patienceMs);
  await exchange.until("live", () => exchange.of("live").length, patienceMs);
}

/** Publishes one event and waits until it is there: what is held back until the next one comes never is. */
async function lockstep(trial: Trial, exchange: SseExchange, topic: string, n: number) {
  const startedMs = Date.now();
  await publish(trial.url, topic, { type: "tick", data: { n } });
  await exchange.until(`event ${n}`, () => exchange.numbers().includes(n), trial.patienceMs);
  return Date.now() - startedMs;
}

export const sse: Check = {
  name: "SSE",

  async steady(trial) {
    const topic = `app:${ownName("steady")}`;
    using exchange = open(eventsOf(trial.url, topic, "from=latest"));
    await live(exchange, trial);
    const delaysMs: number[] = [];
    for (let n = 0; n < 9; n++) delaysMs.push(await lockstep(trial, exchange, topic, n));
    requireEachOnce("the events", exchange.numbers(), 9);
    requirePrompt("events", delaysMs, trial.promptMs);
  },

  async resume(trial) {
    const topic = `app:${ownName("resume")}`;
    const url = eventsOf(trial.url, topic, "from=earliest");
    const received: number[] = [];
    let cursor: string | undefined;
    for (let n = 0; n < 30;) {
      using exchange = open(url, cursor);
      await live(exchange, trial);
      for (const last = n + 1 + (n % 4); n < last; n++) await lockstep(trial, exchange, topic, n);
      await exchange.cut();
      received.push(...exchange.numbers());
      cursor = exchange.events().findLast(({ id }) => id !== undefined)!.id;
      if (exchange.of("gap").length > 0) throw new Error("a gap was told");
      // What comes while nobody is connected.
      await publish(trial.url, topic, { type: "tick", data: { n } });
      n++;
    }
    using exchange = open(url, cursor);
    await live(exchange, trial);
    received.push(...exchange.numbers());
    requireEachOnce("the events", received, received.length);
    if (received.length < 30) throw new Error(`${received.length} of 30 events`);
  },

  async slow(trial) {
    const name = ownName("slow");
    const logs = `${trial.url}/api/v1/wukongs/${name}/logs`;
    // Of two readers the one that does not read is the service's to skip, once it cannot write any more.
    using slow = open(`${logs}?overflow=drop`);
    await live(slow, trial);
    slow.response!.pause();
    using prompt = open(`${logs}?grep=last&tail=0`);
    await live(prompt, trial);
    const line = (n: number) =>
      JSON.stringify({ message: n === FLOOD_LINES - 1 ? "last" : FLOOD_LINE, fields: { n } });
    for (let n = 0; n < FLOOD_LINES; n += FLOOD_BATCH) {
      const batch = Array.from({ length: Math.min(FLOOD_BATCH, FLOOD_LINES - n) }, (_, i) =>
        line(n + i),
      );
      const headers = { "content-type": "application/x-ndjson" };
      await call(logs, { method: "POST", headers, body: batch.join("\n") });
    }
    await prompt.until("the last line, of who reads", () => prompt.of("log").length, 5_000);
    slow.response!.resume();
    const numbers = () =>
      slow.of("log").map(({ data }) => (data as { fields: { n: number } }).fields.n);
    await slow.until("the last line", () => numbers().at(-1) === FLOOD_LINES - 1, 15_000);
    const dropped = slow
      .of("dropped")
      .reduce((sum, { data }) => sum + (data as { count: number }).count, 0);
    if (dropped === 0) throw new Error("the gateway has taken all that its client did not");
    const total = numbers().length + dropped;
    if (total !== FLOOD_LINES || numbers().some((n, i, all) => i > 0 && n <= all[i - 1]!))
      throw new Error(`${numbers().length} lines and ${dropped} dropped of ${FLOOD_LINES}`);
  },

  async idle(trial) {
    const topic = `app:${ownName("idle")}`;
    using exchange = open(eventsOf(trial.url, topic, "from=latest"));
    await live(exchange, trial);
    await new Promise((resolve) => setTimeout(resolve, trial.idleMs));
    if (exchange.ended) throw new Error("it was cut in spite of heartbeats");
    await lockstep(trial, exchange, topic, 0);
    if (!exchange.lines.some(({ text }) => text === ":hb")) throw new Error("no heartbeat came");
  },

  async rolling(trial, rolled) {
    const topic = `app:${ownName("rolling")}`;
    // Like a browser's: an error status ends it for good.
    using reader = readWithEventSource(eventsOf(trial.url, topic, "from=earliest"), ["tick"]);
    await eventually(() => reader.connections > 0, { what: "the EventSource" });
    const count = await throughout(rolled, 20, (n) =>
      persist(() =>
        call(`${trial.url}/api/v1/topics/${encodeURIComponent(topic)}/events`, {
          method: "POST",
          headers: { "content-type": "application/json", "idempotency-key": `tick-${n}` },
          body: JSON.stringify({ type: "tick", data: { n } }),
        }).then(() => undefined),
      ),
    );
    const numbers = () => reader.received.map(({ data }) => numberOf(data));
    await eventually(() => reader.dead || numbers().length >= count, {
      what: "all events",
      timeoutMs: trial.patienceMs * 10,
    });
    if (reader.dead) throw new Error("the EventSource met an error and is dead");
    requireEachOnce("the events", numbers(), count);
    if (reader.controls.some(({ type }) => type === "gap")) throw new Error("a gap was told");
    if (reader.connections < 2) throw new Error("it was never sent elsewhere");
  },
};
