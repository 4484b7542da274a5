import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { TestRedis } from "../support/redis.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const PROMPT = Array.from({ length: 400 }, (_, i) => `word${i}`).join(" ");
const LEASE_MS = 1_000;
/** Lease, sweep, and what busy machines take. */
const BOUND_MS = 5 * LEASE_MS;

interface Line {
  readonly id?: string;
  readonly token?: string;
  readonly done?: true;
  readonly finishReason?: string;
  readonly error?: { readonly code: string; readonly retryable: boolean };
}

/** Reads an answer's lines as they come, over as many connections as it takes. */
class LineReader {
  readonly lines: Line[] = [];
  /** How many connections broke. */
  breaks = 0;
  readonly whole: Promise<void>;
  readonly #origins: () => string;

  constructor(origins: () => string, generation: string) {
    this.#origins = origins;
    this.whole = this.#read(generation);
  }

  get text(): string {
    return this.lines.map(({ token }) => token ?? "").join("");
  }

  async #read(generation: string): Promise<void> {
    for (;;) {
      try {
        const id = this.lines.at(-1)?.id;
        const response = await fetch(
          `${this.#origins()}/api/v1/ai/chat/${generation}/stream?user=ada`,
          { headers: id ? { "last-event-id": id } : {}, signal: AbortSignal.timeout(30_000) },
        );
        if (response.status === 204) return;
        if (!response.ok) throw new TypeError(`status ${response.status}`);
        let rest = "";
        for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
          const parts = (rest + piece).split("\n");
          rest = parts.pop()!;
          for (const part of parts)
            if (part.startsWith("{")) this.lines.push(JSON.parse(part) as Line);
        }
        if (this.lines.at(-1)?.done) return;
        throw new Error("a clean end without an end");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        this.breaks++;
      }
    }
  }
}

