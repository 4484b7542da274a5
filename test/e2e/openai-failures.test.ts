import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServiceError } from "../../src/errors.ts";
import { openAiErrorResponse } from "../../src/routes/openai-error.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { connectOpenAi, OPENAI_CLIENTS, readCompletion, says } from "../support/openai-clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { verifies } from "../support/verifies.ts";

describe("an answer that fails", () => {
  let service: ServiceProcess;
  beforeAll(async () => {
    service = await ServiceProcess.start({ AI_DEMO_DELAY: "2ms" });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  describe.each(OPENAI_CLIENTS)("%s", (_, Client) => {
    const connect = (options = {}) => connectOpenAi(Client, service.url, options);
    const ask = (client: OpenAI, prompt: string, stream: boolean) =>
      client.chat.completions.create({ model: "demo", messages: says(prompt), stream });
    const streamed = (client: OpenAI, prompt: string) =>
      client.chat.completions.create({ model: "demo", messages: says(prompt), stream: true });

    it(
      "before its first word is an HTTP error, with the status of what went wrong",
      verifies("openai-errors"),
      async () => {
        for (const [code, status, type, expected = code] of [
          ["model-refused", 400, "invalid_request_error"],
          ["model-rate-limited", 429, "rate_limit_error", "rate_limit_exceeded"],
          ["model-unauthorised", 502, "server_error"],
          ["model-failed", 502, "server_error"],
          ["model-unavailable", 503, "server_error"],
          ["model-first-token-timeout", 504, "server_error"],
        ] as const) {
          for (const stream of [true, false]) {
            const failure = ask(connect().client, `#!demo fail=${code}`, stream);
            await expect(failure, code).rejects.toMatchObject({ status, type, code: expected });
          }
        }
      },
    );

    it("is repeated by the client where that can help", verifies("openai-clients"), async () => {
      const requests = async (code: string, stream: boolean) => {
        const { client, sentAt } = connect({ maxRetries: 1 });
        const script = `#!demo retry-after=700ms fail=${code}`;
        await expect(ask(client, script, stream)).rejects.toBeInstanceOf(Client.APIError);
        return sentAt;
      };
      for (const stream of [true, false]) {
        const [first, second, ...more] = await requests("model-rate-limited", stream);
        // By itself it would wait for half a second at most.
        expect(second! - first!).toBeGreaterThanOrEqual(690);
        expect(more).toEqual([]);
        expect(await requests("model-unauthorised", stream)).toHaveLength(1);
        expect(await requests("model-refused", stream)).toHaveLength(1);
      }
    });

    it(
      "in the middle is an error at the client, after what had been said",
      verifies("openai-errors", "openai-clients"),
      async () => {
        const script = "#!demo tokens=5 fail=model-broken\na b c d e f g h";
        const { text, finish, error } = await readCompletion(streamed(connect().client, script));
        expect(error).toBeInstanceOf(Client.APIError);
        expect(error).toMatchObject({ code: "model-broken", type: "server_error" });
        expect([text.length > 0, finish]).toEqual([true, null]);
        const runner = connect().client.chat.completions.stream({
          model: "demo",
          messages: says(script),
        });
        await expect(runner.finalContent()).rejects.toMatchObject({ code: "model-broken" });
        // Nobody has seen a word of it: the whole answer is an error.
        await expect(ask(connect().client, script, false)).rejects.toMatchObject({
          status: 502,
          code: "model-broken",
        });
      },
    );

    it(
      "is refused for bad input, and the client knows of what",
      verifies("openai-errors"),
      async () => {
        const { client, sentAt } = connect({ maxRetries: 2 });
        const good = { model: "demo", messages: says("hi") };
        const bad: readonly (readonly [object, number, string, string | null])[] = [
          [{ messages: [] }, 400, "invalid-body", "messages"],
          [{ messages: [{ role: "robot", content: "a" }] }, 400, "invalid-body", "messages.0.role"],
          [{ messages: says("") }, 400, "invalid-body", "messages.0.content"],
          [{ messages: says("x".repeat(2 * 1_024 ** 2)) }, 413, "too-large", "body"],
          [{ model: "gpt-0" }, 404, "model_not_found", "model"],
          [{ temperature: 9 }, 400, "invalid-body", "temperature"],
          [{ max_tokens: -1 }, 400, "invalid-body", "max_tokens"],
          [{ max_tokens: 1, max_completion_tokens: 2 }, 400, "invalid-body", "max_tokens"],
          [{ max_tokens: 10_000_000 }, 400, "invalid-body", "max_tokens"],
          [{ parallel_tool_calls: false }, 400, "invalid-body", "parallel_tool_calls"],
        ];
        for (const [index, [body, status, code, param]] of bad.entries()) {
          for (const stream of [true, false]) {
            const refused = client.chat.completions.create({ ...good, ...body, stream });
            await expect(refused).rejects.toMatchObject({ status, code, param });
          }
          expect(sentAt).toHaveLength(2 * (index + 1));
        }
      },
    );

    it(
      "because its connection is cut is an error at the client, wherever the cut falls",
      verifies("openai-errors"),
      async () => {
        const prompt = Array.from({ length: 12 }, (_, i) => `wörd${i}`).join(" ");
        const outcomes: boolean[] = [];
        for (let cut = 200; cut < 6_000; cut += 373) {
          await using proxy = await CuttingProxy.start(
            () => new URL(service.url),
            () => cut,
          );
          const { client } = connectOpenAi(Client, proxy.url);
          const { text, error } = await readCompletion(streamed(client, prompt));
          // What ends without an error is whole.
          if (!error) expect(text).toBe(`You said: ${prompt}`);
          outcomes.push(error !== undefined);
        }
        expect(new Set(outcomes)).toEqual(new Set([true, false]));
        await using proxy = await CuttingProxy.start(
          () => new URL(service.url),
          () => 300,
        );
        const { client } = connectOpenAi(Client, proxy.url);
        await expect(ask(client, prompt, false)).rejects.toBeInstanceOf(Error);
      },
    );
  });

  it(
    "later than a head can wait for is told in the stream, behind a head that waited no longer",
    verifies("openai-errors"),
    async () => {
      const { client } = connectOpenAi(OpenAI, service.url);
      const model = "demo";
      // A document has all the time that the model takes.
      const slow = client.chat.completions.create({ model, messages: says("#!demo stall=7s\nhi") });
      const askedAt = performance.now();
      const messages = says("#!demo stall=7s fail=model-failed");
      const { data: stream, response } = await client.chat.completions
        .create({ model, messages, stream: true })
        .withResponse();
      expect(performance.now() - askedAt).toBeLessThan(6_900);
      expect(response.status).toBe(200);
      expect(await readCompletion(Promise.resolve(stream))).toMatchObject({
        text: "",
        error: { code: "model-failed" },
      });
      expect((await slow).choices[0]!.message.content).toBe("You said: hi");
    },
  );
});

describe("a refusal", () => {
  it.each(OPENAI_CLIENTS)(
    "is repeated by %s unless it is told that this is no use, and when it is told to",
    verifies("openai-clients", "openai-errors"),
    async (_, Client) => {
      let refusal = new ServiceError("chat-busy", "The chat has an answer under way.");
      const server = createAdaptorServer({
        fetch: () => openAiErrorResponse(refusal, "request-1"),
      }) as Server;
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const ask = async () => {
        const { client, sentAt } = connectOpenAi(Client, origin, { maxRetries: 2 });
        const asked = client.chat.completions.create({ model: "demo", messages: says("hi") });
        const error: unknown = await asked.catch((thrown: unknown) => thrown);
        return { error, sentAt };
      };
      try {
        const busy = await ask();
        expect(busy.error).toBeInstanceOf(Client.ConflictError);
        expect(busy.error).toMatchObject({ status: 409, code: "chat-busy" });
        expect(busy.sentAt).toHaveLength(1);
        refusal = new ServiceError("draining", "Come back.", { retryAfterMs: 40 });
        const draining = await ask();
        expect(draining.error).toMatchObject({ status: 503, code: "draining" });
        expect(draining.sentAt).toHaveLength(3);
      } finally {
        server.close();
        server.closeAllConnections();
      }
    },
  );
});
