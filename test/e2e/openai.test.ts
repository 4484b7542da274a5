import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { connectOpenAi, OPENAI_CLIENTS, says } from "../support/openai-clients.ts";
import { TestRedis } from "../support/redis.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { verifies } from "../support/verifies.ts";

type Chunk = OpenAI.ChatCompletionChunk;
type Tool = OpenAI.ChatCompletionFunctionTool;

const WEATHER: Tool = {
  type: "function",
  function: {
    name: "weather",
    parameters: { type: "object", properties: { city: { type: "string" } } },
  },
};

async function all(stream: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}
const textOf = (chunks: readonly Chunk[]): string =>
  chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
/** Which is no member of theirs, and yet what everybody calls it. */
const reasoningOf = (message: object | undefined): string =>
  message && "reasoning_content" in message ? String(message.reasoning_content) : "";

describe("what speaks OpenAI's API", () => {
  let redis: TestRedis;
  let here: ServiceProcess;
  let there: ServiceProcess;
  beforeAll(async () => {
    redis = await TestRedis.start();
    const environment = { REDIS_URL: redis.url, AI_DEMO_DELAY: "2ms", HEARTBEAT_INTERVAL: "50ms" };
    [here, there] = await Promise.all([
      ServiceProcess.start(environment),
      ServiceProcess.start(environment),
    ]);
  });
  afterAll(async () => {
    for (const resource of [here, there, redis]) await resource[Symbol.asyncDispose]();
  });

  describe.each(OPENAI_CLIENTS)("%s", (_, Client) => {
    const client = (options = {}) => connectOpenAi(Client, here.url, options).client;

    it("streams, and gets the usage where it asks", verifies("openai-clients"), async () => {
      const stream = await client().chat.completions.create({
        model: "demo",
        messages: says("one, two 三"),
        stream: true,
        stream_options: { include_usage: true },
      });
      const chunks = await all(stream);
      expect(textOf(chunks)).toBe("You said: one, two 三");
      expect(chunks[0]!.choices[0]!.delta).toEqual({ role: "assistant", content: "" });
      expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe("stop");
      expect(chunks.at(-1)).toMatchObject({
        choices: [],
        usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
      });
      const heads = chunks.map(({ id, model, created }) => `${id} ${model} ${created}`);
      expect(new Set(heads).size).toBe(1);
      expect(Math.abs(chunks[0]!.created - Date.now() / 1_000)).toBeLessThan(60);
    });

    it("streams without usage where it does not ask", verifies("openai-clients"), async () => {
      const chunks = await all(
        await client().chat.completions.create({
          model: "demo",
          messages: says("a"),
          stream: true,
        }),
      );
      expect(chunks.filter((chunk) => "usage" in chunk)).toEqual([]);
      expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe("stop");
    });

    it("gets one document, bounded by max_tokens", verifies("openai-clients"), async () => {
      const ask = (rest = {}) =>
        client().chat.completions.create({ model: "demo", messages: says("one two"), ...rest });
      const { choices, usage, object } = await ask();
      expect(object).toBe("chat.completion");
      expect(choices).toMatchObject([
        { message: { role: "assistant", content: "You said: one two" }, finish_reason: "stop" },
      ]);
      expect(usage).toEqual({ prompt_tokens: 2, completion_tokens: 4, total_tokens: 6 });
      for (const limit of [{ max_tokens: 3 }, { max_completion_tokens: 3, max_tokens: 3 }]) {
        const short = await ask(limit);
        expect(short.choices[0]).toMatchObject({
          message: { content: "You said: one" },
          finish_reason: "length",
        });
      }
    });

    it("puts a stream together by its own helper", verifies("openai-clients"), async () => {
      const runner = client().chat.completions.stream({
        model: "demo",
        messages: says("a b"),
        stream_options: { include_usage: true },
      });
      expect(await runner.finalContent()).toBe("You said: a b");
      expect(await runner.totalUsage()).toMatchObject({ completion_tokens: 4 });
    });

    it("is given reasoning, streamed or not", verifies("openai-clients"), async () => {
      const request = { model: "demo", messages: says("#!demo reason=3\nhi") };
      const chunks = await all(
        await client().chat.completions.create({ ...request, stream: true }),
      );
      const streamed = chunks.map(({ choices }) => reasoningOf(choices[0]?.delta)).join("");
      expect(streamed.length).toBeGreaterThan(3);
      expect(textOf(chunks)).toBe("You said: hi");
      const { choices } = await client().chat.completions.create(request);
      expect(reasoningOf(choices[0]!.message)).toBe(streamed);
      expect(choices[0]!.message.content).toBe("You said: hi");
    });

    it("calls a tool and answers it, streamed or not", verifies("openai-clients"), async () => {
      const request = {
        model: "demo",
        messages: says("#!demo tool=weather\nUlm"),
        tools: [WEATHER],
      };
      const runner = client().chat.completions.stream(request);
      const streamed = await runner.finalMessage();
      const { choices } = await client().chat.completions.create(request);
      expect(choices[0]!.finish_reason).toBe("tool_calls");
      for (const { tool_calls } of [streamed, choices[0]!.message]) {
        expect(tool_calls).toHaveLength(1);
        expect(tool_calls![0]).toMatchObject({ type: "function", function: { name: "weather" } });
        const call = tool_calls![0] as OpenAI.ChatCompletionMessageFunctionToolCall;
        expect(JSON.parse(call.function.arguments)).toBeTypeOf("object");
      }
      const { message } = choices[0]!;
      const answer = await client().chat.completions.create({
        model: "demo",
        messages: [
          ...says("What about Ulm?"),
          message,
          { role: "tool", tool_call_id: message.tool_calls![0]!.id, content: "rain" },
        ],
        tools: [WEATHER],
      });
      expect(answer.choices[0]!.message.content).toContain("Ulm");
    });

    it("is not disturbed by heartbeats", verifies("openai-clients", "heartbeats"), async () => {
      const messages = says("#!demo tokens=2 stall=300ms\na b");
      const body = { model: "demo", messages, stream: true } as const;
      const bytes = await apiOf(here.url).post("/v1/chat/completions", body);
      expect(await bytes.text()).toMatch(/\n\n(:hb\n)+id: /);
      const chunks = await all(await client().chat.completions.create(body));
      expect(textOf(chunks)).toMatch(/^1 2.*You said: a b$/);
    });

    it("asks as the user of its query", verifies("openai-request"), async () => {
      const { response } = await client({ query: { user: "ada" } })
        .chat.completions.create({ model: "demo", messages: says("hi"), user: "somebody" })
        .withResponse();
      const generation = response.headers.get("content-location")!;
      expect((await fetch(`${there.url}${generation}?user=ada`)).status).toBe(200);
      expect((await fetch(`${there.url}${generation}?user=somebody`)).status).toBe(404);
    });

    it("lists the models, and finds one", verifies("openai-clients"), async () => {
      const models: OpenAI.Model[] = [];
      for await (const model of client().models.list()) models.push(model);
      const demo = models.find(({ id }) => id === "demo")!;
      expect(demo).toMatchObject({ object: "model", owned_by: "novastream" });
      expect(await client().models.retrieve("demo")).toEqual(demo);
      await expect(client().models.retrieve("un/heard of")).rejects.toMatchObject({
        status: 404,
        code: "model_not_found",
      });
    });
  });

  it(
    "gives the same bytes on any process to whoever repeats a request under its key",
    verifies("openai-format", "two-processes"),
    async () => {
      const body = { model: "demo", messages: says("a b c d e f"), stream: true };
      const ask = (service: ServiceProcess) =>
        apiOf(service.url).post("/v1/chat/completions", body, { "idempotency-key": "same-bytes" });
      const answers = await Promise.all([here, there, there].map(ask));
      const [first, ...others] = await Promise.all(answers.map((answer) => answer.text()));
      expect(first).toMatch(/^id: \d+-1\ndata: .*\n\ndata: \[DONE\]\n\n$/s);
      for (const other of [...others, await (await ask(there)).text()]) expect(other).toBe(first);
      expect(new Set(answers.map(({ headers }) => headers.get("x-generation-id"))).size).toBe(1);
    },
  );

  it(
    "is decided by the body's stream, whatever is accepted",
    verifies("openai-format"),
    async () => {
      const ask = async (stream: boolean | undefined, accept: string) => {
        const body = { messages: says("a"), stream };
        const answer = await apiOf(here.url).post("/v1/chat/completions", body, { accept });
        await answer.text();
        return answer.headers.get("content-type");
      };
      for (const accept of ["application/json", "text/event-stream", "*/*"]) {
        expect(await ask(true, accept)).toBe("text/event-stream");
        expect(await ask(false, accept)).toBe("application/json");
        expect(await ask(undefined, accept)).toBe("application/json");
      }
    },
  );

  it(
    "may be asked by pages of allowed origins, with the client's own headers",
    verifies("openai-clients"),
    async () => {
      const origin = "https://app.example.com";
      await using service = await ServiceProcess.start({ CORS_ORIGINS: origin });
      const asked = "authorization, content-type, x-stainless-lang, x-stainless-retry-count";
      const url = `${service.url}/v1/chat/completions`;
      const preflight = await fetch(url, {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": asked,
        },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get("access-control-allow-origin")).toBe(origin);
      const allowed = preflight.headers.get("access-control-allow-headers")!.split(/, ?/);
      expect(allowed).toEqual(asked.split(", "));
      const refused = await fetch(url, { method: "POST", headers: { origin }, body: "{}" });
      expect(refused.status).toBe(400);
      expect(refused.headers.get("access-control-expose-headers")).toMatch(/X-Should-Retry/);
      const elsewhere = { origin: "https://elsewhere.example" };
      const other = await fetch(`${service.url}/v1/models`, { headers: elsewhere });
      expect(other.headers.get("access-control-allow-origin")).toBeNull();
    },
  );
});
