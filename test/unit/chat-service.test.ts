import { describe, expect, it } from "vitest";
import { ChatService } from "../../src/chat/chat-service.ts";
import { DemoModel } from "../../src/chat/models/demo-model.ts";
import { logUnavailable } from "../../src/errors.ts";
import { Hub } from "../../src/hub/hub.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { ModelRegistry } from "../../src/chat/models/model-registry.ts";
import { chatTopic } from "../../src/log/topic.ts";
import { MemoryStateStore } from "../../src/state/memory-state-store.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { verifies } from "../support/verifies.ts";

/** A chat service on a log whose first replies are lost: what was asked is done, and nobody hears of it. */
function startChat(lostReplies: number) {
  const log = new MemoryEventLog({ retention: DEFAULT_RETENTION, maxBytes: 1e9 });
  let lost = 0;
  const unreliable: EventLog = {
    append: async (...args) => {
      const appended = await log.append(...args);
      if (lost++ < lostReplies) throw logUnavailable(new Error("the reply was lost"));
      return appended;
    },
    read: (...args) => log.read(...args),
    head: (...args) => log.head(...args),
    now: () => log.now(),
    since: (...args) => log.since(...args),
    last: (...args) => log.last(...args),
    follow: (...args) => log.follow(...args),
    delete: (...args) => log.delete(...args),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
  const [metrics, logger] = [new Metrics(), createLogger({ level: "silent", pretty: false })];
  const hub = new Hub({ log: unreliable, metrics, logger, ringCapacity: 100, ringBytes: 1e6 });
  const models = new ModelRegistry([new DemoModel(0)]);
  return {
    log,
    chat: new ChatService({ hub, state: new MemoryStateStore(), metrics, logger, models }),
  };
}

const asked = (content: string) => ({ messages: [{ role: "user", content }] as const });

describe("a chat", () => {
  it(
    "whose replies are lost runs the model once and to its end",
    verifies("chat-idempotent", "chat-outage"),
    async () => {
      for (const lostReplies of [1, 3, 5]) {
        const { chat } = startChat(lostReplies);
        const caller = { principal: "ada", idempotencyKey: "k" };
        const [first, second] = await Promise.all([
          chat.start(asked("a b c"), caller),
          chat.start(asked("a b c"), caller),
        ]);
        expect(first).toBe(second);
        const ended = await chat.whenEnded(first, AbortSignal.timeout(5_000));
        expect(ended).toMatchObject({ state: "finished", text: "You said: a b c" });
      }
    },
  );

  it(
    "repeated after its answer is no longer kept says so, and waits for nothing",
    verifies("chat-idempotent"),
    async () => {
      const { chat, log } = startChat(0);
      const caller = { principal: "ada", idempotencyKey: "k" };
      const generation = await chat.start(asked("a"), caller);
      await chat.whenEnded(generation, AbortSignal.timeout(5_000));
      await log.delete(chatTopic(generation));
      await expect(chat.start(asked("a"), caller)).rejects.toMatchObject({
        code: "not-found",
      });
    },
  );
});
