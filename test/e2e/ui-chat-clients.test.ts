import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AI_SDKS, answerIn, type ChatMessage, resume } from "../support/ai-sdk.ts";
import { apiOf } from "../support/api.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { TestRedis } from "../support/redis.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const PROMPT = Array.from({ length: 40 }, (_, i) => `wörd${i} 你好`).join(" ");
const ANSWER = `You said: ${PROMPT}`;

let redis: TestRedis;
let here: ServiceProcess;
let there: ServiceProcess;
beforeAll(async () => {
  redis = await TestRedis.start();
  const environment = { REDIS_URL: redis.url, AI_DEMO_DELAY: "5ms" };
  [here, there] = await Promise.all([
    ServiceProcess.start(environment),
    ServiceProcess.start(environment),
  ]);
});
afterAll(async () => {
  for (const resource of [here, there, redis]) await resource[Symbol.asyncDispose]();
});

const stop = async (service: ServiceProcess, id: string, body: object = {}) =>
  (await (await apiOf(service.url).post(`/api/chat/${id}/stop`, body)).json()) as {
    generation: string | null;
    state: string | null;
  };

describe.each(AI_SDKS)("useChat of $name", (sdk) => {
  /** A chat that nobody else has. */
  const chatAt = (
    { url }: { url: string },
    id: string = randomUUID(),
    messages?: readonly ChatMessage[],
  ) => sdk.chat({ url, id, ...(messages && { messages }) });
  /** Waits until some of the answer is there. */
  const begun = (chat: ReturnType<typeof chatAt>) =>
    eventually(() => (answerIn(chat) ?? "").length > 20);

  it(
    "gets the full answer, turn after turn, and another one when asked",
    verifies("ui-clients"),
    async () => {
      const chat = chatAt(here);
      await chat.sendMessage({ text: PROMPT });
      expect([chat.status, chat.error, answerIn(chat)]).toEqual(["ready", undefined, ANSWER]);
      const first = chat.messages.at(-1)!.id;
      expect(first).toMatch(/^gen-/);
      await chat.sendMessage({ text: "and now?" });
      expect(answerIn(chat)).toBe("You said: and now?");
      const second = chat.messages.at(-1)!.id;
      await chat.regenerate();
      expect(answerIn(chat)).toBe("You said: and now?");
      expect(new Set([first, second, chat.messages.at(-1)!.id]).size).toBe(3);
      expect(chat.messages.map(({ role }) => role)).toEqual([
        "user",
        "assistant",
        "user",
        "assistant",
      ]);
    },
  );

  it("gets an answer to the new words of an edited message", verifies("ui-clients"), async () => {
    const chat = chatAt(here);
    await chat.sendMessage({ text: "before" });
    await chat.sendMessage({ text: "after", messageId: chat.messages[0]!.id });
    expect(chat.messages).toHaveLength(2);
    expect(answerIn(chat)).toBe("You said: after");
  });

  it(
    "cut in mid-stream, resumes on another process, whole and undoubled",
    verifies("ui-clients"),
    async () => {
      const services = [here, there];
      let turn = 0;
      let left = 1;
      await using proxy = await CuttingProxy.start(
        () => new URL(services[turn++ % 2]!.url),
        () => (left-- > 0 ? 1_300 + Math.floor(Math.random() * 1_200) : Infinity),
      );
      const chat = chatAt(proxy);
      await chat.sendMessage({ text: PROMPT });
      expect(chat.status).toBe("error");
      const partial = answerIn(chat)!;
      expect(ANSWER.startsWith(partial) && partial.length < ANSWER.length).toBe(true);
      await resume(sdk, chat);
      expect(proxy.connections).toBe(2);
      expect([chat.status, answerIn(chat)]).toEqual(["ready", ANSWER]);
      expect(chat.messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
    },
  );

  it(
    "opened anew on another device and process, resumes; two tabs agree",
    verifies("ui-clients"),
    async () => {
      const chat = chatAt(here);
      const asking = chat.sendMessage({ text: PROMPT });
      await begun(chat);
      const tabs = [there, here].map((service) =>
        chatAt(service, chat.id, chat.messages.slice(0, 1)),
      );
      await Promise.all([asking, ...tabs.map((tab) => tab.resumeStream())]);
      for (const tab of [chat, ...tabs]) {
        expect([tab.status, answerIn(tab), tab.messages.length]).toEqual(["ready", ANSWER, 2]);
        expect(tab.messages.at(-1)!.id).toBe(chat.messages.at(-1)!.id);
      }
      // Once it is over there is nothing to resume, and nothing is doubled.
      const late = chatAt(there, chat.id, chat.messages);
      await late.resumeStream();
      expect([late.status, answerIn(late), late.messages.length]).toEqual(["ready", ANSWER, 2]);
    },
  );

  it(
    "left by chat.stop(), goes on, and is whole for whoever resumes",
    verifies("ui-clients"),
    async () => {
      const chat = chatAt(here);
      const asking = chat.sendMessage({ text: PROMPT });
      await begun(chat);
      await chat.stop();
      await asking;
      expect([chat.status, answerIn(chat) === ANSWER]).toEqual(["ready", false]);
      await resume(sdk, chat);
      expect([chat.status, answerIn(chat), chat.messages.length]).toEqual(["ready", ANSWER, 2]);
    },
  );

  it(
    "stopped by the service, keeps what was said, and so does a resumed stream of it",
    verifies("ui-clients"),
    async () => {
      const chat = chatAt(here);
      const asking = chat.sendMessage({ text: PROMPT.repeat(10) });
      await begun(chat);
      const tab = chatAt(there, chat.id, chat.messages.slice(0, 1));
      const resuming = tab.resumeStream();
      await begun(tab);
      // A stop that means an answer of long ago stops nothing.
      expect(await stop(there, chat.id, { activeStreamId: "gen-of-long-ago" })).toEqual({
        generation: null,
        state: null,
      });
      const stopped = await stop(there, chat.id, { activeStreamId: chat.messages.at(-1)!.id });
      expect(stopped).toEqual({ generation: chat.messages.at(-1)!.id, state: "stopped" });
      await Promise.all([asking, resuming]);
      const { text } = await apiOf(here.url).json(`/api/v1/ai/chat/${stopped.generation}`);
      for (const each of [chat, tab])
        expect([each.status, answerIn(each)]).toEqual(["ready", text]);
      expect(String(text).length).toBeLessThan(PROMPT.length * 10);
      expect(await stop(here, chat.id)).toEqual({ generation: null, state: null });
    },
  );

  it(
    "told of a failed model: an error, with what was said before",
    verifies("ui-clients"),
    async () => {
      const chat = chatAt(here);
      await chat.sendMessage({ text: "#!demo tokens=5 fail=model-failed\n" });
      expect(chat.status).toBe("error");
      expect(chat.error?.message).toMatch(/demo model fails/);
      expect(answerIn(chat)!.length).toBeGreaterThan(5);
    },
  );

  it(
    "that asks while another answer is under way, is told so, and disturbs nothing",
    verifies("ui-clients"),
    async () => {
      const chat = chatAt(here);
      const asking = chat.sendMessage({ text: PROMPT });
      await begun(chat);
      const tab = chatAt(there, chat.id);
      await tab.sendMessage({ text: "something else" });
      expect(tab.status).toBe("error");
      expect(tab.error!.message).toContain("chat-busy");
      expect(tab.error!.message).toContain(chat.messages.at(-1)!.id);
      await asking;
      expect([chat.status, answerIn(chat)]).toEqual(["ready", ANSWER]);
    },
  );
});
