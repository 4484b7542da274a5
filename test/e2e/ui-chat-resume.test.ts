import { WorkflowChatTransport } from "@ai-sdk/workflow/client";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { AI_SDKS, answerIn } from "../support/ai-sdk.ts";
import { apiOf } from "../support/api.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { postEventSource } from "../support/fetch-event-source.ts";
import { TestRedis } from "../support/redis.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const PROMPT = Array.from({ length: 80 }, (_, i) => `wörd${i} 你好`).join(" ");
const ANSWER = `You said: ${PROMPT}`;
const ROUNDS = 8;

let redis: TestRedis;
let here: ServiceProcess;
let there: ServiceProcess;
beforeAll(async () => {
  redis = await TestRedis.start();
  const environment = { REDIS_URL: redis.url, AI_DEMO_DELAY: "2ms" };
  [here, there] = await Promise.all([
    ServiceProcess.start(environment),
    ServiceProcess.start(environment),
  ]);
});
afterAll(async () => {
  for (const resource of [here, there, redis]) await resource[Symbol.asyncDispose]();
});

/** Cuts the first connections, each at some byte, and sends the next to the other process. */
function cutting(cuts: number, whole?: string): Promise<CuttingProxy> {
  let turn = 0;
  let left = cuts;
  return CuttingProxy.start(
    () => new URL([here, there][turn++ % 2]!.url),
    () => (left-- > 0 ? 900 + Math.floor(Math.random() * 800) : Infinity),
    whole,
  );
}

const userMessage = (text: string) => ({
  id: randomUUID(),
  role: "user" as const,
  parts: [{ type: "text", text }],
});

describe("WorkflowChatTransport", () => {
  const sdk = AI_SDKS.find(({ name }) => name === "ai 7")!;

  it(
    "cut at random bytes, by turns of two processes, has the text of the log",
    verifies("ui-workflow"),
    async () => {
      // It tells the console of each cut.
      const told = vi.spyOn(console, "error").mockReturnValue();
      let cuts = 0;
      for (let round = 0; round < ROUNDS; round++) {
        // A third failure in a row it takes for the end.
        await using proxy = await cutting(1 + (round % 2));
        let run: string | undefined;
        const transport = new WorkflowChatTransport({
          api: `${proxy.url}/api/chat`,
          onChatSendMessage: ({ headers }) => {
            run = headers.get("x-workflow-run-id")!;
          },
        });
        const chat = sdk.chat({ url: proxy.url, id: randomUUID(), transport });
        await chat.sendMessage({ text: PROMPT });
        const { text } = await apiOf(here.url).json(`/api/v1/ai/chat/${run}`);
        expect([chat.status, chat.error, answerIn(chat)]).toEqual(["ready", undefined, text]);
        expect(text).toBe(ANSWER);
        cuts += proxy.cuts;
      }
      expect(cuts).toBeGreaterThanOrEqual(ROUNDS);
      told.mockRestore();
    },
  );

  it("stopped by the service, has its end and asks no more", verifies("ui-workflow"), async () => {
    await using proxy = await cutting(0);
    let run: string | undefined;
    const transport = new WorkflowChatTransport({
      api: `${proxy.url}/api/chat`,
      onChatSendMessage: ({ headers }) => {
        run = headers.get("x-workflow-run-id")!;
      },
    });
    const chat = sdk.chat({ url: proxy.url, id: randomUUID(), transport });
    const asking = chat.sendMessage({ text: PROMPT.repeat(20) });
    await eventually(() => (answerIn(chat) ?? "").length > 20);
    await apiOf(there.url).post(`/api/chat/${run}/stop`, "");
    await asking;
    const { text } = await apiOf(here.url).json(`/api/v1/ai/chat/${run}`);
    expect([chat.status, answerIn(chat), proxy.connections]).toEqual(["ready", text, 1]);
  });

  it(
    "opened anew, goes on from the part that it asks for, though it is cut",
    verifies("ui-workflow"),
    async () => {
      const told = vi.spyOn(console, "error").mockReturnValue();
      const warned = vi.spyOn(console, "warn").mockReturnValue();
      const asked = await apiOf(here.url).post("/api/chat", {
        messages: [userMessage(PROMPT.repeat(3))],
      });
      const whole = asked.text();
      const run = asked.headers.get("x-workflow-run-id")!;
      await eventually(
        async () =>
          String((await apiOf(here.url).json(`/api/v1/ai/chat/${run}`))["text"]).length > 200,
      );
      const read = async (startIndex: number): Promise<unknown[]> => {
        await using proxy = await cutting(1);
        const transport = new WorkflowChatTransport({ api: `${proxy.url}/api/chat` });
        const stream = await transport.reconnectToStream({ chatId: run, startIndex });
        const parts: unknown[] = [];
        for await (const part of stream!) parts.push(part);
        expect(proxy.cuts).toBe(1);
        return parts;
      };
      const [fromThird, fromEnd] = await Promise.all([read(2), read(-2)]);
      const parts = (await whole)
        .split("\n\n")
        .filter((frame) => frame.startsWith("data: {"))
        .map((frame) => JSON.parse(frame.split("\n")[0]!.slice(6)) as unknown);
      expect(fromThird).toEqual(parts.slice(2));
      // Of a block that it has not seen begin, it shows nothing.
      expect(fromEnd).toEqual(parts.slice(-2));
      told.mockRestore();
      warned.mockRestore();
    },
  );
});

describe("fetch-event-source, which repeats its POST", () => {
  it.each([
    ["/api/chat", () => ({ id: randomUUID(), messages: [userMessage(PROMPT)] }), "delta"],
    ["/api/chat", () => ({ messages: [userMessage(PROMPT)] }), "delta"],
    ["/api/v1/ai/chat", () => ({ prompt: PROMPT }), "token"],
  ] as const)(
    "attaches to the one generation at %s",
    verifies("fetch-event-source"),
    async (path, body, member) => {
      let cuts = 0;
      for (let round = 0; round < ROUNDS; round++) {
        // The library takes an event for received once it has read its id, whether or not the event has ended.
        await using proxy = await cutting(3, "\n\n");
        const { messages, generations } = await postEventSource(`${proxy.url}${path}`, body());
        expect(messages.pop()?.data).toBe("[DONE]");
        // Cut between the last event and [DONE], it is told the last one again.
        if (messages.at(-1)?.id === messages.at(-2)?.id) messages.pop();
        const ids = messages.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(messages.every(({ event }) => event === "")).toBe(true);
        const text = messages
          .map(({ data }) => (JSON.parse(data) as Record<string, string>)[member] ?? "")
          .join("");
        expect(text).toBe(ANSWER);
        expect(new Set(generations).size).toBe(1);
        cuts += proxy.cuts;
      }
      expect(cuts).toBeGreaterThanOrEqual(ROUNDS);
    },
  );
});
