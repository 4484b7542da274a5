import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { connectOpenAi, OPENAI_CLIENTS, says } from "../support/openai-clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import {
  begin,
  chunk,
  DONE,
  refuses,
  says as answers,
  sends,
  Upstream,
} from "../support/upstream.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

describe("between a client and a real endpoint", () => {
  let upstream: Upstream;
  let service: ServiceProcess;
  beforeAll(async () => {
    upstream = await Upstream.start();
    service = await ServiceProcess.start({
      AI_BASE_URL: upstream.url,
      AI_API_KEY: "sk-secret",
      AI_MODEL: "stub",
    });
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });
  const lastRequest = () => upstream.requests.at(-1)!;

  describe.each(OPENAI_CLIENTS)("%s", (_, Client) => {
    it(
      "all that was asked arrives, under the endpoint's own key",
      verifies("openai-request"),
      async () => {
        const { client } = connectOpenAi(Client, service.url);
        const parameters = { type: "object", properties: { city: { type: "string" } } };
        const weather = { type: "function" as const, function: { name: "weather", parameters } };
        const call = {
          id: "call_1",
          type: "function" as const,
          function: { name: "weather", arguments: '{"city":"Ulm"}' },
        };
        await client.chat.completions.create({
          model: "stub",
          messages: [
            { role: "developer", content: "Be brief." },
            { role: "user", content: [{ type: "text", text: "Ulm?" }] },
            { role: "assistant", content: null, tool_calls: [call] },
            { role: "tool", tool_call_id: "call_1", content: "rain" },
          ],
          max_completion_tokens: 9,
          temperature: 0.5,
          top_p: 0.25,
          presence_penalty: 1,
          frequency_penalty: -1,
          seed: 7,
          stop: ["END"],
          reasoning_effort: "low",
          verbosity: "high",
          tools: [weather],
          tool_choice: "auto",
        });
        const { body, headers } = lastRequest();
        expect(headers.authorization).toBe("Bearer sk-secret");
        expect(body).toMatchObject({
          model: "stub",
          stream: true,
          max_tokens: 9,
          temperature: 0.5,
          top_p: 0.25,
          presence_penalty: 1,
          frequency_penalty: -1,
          seed: 7,
          stop: ["END"],
          reasoning_effort: "low",
          verbosity: "high",
          tools: [weather],
          tool_choice: "auto",
          messages: [
            { role: "system", content: "Be brief." },
            { role: "user", content: "Ulm?" },
            { role: "assistant", tool_calls: [call] },
            { role: "tool", tool_call_id: "call_1", content: "rain" },
          ],
        });
      },
    );

    it(
      "a usage that the endpoint does not tell is left out, and nobody minds",
      verifies("model-usage", "openai-clients"),
      async () => {
        const untold = sends(chunk({ content: "a" }) + chunk({}, "stop") + DONE, "end");
        upstream.next(untold, untold, untold);
        const { client } = connectOpenAi(Client, service.url);
        const request = { model: "stub", messages: says("hi") };
        const document = await client.chat.completions.create(request);
        expect(document.choices[0]).toMatchObject({ message: { content: "a" } });
        expect(document).not.toHaveProperty("usage");
        const asked = {
          ...request,
          stream: true,
          stream_options: { include_usage: true },
        } as const;
        const usages: unknown[] = [];
        for await (const { usage } of await client.chat.completions.create(asked))
          usages.push(usage);
        expect(usages).toEqual([null, null, null]);
        const runner = client.chat.completions.stream(asked);
        expect(await runner.finalContent()).toBe("a");
      },
    );

    it(
      "who leaves aborts the endpoint's request, streamed or not, before and after the first word",
      verifies("openai-abort"),
      async () => {
        for (const stream of [true, false]) {
          for (const words of [["one"], []]) {
            upstream.next((response) => {
              begin(response);
              for (const content of words) response.write(chunk({ content }));
            });
            const { client } = connectOpenAi(Client, service.url);
            const leave = new AbortController();
            const before = upstream.requests.length;
            const asked = client.chat.completions
              .create({ model: "stub", messages: says("hi"), stream }, { signal: leave.signal })
              .catch((error: unknown) => error);
            await eventually(() => upstream.requests.length > before);
            if (stream && words.length > 0) await asked;
            expect(lastRequest().aborted).toBe(false);
            leave.abort();
            // An answer that has had no reader at all is given five seconds.
            await eventually(() => lastRequest().aborted, {
              timeoutMs: 4_000,
              what: `the end of the ${stream ? "stream" : "document"} after ${words.length} words`,
            });
          }
        }
      },
    );

    it(
      "a limit of the endpoint's is heeded, and then it goes on",
      verifies("openai-clients"),
      async () => {
        for (const stream of [true, false]) {
          upstream.next(refuses(429, { message: "slow down" }, { "retry-after-ms": "700" }));
          const { client, sentAt } = connectOpenAi(Client, service.url, { maxRetries: 2 });
          const answer = await client.chat.completions.create({
            model: "stub",
            messages: says("hi"),
            stream,
          });
          let text = "";
          if (!("choices" in answer))
            for await (const { choices } of answer) text += choices[0]?.delta.content ?? "";
          else text = answer.choices[0]!.message.content!;
          expect([text, sentAt.length]).toEqual(["Hello, world", 2]);
          // By itself the client would wait for half a second at most.
          expect(sentAt[1]! - sentAt[0]!).toBeGreaterThanOrEqual(690);
        }
      },
    );
  });

  describe("@ai-sdk/openai-compatible", () => {
    const modelAt = (url: string, name = "demo") =>
      createOpenAICompatible({ name: "novastream", baseURL: `${url}/v1`, includeUsage: true })(
        name,
      );
    const demo = () => modelAt(service.url);
    const weather = tool({
      inputSchema: jsonSchema<{ prompt: string }>({
        type: "object",
        properties: { prompt: { type: "string" } },
      }),
      execute: ({ prompt }) => `rain in ${prompt}`,
    });

    it("generates text, with its usage", verifies("openai-clients"), async () => {
      const { text, usage, finishReason } = await generateText({ model: demo(), prompt: "a b" });
      expect([text, finishReason]).toEqual(["You said: a b", "stop"]);
      expect(usage).toMatchObject({ inputTokens: 2, outputTokens: 4 });
    });

    it("streams text and reasoning", verifies("openai-clients"), async () => {
      const result = streamText({ model: demo(), prompt: "#!demo reason=2\na b" });
      let streamed = "";
      for await (const text of result.textStream) streamed += text;
      expect(streamed).toBe("You said: a b");
      expect(await result.reasoningText).toMatch(/\S+ \S+/);
      expect(await result.finishReason).toBe("stop");
      expect((await result.usage).outputTokens).toBeGreaterThan(0);
    });

    it("runs a tool and goes on with its result", verifies("openai-clients"), async () => {
      const { steps } = await generateText({
        model: demo(),
        prompt: "#!demo tool=weather\nUlm",
        tools: { weather },
        stopWhen: stepCountIs(2),
      });
      expect(steps[0]!.toolResults).toMatchObject([{ toolName: "weather", output: "rain in Ulm" }]);
      expect(steps).toHaveLength(2);
    });

    it(
      "is told of failures, before and after the first word",
      verifies("openai-errors"),
      async () => {
        const failing = (prompt: string) => generateText({ model: demo(), prompt, maxRetries: 0 });
        await expect(failing("#!demo fail=model-unavailable")).rejects.toMatchObject({
          statusCode: 503,
          isRetryable: true,
          message: expect.stringMatching(/\S/) as string,
        });
        const errors: unknown[] = [];
        const { fullStream } = streamText({
          model: demo(),
          prompt: "#!demo tokens=3 fail=model-broken",
          onError: ({ error }) => void errors.push(error),
        });
        const types: string[] = [];
        for await (const { type } of fullStream) types.push(type);
        expect(types).toContain("error");
        expect(errors).toHaveLength(1);
      },
    );

    it("is told of a cut, wherever it falls", verifies("openai-errors"), async () => {
      const outcomes: boolean[] = [];
      for (let cut = 300; cut < 6_000; cut += 611) {
        await using proxy = await CuttingProxy.start(
          () => new URL(service.url),
          () => cut,
        );
        const prompt = "a b c d e f g h i j k l m n";
        const model = modelAt(proxy.url);
        let failure: unknown;
        const onError = ({ error }: { error: unknown }): void => void (failure = error);
        const { fullStream } = streamText({ model, prompt, maxRetries: 0, onError });
        let text = "";
        try {
          for await (const part of fullStream) if (part.type === "text-delta") text += part.text;
        } catch (error) {
          failure = error;
        }
        if (!failure) expect(text).toBe(`You said: ${prompt}`);
        outcomes.push(failure !== undefined);
      }
      expect(new Set(outcomes)).toEqual(new Set([true, false]));
    });

    it("makes up no usage that nobody has told", verifies("model-usage"), async () => {
      upstream.next(sends(chunk({ content: "a" }) + chunk({}, "stop") + DONE, "end"));
      const result = streamText({ model: modelAt(service.url, "stub"), prompt: "hi" });
      expect([await result.text, await result.finishReason]).toEqual(["a", "stop"]);
      expect((await result.usage).outputTokens).toBeUndefined();
    });

    it("speaks through us to a real endpoint", verifies("openai-clients"), async () => {
      upstream.next(answers("Through", " and through"));
      const { text } = await generateText({ model: modelAt(service.url, "stub"), prompt: "hi" });
      expect(text).toBe("Through and through");
    });
  });
});
