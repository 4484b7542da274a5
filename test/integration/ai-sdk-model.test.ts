import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AiSdkModel } from "../../src/chat/models/ai-sdk-model.ts";
import { ModelError } from "../../src/chat/models/model-error.ts";
import type { ModelPart, ModelRequest } from "../../src/chat/models/model.ts";
import type { ModelSettings } from "../../src/chat/models/model-settings.ts";
import { freePort } from "../support/net.ts";
import {
  begin,
  type Behaviour,
  chunk,
  DONE,
  frame,
  refuses,
  says,
  sends,
  stalls,
  streams,
  Upstream,
} from "../support/upstream.ts";
import { recordingLogger } from "../support/recording-logger.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const KEY = "sk-very-secret-4711";
const ASKED: ModelRequest = { messages: [{ role: "user", content: "Hi" }], maxTokens: 100 };
const never = () => new AbortController().signal;

describe("a model behind an OpenAI-compatible endpoint", () => {
  let upstream: Upstream;
  const { logger, text: logged } = recordingLogger();
  beforeAll(async () => (upstream = await Upstream.start()));
  afterAll(() => upstream[Symbol.asyncDispose]());
  beforeEach(() => {
    upstream.requests.length = 0;
  });

  const modelOf = (settings: Partial<ModelSettings> = {}) =>
    new AiSdkModel(
      {
        name: "ours",
        baseUrl: upstream.url,
        model: "theirs",
        apiKey: KEY,
        maxTokensMember: "max_tokens",
        ...settings,
      },
      logger,
    );
  const answer = async (request: ModelRequest = ASKED, model = modelOf(), signal = never()) => {
    const parts: ModelPart[] = [];
    for await (const part of model.stream(request, signal)) parts.push(part);
    return parts;
  };
  const failure = async (behaviour: Behaviour): Promise<ModelError> => {
    upstream.next(behaviour);
    const error: unknown = await answer().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ModelError);
    return error as ModelError;
  };

  it(
    "is sent the conversation, the parameters and the key",
    verifies("model-request"),
    async () => {
      const parts = await answer({
        ...ASKED,
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "你好" },
          { role: "assistant", content: "Hello" },
          { role: "user", content: "Go on" },
        ],
        maxTokens: 77,
        temperature: 0.3,
        topP: 0.9,
        presencePenalty: 0.5,
        frequencyPenalty: -0.5,
        seed: 42,
        stop: ["END"],
      });
      expect(parts).toEqual([
        { type: "text", text: "Hello" },
        { type: "text", text: ", world" },
        { type: "finish", reason: "stop", usage: { inputTokens: 7, outputTokens: 2 } },
      ]);
      const [request, ...more] = upstream.requests;
      expect(more).toEqual([]);
      expect(request).toMatchObject({
        method: "POST",
        path: "/v1/chat/completions",
        headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      });
      expect(request!.body).toEqual({
        model: "theirs",
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "你好" },
          { role: "assistant", content: "Hello" },
          { role: "user", content: "Go on" },
        ],
        max_tokens: 77,
        temperature: 0.3,
        top_p: 0.9,
        presence_penalty: 0.5,
        frequency_penalty: -0.5,
        seed: 42,
        stop: ["END"],
        stream: true,
        stream_options: { include_usage: true },
      });
    },
  );

  it(
    "is sent nothing that was not given, and the limit under the name that it knows",
    verifies("model-request"),
    async () => {
      await answer(ASKED, modelOf({ apiKey: undefined, maxTokensMember: "max_completion_tokens" }));
      const [request] = upstream.requests;
      expect(request!.headers).not.toHaveProperty("authorization");
      expect(request!.body).toEqual({
        model: "theirs",
        messages: [{ role: "user", content: "Hi" }],
        max_completion_tokens: 100,
        stream: true,
        stream_options: { include_usage: true },
      });
    },
  );

  it("is sent tools, calls and their results", verifies("model-tools"), async () => {
    const parameters = {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    };
    await answer({
      messages: [
        { role: "user", content: "Weather?" },
        {
          role: "assistant",
          content: "",
          toolCalls: [
            { toolCallId: "c1", toolName: "weather", input: '{"city":"Rom"}' },
            { toolCallId: "c2", toolName: "weather", input: "no JSON" },
          ],
        },
        { role: "tool", toolCallId: "c1", toolName: "weather", content: "sunny" },
        { role: "tool", toolCallId: "c2", toolName: "weather", content: '{"error":"what?"}' },
      ],
      maxTokens: 5,
      tools: [{ name: "weather", description: "Tells the weather.", parameters }],
      toolChoice: { toolName: "weather" },
    });
    expect(upstream.requests[0]!.body).toMatchObject({
      messages: [
        { role: "user", content: "Weather?" },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            {
              id: "c1",
              type: "function",
              function: { name: "weather", arguments: '{"city":"Rom"}' },
            },
            { id: "c2", type: "function", function: { name: "weather", arguments: '"no JSON"' } },
          ],
        },
        { role: "tool", tool_call_id: "c1", content: "sunny" },
        { role: "tool", tool_call_id: "c2", content: '{"error":"what?"}' },
      ],
      tools: [
        {
          type: "function",
          function: { name: "weather", description: "Tells the weather.", parameters },
        },
      ],
      tool_choice: { type: "function", function: { name: "weather" } },
    });
  });

  it(
    "says reasoning, text and calls of tools, and runs none",
    verifies("model-tools"),
    async () => {
      const call = (fields: object) => ({ tool_calls: [fields] });
      upstream.next(
        streams(
          [
            { reasoning_content: "Hm" },
            { content: "Let me see." },
            call({
              index: 0,
              id: "c1",
              type: "function",
              function: { name: "weather", arguments: "" },
            }),
            call({ index: 0, function: { arguments: '{"city":' } }),
            call({ index: 0, function: { arguments: '"Rom"}' } }),
            call({
              index: 1,
              id: "c2",
              type: "function",
              function: { name: "weather", arguments: '{"city":"Bern"}' },
            }),
            call({
              index: 2,
              id: "c3",
              type: "function",
              function: { name: "now", arguments: "" },
            }),
          ],
          "tool_calls",
        ),
      );
      const parts = await answer({
        ...ASKED,
        tools: [{ name: "weather", parameters: { type: "object" } }],
      });
      const of = (type: ModelPart["type"]) => parts.filter((part) => part.type === type);
      expect(parts.slice(0, 2)).toEqual([
        { type: "reasoning", text: "Hm" },
        { type: "text", text: "Let me see." },
      ]);
      expect(of("tool-input-start")).toMatchObject([
        { toolCallId: "c1", toolName: "weather" },
        { toolCallId: "c2", toolName: "weather" },
        { toolCallId: "c3", toolName: "now" },
      ]);
      expect(of("tool-input-delta").filter((part) => "text" in part && part.text !== "")).toEqual([
        { type: "tool-input-delta", toolCallId: "c1", text: '{"city":' },
        { type: "tool-input-delta", toolCallId: "c1", text: '"Rom"}' },
        { type: "tool-input-delta", toolCallId: "c2", text: '{"city":"Bern"}' },
      ]);
      expect(of("tool-call")).toEqual([
        { type: "tool-call", toolCallId: "c1", toolName: "weather", input: '{"city":"Rom"}' },
        { type: "tool-call", toolCallId: "c2", toolName: "weather", input: '{"city":"Bern"}' },
        { type: "tool-call", toolCallId: "c3", toolName: "now", input: "{}" },
      ]);
      expect(of("finish")).toMatchObject([{ reason: "tool-calls" }]);
    },
  );

  it(
    "says a call's input as it came, even where that is no JSON",
    verifies("model-tools"),
    async () => {
      for (const input of ['{"city": "Rom" }', '{"city":', '{"__proto__":1}', "[1e2]"]) {
        const name = "weather";
        const begun = { index: 0, id: "c1", type: "function", function: { name, arguments: "" } };
        const more = { index: 0, function: { arguments: input } };
        upstream.next(streams([{ tool_calls: [begun] }, { tool_calls: [more] }], "tool_calls"));
        const parts = await answer({ ...ASKED, tools: [{ name, parameters: { type: "object" } }] });
        expect(parts.filter(({ type }) => type === "tool-call")).toEqual([
          { type: "tool-call", toolCallId: "c1", toolName: name, input },
        ]);
      }
    },
  );

  it(
    "tells why it ended, and no usage where it is told none",
    verifies("model-request"),
    async () => {
      for (const [said, reason] of [
        ["length", "length"],
        ["content_filter", "content-filter"],
        ["eos", "stop"],
        ["STOP", "stop"],
        ["end_turn", "stop"],
        ["stop_sequence", "stop"],
        ["MAX_TOKENS", "length"],
        ["tool_use", "tool-calls"],
        ["safety", "content-filter"],
      ] as const) {
        upstream.next(sends(chunk({ content: "a" }) + chunk({}, said) + DONE, "end"));
        expect((await answer()).at(-1)).toEqual({ type: "finish", reason, usage: undefined });
      }
    },
  );

  it("tells no usage of which it is told a part alone", verifies("model-usage"), async () => {
    for (const usage of [{ prompt_tokens: 3 }, { completion_tokens: 3 }, {}]) {
      const told = frame({ choices: [], usage });
      upstream.next(sends(chunk({ content: "a" }) + chunk({}, "stop") + told + DONE, "end"));
      expect((await answer()).at(-1)).toMatchObject({ reason: "stop", usage: undefined });
    }
  });

  const REFUSALS: [number, object | string, Record<string, string>, object][] = [
    [
      401,
      { message: `Incorrect API key provided: ${KEY}`, code: "invalid_api_key" },
      {},
      { code: "model-unauthorised" },
    ],
    [403, "<html>forbidden</html>", {}, { code: "model-unauthorised" }],
    [
      429,
      { message: "slow down" },
      { "retry-after": "7" },
      { code: "model-rate-limited", retryAfterMs: 7_000 },
    ],
    [
      429,
      { message: "slow down" },
      { "retry-after": "1", "retry-after-ms": "250" },
      { code: "model-rate-limited", retryAfterMs: 250 },
    ],
    [429, "slow down", {}, { code: "model-rate-limited", retryAfterMs: undefined }],
    [
      400,
      { message: "This model's maximum context length is 4096 tokens." },
      {},
      { code: "model-refused", message: "The conversation is too long for the model." },
    ],
    [
      404,
      { message: "no such model" },
      {},
      { code: "model-refused", message: "The model's provider does not have the model." },
    ],
    [422, { message: `what is ${KEY}` }, {}, { code: "model-refused" }],
    [302, "", { location: "http://127.0.0.1:9/" }, { code: "model-failed" }],
    [500, { message: "boom" }, {}, { code: "model-unavailable" }],
    [
      503,
      "<html>gateway</html>",
      { "retry-after": "2" },
      { code: "model-unavailable", retryAfterMs: 2_000 },
    ],
  ];
  it("that refuses gives a typed error, once asked", verifies("model-errors"), async () => {
    for (const [status, said, headers, expected] of REFUSALS) {
      upstream.requests.length = 0;
      const error = await failure(refuses(status, said, headers));
      expect(error).toMatchObject(expected);
      expect(upstream.requests.length).toBe(1);
    }
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    const { retryAfterMs } = await failure(refuses(429, "", { "retry-after": inAMinute }));
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it("that cannot be reached is unavailable", verifies("model-errors"), async () => {
    const nobody = modelOf({ baseUrl: `http://127.0.0.1:${await freePort()}/v1` });
    await expect(answer(ASKED, nobody)).rejects.toMatchObject({ code: "model-unavailable" });
    const error = await failure((response) => void response.destroy());
    expect(error).toMatchObject({ code: "model-unavailable" });
  });

  const HELLO = chunk({ content: "Hello" });
  const BREAKS: [string, Behaviour][] = [
    ["cut in mid-stream", sends(HELLO, "cut")],
    ["cut within a line", sends(`${HELLO}data: {"cho`, "cut")],
    ["ended without a finish", sends(HELLO, "end")],
    ["ended with [DONE] alone", sends(HELLO + DONE, "end")],
    ["without anything", sends("", "end")],
    ["a head and a cut", sends(": wait\n\n", "cut")],
    ["a web page", sends("<html><body>welcome</body></html>", "end")],
    ["no JSON, and open", sends(`${HELLO}data: {nonsense\n\n`, "stall")],
    ["JSON of another kind", sends(`${HELLO}data: {"choices":"none"}\n\n`, "stall")],
    ["an empty body", (response) => void response.writeHead(200).end()],
  ];
  it(
    "whose stream breaks or is garbage says so, and is let go",
    verifies("model-errors"),
    async () => {
      for (const [what, behaviour] of BREAKS) {
        const error = await failure(behaviour);
        expect(error.code, what).toBe("model-broken");
      }
      await eventually(
        () => upstream.requests.at(-2)!.aborted && upstream.requests.at(-3)!.aborted,
      );
    },
  );

  it(
    "whose finish reason is a failure, or nobody knows it, is broken, and its word is in the log alone",
    verifies("model-errors"),
    async () => {
      for (const said of ["error", "insufficient_system_resource", "network_error", "", "stop!"]) {
        const error = await failure(sends(HELLO + chunk({}, said) + DONE, "end"));
        expect(error, said).toMatchObject({ code: "model-broken" });
        expect(`${error.stack} ${String(error.cause)}`).not.toContain("insufficient");
      }
      expect(logged()).toContain("insufficient_system_resource");
    },
  );

  it("that errs in mid-stream gives the error's code", verifies("model-errors"), async () => {
    for (const [error, code] of [
      [{ message: "boom", type: "server_error" }, "model-failed"],
      [{ message: "slow", type: "rate_limit_error" }, "model-rate-limited"],
      [{ message: "slow", code: 429 }, "model-rate-limited"],
      [{ message: "gone", code: 502 }, "model-unavailable"],
      [{ message: `maximum context length, ${KEY}` }, "model-refused"],
    ] as const) {
      expect(await failure(sends(HELLO + frame({ error }), "stall"))).toMatchObject({ code });
    }
  });

  it(
    "keeps its key and its address from errors and from the log",
    verifies("model-secrets"),
    async () => {
      const host = new URL(upstream.url).host;
      for (const behaviour of [
        ...REFUSALS.map(([status, said, headers]) => refuses(status, said, headers)),
        ...BREAKS.map(([, broken]) => broken),
      ]) {
        const error = await failure(behaviour);
        let shown = "";
        for (let inner: unknown = error; inner instanceof Error; inner = inner.cause)
          shown += `${inner.stack} ${JSON.stringify(inner)}`;
        expect(shown).not.toContain(KEY);
        expect(shown).not.toContain(host);
        expect(shown).not.toMatch(/slow down|boom|no such model|html/);
      }
      expect(logged()).toContain("Incorrect API key provided: [key]");
      expect(logged()).not.toContain(KEY);
    },
  );

  it(
    "is cancelled by the signal, whatever its reason, and by who leaves",
    verifies("model-cancel"),
    async () => {
      for (const [behaviour, reason] of [
        [stalls, undefined],
        [stalls, "a text"],
        [sends(HELLO, "stall"), "a text"],
        [sends(HELLO, "stall"), new DOMException("stopped", "AbortError")],
      ] as const) {
        upstream.requests.length = 0;
        const abort = new AbortController();
        upstream.next(behaviour);
        const answering = answer(ASKED, modelOf(), abort.signal);
        const thrown = answering.catch((error: unknown) => error);
        await eventually(() => upstream.requests.length === 1);
        abort.abort(reason);
        expect(await thrown).toMatchObject({ name: "AbortError" });
        await eventually(() => upstream.requests[0]!.aborted);
      }
      upstream.next((response) => {
        begin(response);
        response.write(HELLO + HELLO);
      });
      for await (const part of modelOf().stream(ASKED, never())) {
        expect(part).toEqual({ type: "text", text: "Hello" });
        break;
      }
      await eventually(() => upstream.requests.at(-1)!.aborted);
      upstream.requests.length = 0;
      await expect(answer(ASKED, modelOf(), AbortSignal.abort("early"))).rejects.toMatchObject({
        name: "AbortError",
      });
      expect(upstream.requests).toEqual([]);
    },
  );

  it("answers many at once, each its own", verifies("model-request"), async () => {
    upstream.usual = (response, { body }) => {
      const [{ content }] = body["messages"] as [{ content: string }];
      return says(...content.split(" "))(response, upstream.requests.at(-1)!);
    };
    const texts = Array.from({ length: 50 }, (_, i) => `a${i} b${i} c${i}`);
    const answers = await Promise.all(
      texts.map((content) => answer({ ...ASKED, messages: [{ role: "user", content }] })),
    );
    const said = answers.map((parts) =>
      parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(" "),
    );
    expect(said).toEqual(texts);
  });
});
