import { describe, expect, it } from "vitest";
import type { Answer } from "../../src/chat/answer.ts";
import { DemoModel } from "../../src/chat/models/demo-model.ts";
import { ModelRegistry } from "../../src/chat/models/model-registry.ts";
import { readAnswer } from "../../src/chat/read-answer.ts";
import { logUnavailable } from "../../src/errors.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { chatTopic } from "../../src/log/topic.ts";
import { ADA, asked, startTestChat } from "../support/chat.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

/** A log whose first replies are lost: what was asked is done, and nobody hears of it. */
function forgetful(lostReplies: number): EventLog {
  const log = new MemoryEventLog({ retention: DEFAULT_RETENTION, maxBytes: 1e9 });
  let lost = 0;
  return {
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
}

const soon = (): AbortSignal => AbortSignal.timeout(5_000);
const KEYED = { principal: "ada", idempotencyKey: "k" };

describe("a chat", () => {
  it(
    "whose replies are lost runs the model once and to its end",
    verifies("chat-idempotent", "chat-outage"),
    async () => {
      for (const lostReplies of [1, 3, 5]) {
        const models = new ModelRegistry([new DemoModel(0)]);
        await using it = startTestChat({ log: forgetful(lostReplies), models });
        const started = await Promise.all([
          it.chat.start(asked("a b c"), KEYED),
          it.chat.start(asked("a b c"), KEYED),
        ]);
        expect(started.filter(({ attached }) => attached)).toHaveLength(1);
        const [first, second] = started.map(({ generation }) => generation) as [string, string];
        expect(first).toBe(second);
        const ended = await it.archive.whenEnded(first, soon());
        expect(ended).toMatchObject({ state: "finished", text: "You said: a b c" });
      }
    },
  );

  it(
    "repeated after its answer is no longer kept says so, and waits for nothing",
    verifies("chat-idempotent"),
    async () => {
      await using it = startTestChat();
      const { generation } = await it.chat.start(asked("a"), KEYED);
      await eventually(() => it.puppet.calls.length === 1);
      it.puppet.last.finish();
      await it.archive.whenEnded(generation, soon());
      await it.log.delete(chatTopic(generation));
      await expect(it.chat.start(asked("a"), KEYED)).rejects.toMatchObject({ code: "not-found" });
    },
  );

  it("beyond a limit is refused, by the name of the limit", verifies("chat-limits"), async () => {
    await using it = startTestChat({ maxPerPrincipal: 2 });
    const refused = (command: ReturnType<typeof asked>) =>
      expect(it.chat.start(command, ADA)).rejects;
    await refused(asked("x".repeat(1_001))).toMatchObject({ code: "too-large", field: "messages" });
    await refused(asked("é".repeat(501))).toMatchObject({ code: "too-large" });
    const turn = { role: "user", content: "a" } as const;
    const messages = Array.from({ length: 11 }, () => turn);
    await refused({ messages }).toMatchObject({ code: "too-large", field: "messages" });
    await refused(asked("a", { maxTokens: 1_001 })).toMatchObject({
      field: "maxTokens",
      message: "An answer may have at most 1000 tokens.",
    });
    await refused(asked("a", { model: "none" })).toMatchObject({ code: "unknown-model" });
    expect(it.puppet.calls).toHaveLength(0);

    const first = await it.chat.start(asked("a"), ADA);
    await it.chat.start(asked("a"), ADA);
    await refused(asked("a")).toMatchObject({ code: "rate-limited" });
    // Others have limits of their own, and nobody can tell who is who among the anonymous.
    for (const principal of ["bob", "anonymous", "anonymous", "anonymous"])
      await it.chat.start(asked("a"), { principal, idempotencyKey: undefined });
    await eventually(() => it.puppet.calls.length === 6);
    it.puppet.calls[0]!.finish();
    await it.archive.whenEnded(first.generation, soon());
    await eventually(() => it.chat.start(asked("a"), ADA).then(Boolean, () => false));
  });
});

describe("a process", () => {
  it(
    "begins no more answers than it has room for, and what it refuses has left no trace",
    verifies("chat-limits"),
    async () => {
      await using it = startTestChat({ maxGenerations: 3 });
      const turn = (n: number) => asked("a", { chat: { id: `c${n}`, message: "m" } });
      const caller = (n: number) => ({ principal: "ada", idempotencyKey: `k${n}` });
      // All at once: none of them is running before the last has asked.
      const asking = Array.from({ length: 20 }, (_, n) => it.chat.start(turn(n), caller(n)));
      const outcomes = await Promise.allSettled(asking);
      const begun = outcomes.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      const refused = outcomes.flatMap((each) =>
        each.status === "rejected" ? [each.reason as unknown] : [],
      );
      expect([begun.length, refused.length]).toEqual([3, 17]);
      for (const error of refused)
        expect(error).toMatchObject({ code: "overloaded", retryAfterMs: 5_000 });
      expect(await it.metrics.registry.metrics()).toMatch(/^streaming_chat_refused_total 17$/m);
      await eventually(() => it.puppet.calls.length === 3);
      expect(it.generations.count).toBe(3);
      it.puppet.calls[0]!.finish();
      await eventually(() => it.generations.count === 2);
      // Under the same key and in the same chat, another request may come: the refused one has claimed neither.
      const last = await it.chat.start({ ...turn(19), temperature: 1 }, caller(19));
      expect(last.attached).toBe(false);
      await expect(it.chat.start(turn(18), caller(18))).rejects.toMatchObject({
        code: "overloaded",
      });
    },
  );
});

describe("a chat of one conversation", () => {
  const turn = (message: string | undefined, content = "hi") =>
    asked(content, { chat: { id: "c1", message } });

  it(
    "answers one message at a time, and the same one once",
    verifies("chat-busy", "chat-attach"),
    async () => {
      await using it = startTestChat();
      const asking = Array.from({ length: 5 }, () => it.chat.start(turn("m1"), ADA));
      const started = await Promise.all(asking);
      const { generation } = started[0]!;
      expect(new Set(started.map((each) => each.generation))).toEqual(new Set([generation]));
      expect(started.filter(({ attached }) => !attached)).toHaveLength(1);
      const refused = { code: "chat-busy", extra: { chatId: "c1", generation } };
      await expect(it.chat.start(turn("m2"), ADA)).rejects.toMatchObject(refused);
      await expect(it.chat.start(turn(undefined), ADA)).rejects.toMatchObject(refused);
      // A message that has been edited keeps its id, and asks for something else.
      await expect(it.chat.start(turn("m1", "ho"), ADA)).rejects.toMatchObject(refused);
      expect(await it.chat.active("c1", "ada")).toBe(generation);
      // Chat ids are their owners' own.
      expect(await it.chat.active("c1", "bob")).toBeUndefined();
      await it.chat.start(turn("m1"), { principal: "bob", idempotencyKey: undefined });
      await eventually(() => it.puppet.calls.length === 2);

      it.puppet.calls[0]!.finish();
      await it.archive.whenEnded(generation, soon());
      expect(await it.chat.active("c1", "ada")).toBeUndefined();
      expect(await it.chat.start(turn("m1"), ADA)).toEqual({ generation, attached: true });
      const next = await it.chat.start(turn("m2"), ADA);
      expect(next).toMatchObject({ attached: false });
      await eventually(() => it.puppet.calls.length === 3);
      it.puppet.last.fail();
      expect(await it.archive.whenEnded(next.generation, soon())).toMatchObject({
        state: "failed",
        error: { code: "model-unavailable", retryable: true },
      });
      // What has failed is tried again, and so is what was given up for want of a reader.
      const again = await it.chat.start({ ...turn("m2"), abandonAfterMs: 0 }, ADA);
      expect(again).toMatchObject({ attached: false });
      it.generations.readers.join(again.generation)[Symbol.dispose]();
      const ended = await it.archive.whenEnded(again.generation, soon());
      expect(ended).toMatchObject({ finishReason: "abandoned" });
      expect(await it.chat.start(turn("m2"), ADA)).toMatchObject({ attached: false });
    },
  );

  it("has the usage that its model tells, and no other", verifies("model-usage"), async () => {
    await using it = startTestChat();
    const endedBy = async (end: (generation: string) => unknown) => {
      const before = it.puppet.calls.length;
      const { generation } = await it.chat.start(asked("a"), ADA);
      await eventually(() => it.puppet.calls.length > before);
      it.puppet.last.say("one");
      it.puppet.last.say(" two");
      const partial = { enough: ({ text }: Answer) => text === "one two", signal: soon() };
      await readAnswer(it.hub, { generation, ...partial });
      await end(generation);
      return it.archive.whenEnded(generation, soon());
    };
    const usage = { inputTokens: 11, outputTokens: 22 };
    expect(await endedBy(() => it.puppet.last.finish(usage))).toMatchObject({ usage });
    for (const end of [
      () => it.puppet.last.finish(null),
      () => it.puppet.last.fail(),
      () => it.puppet.last.say("x".repeat(1_100_000)),
      (generation: string) => it.chat.stop(generation, "ada"),
    ])
      expect(await endedBy(end)).not.toHaveProperty("usage");
    // All the same their rates are known.
    expect(await it.metrics.registry.metrics()).toMatch(/tokens_per_second_count\{[^}]*\} 5/);
  });

  it("is stopped by its id, unless another answer is meant", verifies("chat-stop"), async () => {
    await using it = startTestChat();
    const { generation } = await it.chat.start(turn("m1"), ADA);
    await eventually(() => it.puppet.calls.length === 1);
    it.puppet.last.say("partial");
    expect(await it.chat.stopChat("c1", "ada", "gen-stale")).toBeUndefined();
    expect(await it.chat.stopChat("c1", "bob")).toBeUndefined();
    await expect(it.chat.stop(generation, "bob")).rejects.toMatchObject({ code: "not-found" });
    expect(it.puppet.last.signal.aborted).toBe(false);
    const stopped = await it.chat.stopChat("c1", "ada", generation);
    expect(stopped).toMatchObject({ state: "stopped", text: "partial", finishReason: "stopped" });
    expect(it.puppet.last.signal.aborted).toBe(true);
    expect(await it.chat.stopChat("c1", "ada")).toBeUndefined();
    expect(await it.chat.stop(generation, "ada")).toEqual(stopped);
  });
});
