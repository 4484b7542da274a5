import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { TestRedis } from "../support/redis.ts";
import { RawClient } from "../support/raw-http.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const PROMPT = Array.from({ length: 40 }, (_, i) => `wörd${i} 你好`).join(" ");
const ORIGIN = "https://app.example";

let redis: TestRedis;
let here: ServiceProcess;
let there: ServiceProcess;
beforeAll(async () => {
  redis = await TestRedis.start();
  const environment = {
    REDIS_URL: redis.url,
    AI_DEMO_DELAY: "5ms",
    CORS_ORIGINS: ORIGIN,
    CHAT_ABANDON_AFTER: "300ms",
  };
  [here, there] = await Promise.all([
    ServiceProcess.start(environment),
    ServiceProcess.start(environment),
  ]);
});
afterAll(async () => {
  for (const resource of [here, there, redis]) await resource[Symbol.asyncDispose]();
});

const bodyOf = (text: string, members: object = {}) => ({
  messages: [{ id: "m1", role: "user", parts: [{ type: "text", text }] }],
  ...members,
});
const ask = (service: ServiceProcess, body: object, headers: Record<string, string> = {}) =>
  apiOf(service.url).post("/api/chat", body, headers);
const runOf = (response: Response): string => response.headers.get("x-workflow-run-id")!;
const stateOf = async (generation: string): Promise<unknown> =>
  (await apiOf(there.url).json(`/api/v1/ai/chat/${generation}`))["state"];

/** Whole frames, as a client keeps them. */
const framesOf = (bytes: string): string[] => bytes.split("\n\n").slice(0, -1);
const idOf = (frame: string): string => /^id: (.*)$/m.exec(frame)![1]!;

/** A finished answer, and its frames without [DONE]. */
async function whole(): Promise<{ generation: string; bytes: string; parts: string[] }> {
  const response = await ask(here, bodyOf(PROMPT));
  const bytes = await response.text();
  return { generation: runOf(response), bytes, parts: framesOf(bytes).slice(0, -1) };
}