describe("an answer", () => {
  let redis: TestRedis;
  let writer: ServiceProcess;
  let other: ServiceProcess;
  const environment = (): Record<string, string> => ({
    REDIS_URL: redis.url,
    PROBE_INTERVAL: "200ms",
    AI_DEMO_DELAY: "10ms",
    CHAT_LEASE: `${LEASE_MS}ms`,
    LOG_LEVEL: "warn",
  });
  beforeEach(async () => {
    redis = await TestRedis.start({ durable: true });
    [writer, other] = await Promise.all([
      ServiceProcess.start(environment()),
      ServiceProcess.start(environment()),
    ]);
  });
  afterEach(async () => {
    for (const resource of [writer, other, redis]) await resource[Symbol.asyncDispose]();
  });

  /** Asks, and gives the generation once it speaks; whoever asked stays or leaves. */
  async function ask(): Promise<string> {
    const headers = { prefer: "respond-async" };
    const response = await apiOf(writer.url).post(
      "/api/v1/ai/chat?user=ada",
      { prompt: PROMPT },
      headers,
    );
    const generation = response.headers.get("x-generation-id")!;
    void response.text().catch(() => undefined);
    const path = `/api/v1/ai/chat/${generation}?user=ada`;
    await eventually(async () => {
      const { text } = (await apiOf(other.url).json(path)) as { text: string };
      return text.length > 50;
    });
    return generation;
  }

  it(
    "whose process is killed ends with error and finish for every reader, everywhere",
    verifies("chat-lease"),
    async () => {
      const generation = await ask();
      const readers = [
        new LineReader(() => other.url, generation),
        new LineReader(() => (writer.child.killed ? other.url : writer.url), generation),
      ];
      await eventually(() => readers.every(({ lines }) => lines.length > 5));
      const killedAt = performance.now();
      await writer.stop("SIGKILL");
      await Promise.all(readers.map(({ whole }) => whole));
      expect(performance.now() - killedAt).toBeLessThan(BOUND_MS);
      for (const { lines } of readers) {
        expect(lines.at(-2)!.error).toMatchObject({ code: "producer-lost", retryable: true });
        expect(lines.at(-1)).toMatchObject({ done: true, finishReason: "error" });
      }
      expect(readers[0]!.text).toBe(readers[1]!.text);
      expect(`You said: ${PROMPT}`.startsWith(readers[0]!.text)).toBe(true);
    },
  );

  it(
    "whose process is frozen ends likewise, and the process writes no more when it wakes up",
    verifies("chat-lease"),
    async () => {
      const generation = await ask();
      const reader = new LineReader(() => other.url, generation);
      writer.child.kill("SIGSTOP");
      await reader.whole;
      writer.child.kill("SIGCONT");
      await eventually(
        async () =>
          (await apiOf(writer.url).metric('streaming_chat_generations{model="demo"}')) === 0,
      );
      const path = `/api/v1/ai/chat/${generation}?user=ada`;
      const here = await apiOf(writer.url).json(path);
      expect(here).toEqual(await apiOf(other.url).json(path));
      expect(here).toMatchObject({ state: "failed", error: { code: "producer-lost" } });
      expect((here as { text: string }).text).toBe(reader.text);
      expect(await apiOf(other.url).metric("streaming_chat_leases_lost_total")).toBe(1);
    },
  );

  it("outlives a Redis that is away for seconds, whole", verifies("chat-outage"), async () => {
    const generation = await ask();
    const reader = new LineReader(() => other.url, generation);
    await eventually(() => reader.lines.length > 5);
    await redis.kill();
    const until = performance.now() + 5_000;
    await eventually(() => performance.now() > until);
    await redis.start();
    await reader.whole;
    expect(reader.lines.at(-1)).toMatchObject({ done: true, finishReason: "stop" });
    expect(reader.text).toBe(`You said: ${PROMPT}`);
    expect(reader.breaks).toBe(0);
  });

  it(
    "goes on elsewhere when its process shuts down: the stream is cut, never ended",
    verifies("chat-unfinished"),
    async () => {
      const generation = await ask();
      let here = writer.url;
      const reader = new LineReader(() => here, generation);
      await eventually(() => reader.lines.length > 5);
      here = other.url;
      const exited = writer.stop("SIGTERM");
      await reader.whole;
      expect(reader.breaks).toBe(1);
      expect(reader.text).toBe(`You said: ${PROMPT}`);
      expect(await exited).toBe(0);
    },
  );

  it("is its owner's: others cannot tell that it is there", verifies("chat-owner"), async () => {
    const generation = await ask();
    const path = `/api/v1/ai/chat/${generation}`;
    for (const user of ["", "?user=bob"]) {
      for (const [method, suffix] of [
        ["GET", ""],
        ["GET", "/stream"],
        ["POST", "/stop"],
      ] as const) {
        const response = await fetch(`${other.url}${path}${suffix}${user}`, { method });
        expect(response.status).toBe(404);
        expect(await response.json()).toMatchObject({ code: "not-found", field: "generation" });
      }
      // Nor as a topic, beside one of their own, in whichever way topics are read.
      const query = `${user.replace("?", "&")}&from=earliest`;
      for (const suffix of ["", "&follow=false", "&format=json", "&format=ndjson", "&wait=1s"]) {
        const topics = `topic=app:mine&topic=chat:${generation}`;
        const response = await fetch(`${other.url}/api/v1/events?${topics}${query}${suffix}`, {
          signal: AbortSignal.timeout(5_000),
        });
        expect(response.status).toBe(404);
        expect(await response.json()).toMatchObject({ code: "not-found", field: "topic" });
      }
    }
    const topic = `/api/v1/events?topic=chat:${generation}&format=json&limit=1`;
    const mine = await apiOf(other.url).json(`${topic}&user=ada`);
    expect(JSON.stringify(mine)).toContain('"owner":"ada"');
    for (const user of ["", "?user=ada", "?user=bob"]) {
      const path = `/api/v1/topics/chat:${generation}/events${user}`;
      const response = await apiOf(other.url).post(path, { type: "text-delta", data: {} });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid-parameter", field: "topic" });
    }
    const stopped = await fetch(`${other.url}${path}/stop?user=ada`, { method: "POST" });
    expect(await stopped.json()).toMatchObject({ state: "stopped", finishReason: "stopped" });
  });

  it(
    "is its owner's while Redis is away, too: an EventSource is told to come back, others 503",
    verifies("chat-owner"),
    async () => {
      const generation = await ask();
      const unknown = "gen-00000000-0000-4000-8000-000000000000";
      const paths = [generation, unknown].flatMap((id) => [
        `/api/v1/ai/chat/${id}/stream`,
        `/api/chat/${id}/stream`,
        `/api/v1/events?topic=chat:${id}`,
      ]);
      await redis.kill();
      await Promise.all(
        ["ada", "eve"].flatMap((user) =>
          paths.map(async (path) => {
            const url = `${other.url}${path}${path.includes("?") ? "&" : "?"}user=${user}`;
            const signal = AbortSignal.timeout(20_000);
            const headers = { accept: "text/event-stream" };
            const told = await fetch(url, { headers, signal });
            expect(told.status).toBe(200);
            expect(told.headers.get("content-type")).toBe("text/event-stream");
            const closed = /^retry: \d+\nevent: closed\ndata: .*"reconnect":true.*\n\n$/;
            const words = path.includes("topic") ? closed : /^retry: \d+\n\n$/;
            expect(await told.text()).toMatch(words);
            const refused = await fetch(url, { signal });
            expect(refused.status).toBe(503);
            expect(await refused.json()).toMatchObject({ code: "log-unavailable" });
          }),
        ),
      );
    },
  );

  it("that nobody reads any more is ended", verifies("chat-abandoned"), async () => {
    await using brief = await ServiceProcess.start({
      ...environment(),
      CHAT_ABANDON_AFTER: "300ms",
    });
    const abort = new AbortController();
    const response = await fetch(`${brief.url}/api/v1/ai/chat`, {
      method: "POST",
      body: JSON.stringify({ prompt: PROMPT }),
      signal: abort.signal,
    });
    await response.body!.getReader().read();
    abort.abort();
    const path = `/api/v1/ai/chat/${response.headers.get("x-generation-id")}`;
    const ended = await eventually(async () => {
      const snapshot = await apiOf(other.url).json(path);
      return (snapshot as { state: string }).state === "running" ? undefined : snapshot;
    });
    expect(ended).toMatchObject({ state: "stopped", finishReason: "abandoned" });
    const text = await fetch(`${other.url}${path}/stream`, { headers: { accept: "text/plain" } });
    // In a format without words for it: cut, and no shorter answer.
    await expect(text.text()).rejects.toThrow("terminated");
  });

  it("is counted", verifies("chat-metrics"), async () => {
    const generation = await ask();
    const stop = `/api/v1/ai/chat/${generation}/stop?user=ada`;
    await apiOf(other.url).post(stop, {});
    const done = await apiOf(writer.url).post("/api/v1/ai/chat", { prompt: "a b c" });
    await done.text();
    const metrics = await (await fetch(`${writer.url}/metrics`)).text();
    for (const line of [
      'streaming_chat_generations{model="demo"} 0',
      'streaming_chat_generations_ended_total{state="stopped",model="demo"} 1',
      'streaming_chat_generations_ended_total{state="finished",model="demo"} 1',
      'streaming_chat_time_to_first_token_seconds_count{model="demo"} 2',
      'streaming_chat_tokens_per_second_count{model="demo"} 2',
      'streaming_chat_ended_early_total{cause="stopped"} 1',
      "streaming_chat_leases_lost_total 0",
    ])
      expect(metrics).toContain(`${line}\n`);
  });
});
