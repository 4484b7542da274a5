import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { AI_SDKS, answerIn, type HeadlessChat } from "../support/ai-sdk.ts";
import { connectOpenAi, OPENAI_CLIENTS, readCompletion, says } from "../support/openai-clients.ts";
import { TestRedis } from "../support/redis.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

/** Under way for longer than any test. */
const LONG = "word ".repeat(4_000);
const LEASE_MS = 1_000;
/** Lease, sweep, and what busy machines take. */
const BOUND_MS = 5 * LEASE_MS;

const saysMuch = (chat: HeadlessChat): boolean => (answerIn(chat) ?? "").length > 50;

/** Reads a completion, the same one wherever it is asked for: its key is the client's name. */
function countedCompletion(
  [name, Client]: (typeof OPENAI_CLIENTS)[number],
  url: string,
): { readonly told: number; readonly read: ReturnType<typeof readCompletion> } {
  const { client } = connectOpenAi(Client, url);
  let told = 0;
  async function* counted() {
    const body = { model: "demo", messages: says(LONG), stream: true } as const;
    const headers = { "idempotency-key": name.replace(" ", "-") };
    for await (const chunk of await client.chat.completions.create(body, { headers })) {
      told++;
      yield chunk;
    }
  }
  const read = readCompletion(Promise.resolve(counted()));
  return {
    get told() {
      return told;
    },
    read,
  };
}

describe("an answer", () => {
  it(
    "whose process is killed is a failure to the AI SDK's and OpenAI's clients, there and elsewhere",
    verifies("chat-lease", "openai-errors"),
    async () => {
      await using redis = await TestRedis.start();
      const environment = {
        REDIS_URL: redis.url,
        AI_DEMO_DELAY: "10ms",
        CHAT_LEASE: `${LEASE_MS}ms`,
        LOG_LEVEL: "warn",
      };
      await using writer = await ServiceProcess.start(environment);
      await using other = await ServiceProcess.start(environment);
      const chats = AI_SDKS.map((sdk) => {
        const id = randomUUID();
        const [here, there] = [writer, other].map(({ url }) => sdk.chat({ url, id }));
        return { name: sdk.name, here: here!, there: there! };
      });
      const complete = (url: string) => OPENAI_CLIENTS.map((each) => countedCompletion(each, url));
      const speaks = ({ told }: { told: number }): boolean => told > 5;
      const asking = chats.map(({ here }) => here.sendMessage({ text: LONG }));
      const here = complete(writer.url);
      await eventually(() => here.every(speaks) && chats.every((chat) => saysMuch(chat.here)));
      const resuming = chats.map(({ there }) => there.resumeStream());
      const there = complete(other.url);
      await eventually(() => there.every(speaks) && chats.every((chat) => saysMuch(chat.there)));
      const killedAt = performance.now();
      await writer.stop("SIGKILL");
      await Promise.all([...asking, ...resuming]);
      const broken = await Promise.all(here.map(({ read }) => read));
      const failed = await Promise.all(there.map(({ read }) => read));
      expect(performance.now() - killedAt).toBeLessThan(BOUND_MS);
      for (const { name, here, there } of chats) {
        // The one's connection broke; the other is told.
        expect([name, here.status, there.status]).toEqual([name, "error", "error"]);
        expect(there.error?.message).toBe("The process that answered is gone. Please ask again.");
      }
      for (const { finish, error } of [...broken, ...failed])
        expect([finish ?? null, error]).toEqual([null, expect.any(Error)]);
      for (const { error } of failed) expect(error).toMatchObject({ code: "producer-lost" });
    },
  );
});