describe("the UI message stream", () => {
  it("has its headers, and shows them to pages", verifies("ui-stream"), async () => {
    const response = await ask(here, bodyOf("hi"), { origin: ORIGIN });
    const generation = runOf(response);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-store, no-transform",
      "x-vercel-ai-ui-message-stream": "v1",
      "x-generation-id": generation,
      "content-location": `/api/v1/ai/chat/${generation}`,
      "access-control-allow-origin": ORIGIN,
    });
    const exposed = response.headers.get("access-control-expose-headers")!.toLowerCase();
    for (const name of ["x-workflow-run-id", "x-generation-id", "content-location"])
      expect(exposed.split(",")).toContain(name);
    await response.text();
  });

  it(
    "is a true cursor by the generation's id, in any way it is shown, after the end too",
    verifies("ui-cursor"),
    async () => {
      const { generation, bytes, parts } = await whole();
      const url = `${there.url}/api/chat/${generation}/stream`;
      for (const index of [1, 4, parts.length - 1]) {
        const rest = `${[...parts.slice(index), "data: [DONE]"].join("\n\n")}\n\n`;
        const id = idOf(parts[index - 1]!);
        const readings: [string, Record<string, string>][] = [
          [`${url}?startIndex=${index}`, {}],
          [`${url}?startIndex=${index - parts.length}`, {}],
          [url, { "last-event-id": id }],
          [`${url}?startIndex=0`, { "last-event-id": id.split(":")[1]! }],
          [`${url}?last_event_id=${id}`, {}],
          // The chat's own name makes no difference to a cursor that names the generation.
          [`${there.url}/api/chat/whatever/stream?last_event_id=${id}`, {}],
        ];
        for (const [reading, headers] of readings)
          expect(await (await fetch(reading, { headers })).text(), reading).toBe(rest);
      }
      expect(await (await fetch(`${url}?startIndex=0`)).text()).toBe(bytes);
      const tail = await fetch(`${url}?startIndex=-2`);
      expect(tail.headers.get("x-workflow-stream-tail-index")).toBe(String(parts.length - 1));
      // Nothing is left: the end is told again.
      const end = `${parts.at(-1)}\n\ndata: [DONE]\n\n`;
      for (const query of [
        `startIndex=${parts.length}`,
        "startIndex=9999",
        `last_event_id=${idOf(parts.at(-1)!)}`,
      ])
        expect(await (await fetch(`${url}?${query}`)).text(), query).toBe(end);
    },
  );

  it("without a cursor comes merged, and says the same", verifies("late-readers"), async () => {
    const { generation, parts } = await whole();
    const late = await (await fetch(`${there.url}/api/chat/${generation}/stream`)).text();
    const deltas = (frames: readonly string[]): string[] =>
      frames.flatMap((frame) => /"delta":("(?:[^"\\]|\\.)*")/.exec(frame)?.[1] ?? []);
    const merged = deltas(framesOf(late));
    expect(merged).toHaveLength(1);
    expect(deltas(parts).length).toBeGreaterThan(5);
    expect(merged.map((text) => JSON.parse(text) as string).join("")).toBe(`You said: ${PROMPT}`);
  });

  it(
    "refuses a cursor of another answer, of nobody's and of none",
    verifies("ui-cursor"),
    async () => {
      // One after the other: of two at a time, one may well stand at a position of the other.
      const one = await whole();
      const other = await whole();
      const foreign = idOf(other.parts[3]!);
      const refused = async (url: string, init: RequestInit, status: number) => {
        const response = await fetch(url, init);
        expect([response.status, await response.json()], url).toMatchObject([status, { status }]);
      };
      const post = (path: string, body: object, id: string): [string, RequestInit] => [
        `${here.url}${path}`,
        {
          method: "POST",
          headers: { "last-event-id": id, "idempotency-key": randomUUID() },
          body: JSON.stringify(body),
        },
      ];
      for (const cursor of [foreign, foreign.split(":")[1]!, "gen-1:1-1", "garbage"]) {
        for (const path of ["api/chat", "api/v1/ai/chat"])
          await refused(
            `${here.url}/${path}/${one.generation}/stream?last_event_id=${cursor}`,
            {},
            400,
          );
      }
      await refused(...post("/api/chat", bodyOf("hi"), foreign.split(":")[1]!), 400);
      await refused(...post("/api/v1/ai/chat", { prompt: "hi" }, foreign.split(":")[1]!), 400);
      const unknown = foreign.replace(other.generation, `gen-${randomUUID()}`);
      await refused(...post("/api/chat", bodyOf("hi"), unknown), 404);
      await refused(...post("/api/v1/ai/chat", { prompt: "hi" }, unknown), 404);
    },
  );

  it(
    "is stopped by the generation's id as well, and a stale one stops nothing",
    verifies("ui-stop"),
    async () => {
      const response = await ask(here, bodyOf(PROMPT.repeat(10)));
      const generation = runOf(response);
      const reading = response.text();
      const stop = async (body: string) =>
        (await apiOf(there.url).post(`/api/chat/${generation}/stop`, body)).json();
      expect(await stop('{"activeStreamId":"gen-of-long-ago"}')).toEqual({
        generation,
        state: "running",
      });
      expect(await stop("")).toEqual({ generation, state: "stopped" });
      expect(await stop("{}")).toEqual({ generation, state: "stopped" });
      expect(
        framesOf(await reading)
          .slice(-4)
          .map((frame) => frame.split("\n")[0]),
      ).toEqual([
        'data: {"type":"finish-step"}',
        'data: {"type":"abort"}',
        'data: {"type":"finish"}',
        "data: [DONE]",
      ]);
    },
  );
});

