import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { connectOpenAi, OPENAI_CLIENTS, readCompletion, says } from "../support/openai-clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const runningAt = ({ url }: ServiceProcess): Promise<number> =>
  apiOf(url).metric('streaming_chat_generations{model="demo"}');

const finishOf = async ({ url }: ServiceProcess, generation: string) =>
  (await apiOf(url).json(`/api/v1/ai/chat/${generation}`))["finishReason"];

describe("an answer to a client that cannot come back", () => {
  describe.each(OPENAI_CLIENTS)("%s", (_, Client) => {
    const ask = (client: OpenAI, prompt: string, stream: boolean) =>
      client.chat.completions.create({ model: "demo", messages: says(prompt), stream });
    const streamed = (client: OpenAI, prompt: string) =>
      client.chat.completions.create({ model: "demo", messages: says(prompt), stream: true });

    it(
      "whose process shuts down says so, and is never a shorter one",
      verifies("openai-errors", "chat-unfinished"),
      async () => {
        await using leaving = await ServiceProcess.start({
          AI_DEMO_DELAY: "20ms",
          DRAIN_WINDOW: "300ms",
        });
        const { client } = connectOpenAi(Client, leaving.url);
        const stream = await streamed(client, "word ".repeat(200));
        const reading = readCompletion(Promise.resolve(stream));
        const document = ask(client, "word ".repeat(200), false).catch((error: unknown) => error);
        await eventually(async () => (await runningAt(leaving)) === 2);
        expect(await leaving.stop()).toBe(0);
        expect(await reading).toMatchObject({ finish: null, error: { code: "interrupted" } });
        expect(await document).toMatchObject({ status: 503, code: "interrupted" });
      },
    );

    it(
      "is whole where its process shuts down, or its connection grows old, and there is time for it",
      verifies("openai-clients", "shutdown", "max-age"),
      async () => {
        await using leaving = await ServiceProcess.start({
          AI_DEMO_DELAY: "10ms",
          DRAIN_WINDOW: "20s",
          MAX_CONNECTION_AGE: "100ms",
          HEARTBEAT_INTERVAL: "40ms",
        });
        const { client } = connectOpenAi(Client, leaving.url);
        const prompt = "word ".repeat(60).trim();
        const reading = readCompletion(streamed(client, prompt));
        const late = readCompletion(streamed(client, `#!demo stall=500ms\n${prompt}`));
        await eventually(async () => (await runningAt(leaving)) === 2);
        const stoppedAt = performance.now();
        expect(await leaving.stop()).toBe(0);
        expect(performance.now() - stoppedAt).toBeLessThan(10_000);
        const whole = { text: `You said: ${prompt}`, finish: "stop", error: undefined };
        expect(await reading).toEqual(whole);
        expect(await late).toEqual(whole);
      },
    );

    it("is aborted where its client leaves", verifies("openai-abort"), async () => {
      await using service = await ServiceProcess.start();
      const { client } = connectOpenAi(Client, service.url);
      const long = "word ".repeat(3_000);
      const { data: stream, response } = await streamed(client, long).withResponse();
      const generation = response.headers.get("x-generation-id")!;
      for await (const { choices } of stream) if (choices[0]?.delta.content) break;
      await eventually(async () => (await finishOf(service, generation)) === "abandoned");
    });
  });

  it(
    "that was given up is no shorter one to whoever comes back with its key",
    verifies("openai-errors", "openai-abort"),
    async () => {
      await using hasty = await ServiceProcess.start({
        AI_DEMO_DELAY: "20ms",
        CHAT_ABANDON_AFTER: "50ms",
      });
      const api = apiOf(hasty.url);
      const key = { "idempotency-key": "come-back" };
      const body = { messages: says("word ".repeat(1_000)), stream: true };
      const { client } = connectOpenAi(OpenAI, hasty.url);
      const leave = new AbortController();
      const first = await fetch(api.url("/v1/chat/completions"), {
        method: "POST",
        headers: key,
        body: JSON.stringify(body),
        signal: leave.signal,
      });
      leave.abort();
      const generation = first.headers.get("x-generation-id")!;
      await eventually(async () => (await finishOf(hasty, generation)) === "abandoned");
      for (const stream of [true, false]) {
        // The body is the same to the key: how an answer is given does not make it another.
        const again = client.chat.completions.create(
          { ...body, model: undefined as never, stream },
          { headers: key },
        );
        await expect(again).rejects.toMatchObject({ status: 410, code: "abandoned" });
      }
    },
  );
});
