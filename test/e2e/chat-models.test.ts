import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { ServiceProcess } from "../support/service-process.ts";
import {
  type Behaviour,
  chunk,
  frame,
  refuses,
  says,
  sends,
  stalls,
  streams,
  Upstream,
} from "../support/upstream.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

interface Snapshot {
  generation: string;
  state: string;
  model: string;
  text: string;
  finishReason: string;
  error?: { code: string; message: string; retryable: boolean };
}

const KEY = "sk-very-secret-4711";
const OTHER_KEY = "sk-quite-another-0815";
const HELLO = chunk({ content: "Hello" });

describe("chat with real models", () => {
  let ollama: Upstream;
  let openai: Upstream;
  let service: ServiceProcess;
  beforeAll(async () => {
    [ollama, openai] = await Promise.all([Upstream.start(), Upstream.start()]);
    service = await ServiceProcess.start({
      LOG_LEVEL: "trace",
      AI_BASE_URL: ollama.url,
      AI_API_KEY: KEY,
      AI_MODEL: "llama3.2:latest,qwen/qwen3",
      AI_MODELS: JSON.stringify({
        best: { baseUrl: openai.url, model: "gpt-5", apiKeyEnv: "OTHER_KEY" },
      }),
      OTHER_KEY,
      CHAT_FIRST_TOKEN_TIMEOUT: "700ms",
      CHAT_IDLE_TIMEOUT: "700ms",
    });
  });
  afterAll(async () => {
    for (const resource of [service, ollama, openai]) await resource[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    for (const upstream of [ollama, openai]) upstream.requests.length = 0;
  });
  const post = (body: object) => apiOf(service.url).post("/api/v1/ai/chat", body);
  const ask = async (body: object): Promise<Snapshot> => {
    const response = await post({ stream: false, ...body });
    expect(response.status).toBe(200);
    return (await response.json()) as Snapshot;
  };

  it(
    "asks each model at its endpoint, by its own name and with its own key",
    verifies("model-choice", "model-request"),
    async () => {
      const messages = [
        { role: "system", content: "Be brief." },
        { role: "user", content: "你好" },
        { role: "assistant", content: "Hello" },
        { role: "user", content: "Go on" },
      ];
      const answer = await ask({ messages, maxTokens: 77, temperature: 0.3 });
      expect(answer).toMatchObject({
        state: "finished",
        model: "llama3.2:latest",
        text: "Hello, world",
        finishReason: "stop",
        usage: { inputTokens: 7, outputTokens: 2 },
      });
      expect(ollama.requests).toMatchObject([
        { path: "/v1/chat/completions", headers: { authorization: `Bearer ${KEY}` } },
      ]);
      expect(ollama.requests[0]!.body).toEqual({
        model: "llama3.2:latest",
        messages,
        max_tokens: 77,
        temperature: 0.3,
        stream: true,
        stream_options: { include_usage: true },
      });
      expect(await ask({ prompt: "a", model: "qwen/qwen3" })).toMatchObject({
        model: "qwen/qwen3",
      });
      expect(ollama.requests[1]!.body).toMatchObject({ model: "qwen/qwen3" });
      expect(await ask({ prompt: "a", model: "best" })).toMatchObject({ model: "best" });
      expect(openai.requests).toMatchObject([
        { headers: { authorization: `Bearer ${OTHER_KEY}` }, body: { model: "gpt-5" } },
      ]);
      expect(await ask({ prompt: "a", model: "demo" })).toMatchObject({ text: "You said: a" });
      expect(ollama.requests.length).toBe(2);
    },
  );

  it(
    "refuses an unknown model by a 400 that names those there are",
    verifies("model-choice"),
    async () => {
      const response = await post({ prompt: "a", model: "gpt-5" });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        code: "unknown-model",
        field: "model",
        detail: 'There is no model "gpt-5". There is: llama3.2:latest, qwen/qwen3, best, demo.',
      });
      expect([...ollama.requests, ...openai.requests]).toEqual([]);
    },
  );

  it(
    "asks a single default where only AI_MODELS is set, or demo where told",
    verifies("model-choice"),
    async () => {
      const AI_MODELS = JSON.stringify({ best: { baseUrl: openai.url } });
      await using table = await ServiceProcess.start({ AI_MODELS });
      await using demo = await ServiceProcess.start({ AI_MODELS, AI_DEFAULT_MODEL: "demo" });
      const asked = { prompt: "a", stream: false };
      for (const [{ url }, model] of [
        [table, "best"],
        [demo, "demo"],
      ] as const)
        expect(await (await apiOf(url).post("/api/v1/ai/chat", asked)).json()).toMatchObject({
          model,
        });
      expect(openai.requests).toMatchObject([{ body: { model: "best" } }]);
    },
  );

  it(
    "shows the first token while the model goes on, and cancels it at a stop",
    verifies("model-cancel"),
    async () => {
      ollama.next(sends(HELLO, "stall"));
      const response = await post({ prompt: "a" });
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      expect((await reader.read()).value).toContain('"token":"Hello"');
      const generation = response.headers.get("x-generation-id")!;
      const stopped = await apiOf(service.url).post(`/api/v1/ai/chat/${generation}/stop`, "");
      expect(await stopped.json()).toMatchObject({ state: "stopped", text: "Hello" });
      await eventually(() => ollama.requests[0]!.aborted);
      await reader.cancel();
    },
  );

  it(
    "gives up a model that does not begin, or falls silent, and cancels it",
    verifies("model-deadlines"),
    async () => {
      ollama.next(stalls, sends(HELLO, "stall"), sends(": still busy\n\n", "stall"));
      for (const [code, text] of [
        ["model-first-token-timeout", ""],
        ["model-idle-timeout", "Hello"],
        ["model-first-token-timeout", ""],
      ] as const) {
        expect(await ask({ prompt: "a" })).toMatchObject({
          state: "failed",
          finishReason: "error",
          text,
          error: { code, retryable: true },
        });
        await eventually(() => ollama.requests.at(-1)!.aborted);
      }
    },
  );

  const FAILURES: [string, Behaviour, object][] = [
    [
      "401",
      refuses(401, { message: `Bad key ${KEY}` }),
      { code: "model-unauthorised", retryable: false },
    ],
    [
      "429",
      refuses(429, { message: "slow" }, { "retry-after": "7" }),
      { code: "model-rate-limited", retryable: true },
    ],
    ["400", refuses(400, { message: `No: ${KEY}` }), { code: "model-refused", retryable: false }],
    ["500", refuses(500, `<html>${KEY}`), { code: "model-unavailable", retryable: true }],
    ["no answer", (response) => void response.destroy(), { code: "model-unavailable" }],
    ["a cut", sends(HELLO, "cut"), { code: "model-broken", retryable: true }],
    ["no finish", sends(HELLO, "end"), { code: "model-broken", retryable: true }],
    ["garbage", sends(`${HELLO}data: {${KEY}\n\n`, "stall"), { code: "model-broken" }],
    [
      "an error",
      sends(HELLO + frame({ error: { message: KEY } }), "stall"),
      { code: "model-failed" },
    ],
  ];
  it(
    "ends an answer whose provider fails with a typed error",
    verifies("model-errors"),
    async () => {
      for (const [what, behaviour, error] of FAILURES) {
        ollama.requests.length = 0;
        ollama.next(behaviour);
        const text = await (await post({ prompt: "a" })).text();
        const lines = text.split("\n").filter((line) => line.startsWith("{"));
        const documents = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
        expect(documents.at(-2), what).toMatchObject({ error });
        expect(documents.at(-1), what).toMatchObject({ done: true, finishReason: "error" });
        expect(text).not.toContain(KEY);
        expect(text).not.toContain(new URL(ollama.url).host);
        expect(ollama.requests.length, what).toBe(1);
      }
    },
  );

  it(
    "passes reasoning and calls of tools on, and fails by none of them",
    verifies("model-tools"),
    async () => {
      const call = {
        index: 0,
        id: "c1",
        type: "function",
        function: { name: "f", arguments: "{}" },
      };
      ollama.next(
        streams(
          [{ reasoning_content: "Hm" }, { content: "Hi" }, { tool_calls: [call] }],
          "tool_calls",
        ),
      );
      expect(await ask({ prompt: "a" })).toMatchObject({
        state: "finished",
        text: "Hi",
        finishReason: "tool-calls",
      });
    },
  );

  it("keeps keys and what providers say out of its log", verifies("model-secrets"), async () => {
    ollama.next(refuses(401, { message: `Bad key ${KEY}` }), says("fine"));
    expect(await ask({ prompt: "a" })).toMatchObject({ error: { code: "model-unauthorised" } });
    expect(await ask({ prompt: "a" })).toMatchObject({ text: "fine" });
    await eventually(() => service.output.includes("Bad key [key]"));
    expect(service.output).toContain('"code":"model-unauthorised"');
    for (const secret of [KEY, OTHER_KEY, "Bearer", "AI SDK"])
      expect(service.output).not.toContain(secret);
    const shown = service.output
      .split("\n")
      .filter((line) => line.startsWith("{") && (JSON.parse(line) as { level: number }).level >= 30)
      .join("\n");
    expect(shown).toContain("a model failed");
    for (const told of ["Bad key", new URL(ollama.url).host, "<html>", "Hello"])
      expect(shown).not.toContain(told);
    // What no promise of the SDK's may do: reject unheard, and end the process.
    expect(service.child.exitCode).toBeNull();
  });

  it(
    "names at start what is wrong, and no key",
    verifies("model-choice", "model-secrets"),
    async () => {
      const wrong = { AI_BASE_URL: "localhost", AI_API_KEY: `${KEY} ${KEY}`, AI_MODEL: "demo" };
      const { status, stderr } = spawnSync(process.execPath, ["dist/main.js"], {
        env: { ...wrong, PORT: "0" },
        encoding: "utf8",
        timeout: 10_000,
      });
      expect(status).toBe(1);
      expect(stderr).toMatch(/AI_BASE_URL: expected an address.*AI_API_KEY: expected a key/s);
      expect(stderr).not.toContain(KEY);
    },
  );
});