describe("a chat", () => {
  it("has one answer at a time, on every surface", verifies("chat-busy"), async () => {
    const id = randomUUID();
    const response = await ask(here, bodyOf(PROMPT, { id }));
    const generation = runOf(response);
    const reading = response.text();
    const others = [
      await ask(there, bodyOf("something else", { id })),
      await ask(there, bodyOf(PROMPT, { id, trigger: "regenerate-message" })),
      await apiOf(there.url).post("/api/v1/ai/chat", { prompt: "a", chatId: id }),
    ];
    for (const other of others) {
      expect(other.status).toBe(409);
      expect(other.headers.get("x-should-retry")).toBe("false");
      expect(await other.json()).toMatchObject({ code: "chat-busy", chatId: id, generation });
    }
    // The same message is the same answer, on another process, and whoever repeats it gets each byte of it.
    const again = await ask(there, bodyOf(PROMPT, { id }));
    expect([runOf(again), await again.text()]).toEqual([generation, await reading]);
    const anew = await ask(there, bodyOf("hi", { id, trigger: "regenerate-message" }));
    expect(runOf(anew)).not.toBe(generation);
    await anew.text();
  });
});

describe("an answer that nobody waits for", () => {
  const LONG = PROMPT.repeat(6);
  /** Reads the first bytes of a stream, and leaves it. */
  async function glance(response: Response): Promise<void> {
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
  }

  it.each([
    ["/api/chat", bodyOf(LONG)],
    ["/api/v1/ai/chat", { prompt: LONG }],
  ])(
    "is promised at once by %s, and made to its end though nobody reads it",
    verifies("respond-async"),
    async (path, body) => {
      const key = { "idempotency-key": randomUUID() };
      const prefer = { prefer: "wait=10, Respond-Async", ...key };
      const response = await apiOf(here.url).post(path, body, prefer);
      expect(response.status).toBe(202);
      expect(response.headers.get("preference-applied")).toBe("respond-async");
      const { generation, streamUrl, state } = (await response.json()) as Record<string, string>;
      expect([state, response.headers.get("x-generation-id"), streamUrl]).toEqual([
        "running",
        generation,
        `${path}/${generation}/stream`,
      ]);
      expect(response.headers.get("location")).toBe(`/api/v1/ai/chat/${generation}`);
      // Both have had a reader, who has left; the one that was asked for as a stream is given up.
      await glance(await fetch(`${here.url}${streamUrl}`));
      const again = await apiOf(here.url).post(path, body, key);
      expect(again.headers.get("x-generation-id")).toBe(generation);
      await glance(again);
      const other = await apiOf(here.url).post(path, body);
      await glance(other);
      const abandoned = other.headers.get("x-generation-id")!;
      await eventually(async () => (await stateOf(abandoned)) === "stopped");
      expect(await stateOf(generation!)).not.toBe("stopped");
      await eventually(async () => (await stateOf(generation!)) === "finished");
      const late = await (await fetch(`${there.url}${streamUrl}`)).text();
      expect(late).toContain("wörd39 你好");
    },
  );
});

describe("an answer as text", () => {
  it("is its tokens, and is cut where it failed", verifies("chat-formats"), async () => {
    const script = JSON.stringify({ prompt: "#!demo tokens=5 fail=model-failed\n" });
    using client = new RawClient(here.url);
    client.send(
      `POST /api/v1/ai/chat HTTP/1.1\r\nhost: x\r\naccept: text/plain\r\ncontent-length: ${script.length}\r\n\r\n${script}`,
    );
    await eventually(() => client.ended);
    expect(client.text).toContain("content-type: text/plain; charset=utf-8");
    // Chunks, but not the one that says that there are no more.
    expect(client.text).not.toMatch(/\r\n0\r\n\r\n$/);
    const generation = /x-generation-id: (\S+)/.exec(client.text)![1]!;
    expect(await stateOf(generation)).toBe("failed");
    // So is what a late reader gets.
    const late = await fetch(`${there.url}/api/v1/ai/chat/${generation}/stream`, {
      headers: { accept: "text/plain" },
    });
    await expect(late.text()).rejects.toThrow("terminated");
  });
});
