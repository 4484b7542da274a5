import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { RawClient } from "../support/raw-http.ts";
import { TestRedis } from "../support/redis.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

interface ChatLine {
  id: string;
  token?: string;
  done?: true;
  finishReason?: string;
  error?: { code: string };
}

const PROMPT = Array.from({ length: 60 }, (_, i) => `wörd${i} 你好`).join(" ");
const ANSWER = `You said: ${PROMPT}`;
const linesOf = (text: string): ChatLine[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as ChatLine);
const textOf = (lines: readonly ChatLine[]): string =>
  lines.map(({ token }) => token ?? "").join("");

describe("chat", () => {
  let redis: TestRedis;
  let here: ServiceProcess;
  let there: ServiceProcess;
  beforeAll(async () => {
    redis = await TestRedis.start({ durable: true });
    const environment = { REDIS_URL: redis.url, PROBE_INTERVAL: "200ms" };
    [here, there] = await Promise.all([
      ServiceProcess.start({ ...environment, AI_DEMO_DELAY: "5ms" }),
      ServiceProcess.start({ ...environment, AI_DEMO_DELAY: "5ms" }),
    ]);
  });
  afterAll(async () => {
    for (const resource of [here, there, redis]) await resource[Symbol.asyncDispose]();
  });
  const ask = (service: ServiceProcess, body: object, headers: Record<string, string> = {}) =>
    apiOf(service.url).post("/api/v1/ai/chat", body, headers);

  it("streams tokens as NDJSON, with a final object and [DONE]", verifies("chat"), async () => {
    const response = await ask(here, { prompt: PROMPT });
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect(response.headers.get("content-location")).toBe(
      `/api/v1/ai/chat/${response.headers.get("x-generation-id")}`,
    );
    const text = await response.text();
    const lines = linesOf(text);
    expect(textOf(lines)).toBe(ANSWER);
    expect(lines.at(-1)).toMatchObject({
      done: true,
      finishReason: "stop",
      usage: { outputTokens: 122, inputTokens: 120 },
    });
    expect(text.endsWith("[DONE]\n")).toBe(true);
  });

  it(
    "streams the same as SSE and as text, and answers as one document",
    verifies("chat"),
    async () => {
      const sse = await (
        await ask(here, { prompt: "a b" }, { accept: "text/event-stream" })
      ).text();
      expect(sse).toMatch(/^data: \{"token":"You[^"]*"\}\nid: gen-[0-9a-f-]{36}:\d+-\d+\n\n/);
      expect(sse).toMatch(
        /data: \{"done":true,"finishReason":"stop","usage":\{[^}]*\}\}\nid: \S+\n\ndata: \[DONE\]\n\n$/,
      );
      const text = await ask(here, { prompt: "a b" }, { accept: "text/plain" });
      expect([text.headers.get("content-type"), await text.text()]).toEqual([
        "text/plain; charset=utf-8",
        "You said: a b",
      ]);
      for (const [body, headers] of [
        [{ prompt: "a b", stream: false }, {}],
        [{ prompt: "a b" }, { accept: "application/json" }],
      ] as const) {
        const document = (await (await ask(here, body, headers)).json()) as Record<string, unknown>;
        expect(document).toMatchObject({
          state: "finished",
          model: "demo",
          text: "You said: a b",
          finishReason: "stop",
        });
        expect(
          await apiOf(there.url).json(`/api/v1/ai/chat/${String(document["generation"])}`),
        ).toEqual(document);
      }
    },
  );

  it(
    "cut at any byte and resumed on the other process, is complete and undoubled",
    verifies("chat-resume", "two-processes"),
    async () => {
      for (let round = 0; round < 25; round++) {
        const services = [here, there];
        let turn = round;
        const next = () => new URL(services[turn++ % 2]!.url);
        let left = 3;
        await using proxy = await CuttingProxy.start(next, () =>
          left-- > 0 ? 600 + Math.floor(Math.random() * 2_500) : Infinity,
        );
        const received: ChatLine[] = [];
        let generation: string | undefined;
        let done = false;
        while (!done) {
          const cursor = received.at(-1)?.id;
          try {
            const response: Response = generation
              ? await fetch(`${proxy.url}/api/v1/ai/chat/${generation}/stream`, {
                  headers: cursor ? { "last-event-id": cursor } : {},
                })
              : await apiOf(proxy.url).post(
                  "/api/v1/ai/chat",
                  { prompt: PROMPT },
                  { "idempotency-key": `cut-${round}` },
                );
            expect(response.ok).toBe(true);
            if (response.status === 204) break;
            generation = response.headers.get("x-generation-id")!;
            let rest = "";
            for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
              const lines = (rest + text).split("\n");
              rest = lines.pop()!;
              received.push(...linesOf(lines.join("\n")));
              if (lines.includes("[DONE]")) done = true;
            }
            // A clean end is a finished answer, and nothing else.
            expect(done).toBe(true);
          } catch (error) {
            if (!(error instanceof TypeError)) throw error;
          }
        }
        expect(textOf(received)).toBe(ANSWER);
        expect(new Set(received.map(({ id }) => id)).size).toBe(received.length);
        expect(received.at(-1)).toMatchObject({ done: true });
      }
    },
  );

  it(
    "resumed after its end: the rest by cursor, and 204 when there is none",
    verifies("chat-resume"),
    async () => {
      const response = await ask(here, { prompt: "one two three" });
      const lines = linesOf(await response.text());
      const url = `${there.url}/api/v1/ai/chat/${response.headers.get("x-generation-id")}/stream`;
      // Who shows no cursor gets what was said in one piece, standing where the last of its tokens stood.
      const late = linesOf(await (await fetch(url)).text());
      expect(late).toEqual([{ id: lines.at(-2)!.id, token: textOf(lines) }, { ...lines.at(-1) }]);
      const rest = await fetch(url, { headers: { "last-event-id": lines[1]!.id } });
      expect(linesOf(await rest.text())).toEqual(lines.slice(2));
      expect((await fetch(`${url}?last_event_id=${lines.at(-1)!.id}`)).status).toBe(204);
      expect((await fetch(`${there.url}/api/v1/ai/chat/gen-unknown/stream`)).status).toBe(404);
    },
  );

  it(
    "stopped on the other process, ends with what was said, and stays stopped",
    verifies("chat-stop"),
    async () => {
      const response = await ask(here, { prompt: PROMPT.repeat(20) });
      const generation = response.headers.get("x-generation-id")!;
      const reading = response.text();
      const api = apiOf(there.url);
      await eventually(
        async () => String((await api.json(`/api/v1/ai/chat/${generation}`))["text"]).length > 50,
      );
      const stopped = (await (
        await api.post(`/api/v1/ai/chat/${generation}/stop`, "")
      ).json()) as Record<string, unknown>;
      expect(stopped).toMatchObject({ state: "stopped", finishReason: "stopped" });
      const lines = linesOf(await reading);
      expect(lines.at(-1)).toMatchObject({ done: true, finishReason: "stopped" });
      expect(textOf(lines)).toBe(stopped["text"]);
      expect(PROMPT.repeat(20).length).toBeGreaterThan(textOf(lines).length);
      expect(await (await api.post(`/api/v1/ai/chat/${generation}/stop`, "")).json()).toEqual(
        stopped,
      );
    },
  );

  it(
    "repeated under its key attaches, on any process and at the same time; another body is refused",
    verifies("chat-idempotent"),
    async () => {
      const key = { "idempotency-key": "the same" };
      const answers = await Promise.all(
        [here, there, here, there].map((service) => ask(service, { prompt: "once" }, key)),
      );
      const refused = await ask(here, { prompt: "twice" }, key);
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ field: "Idempotency-Key" });
      await Promise.all(answers.map((answer) => answer.text()));
      const good = { "idempotency-key": "the-same" };
      const four = await Promise.all(
        [here, there, here, there].map((service) => ask(service, { prompt: "once" }, good)),
      );
      expect(new Set(four.map(({ headers }) => headers.get("x-generation-id"))).size).toBe(1);
      const texts = await Promise.all(four.map((answer) => answer.text()));
      expect(new Set(texts).size).toBe(1);
      expect((await ask(there, { prompt: "twice" }, good)).status).toBe(422);
    },
  );

  it("goes on after Redis has been away, complete", verifies("chat-outage"), async () => {
    const response = await ask(here, { prompt: PROMPT.repeat(3) });
    const reading = response.text();
    const generation = response.headers.get("x-generation-id")!;
    await eventually(
      async () =>
        String((await apiOf(there.url).json(`/api/v1/ai/chat/${generation}`))["text"]).length > 50,
    );
    await redis.kill();
    await eventually(async () => (await apiOf(here.url).metric("streaming_redis_up")) === 0);
    await redis.start();
    const lines = linesOf(await reading);
    expect(textOf(lines)).toBe(`You said: ${PROMPT.repeat(3)}`);
    expect(lines.at(-1)).toMatchObject({ done: true, finishReason: "stop" });
  });

  it(
    "unfinished when the process shuts down, is cut and not ended",
    verifies("chat-unfinished", "shutdown"),
    async () => {
      await using service = await ServiceProcess.start({
        REDIS_URL: redis.url,
        AI_DEMO_DELAY: "50ms",
        DRAIN_WINDOW: "500ms",
      });
      const body = JSON.stringify({ prompt: PROMPT });
      using client = new RawClient(service.url);
      client.send(
        `POST /api/v1/ai/chat HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      await client.until('"token":"');
      const generation = /x-generation-id: (\S+)/.exec(client.text)![1]!;
      expect(await service.stop()).toBe(0);
      await eventually(() => client.ended);
      expect(client.text).not.toContain("[DONE]");
      expect(client.text).not.toMatch(/\r\n0\r\n\r\n$/);
      // The generation itself ends honestly, for whoever reads it elsewhere.
      const snapshot = await apiOf(here.url).json(`/api/v1/ai/chat/${generation}`);
      expect(snapshot).toMatchObject({
        state: "failed",
        finishReason: "error",
        error: { code: "interrupted", retryable: true },
      });
    },
  );
});
