import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { chunkDraft } from "../../src/chat/chunk.ts";
import { Sweeper } from "../../src/chat/generation/sweeper.ts";
import { logUnavailable, ServiceError } from "../../src/errors.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { chatTopic } from "../../src/log/topic.ts";
import { MemoryStateStore } from "../../src/state/memory-state-store.ts";
import type { StateStore } from "../../src/state/state-store.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { ADA, asked, startTestChat } from "../support/chat.ts";
import { fail, frailState } from "../support/frail-state.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const WRITERS = "chat:writers";
const soon = (): AbortSignal => AbortSignal.timeout(8_000);
const turn = (message: string) => asked(message, { chat: { id: "c1", message } });
const newLog = (): MemoryEventLog =>
  new MemoryEventLog({ retention: DEFAULT_RETENTION, maxBytes: 1_000_000_000 });

/** Over a log whose appends meet a mishap. */
function frailLog(log: EventLog, onAppend: (done: boolean, topic: string) => void): EventLog {
  return {
    append: async (topic, ...rest) => {
      onAppend(false, topic);
      const appended = await log.append(topic, ...rest);
      onAppend(true, topic);
      return appended;
    },
    read: (...args) => log.read(...args),
    head: (...args) => log.head(...args),
    now: (...args) => log.now(...args),
    since: (...args) => log.since(...args),
    last: (...args) => log.last(...args),
    follow: (...args) => log.follow(...args),
    delete: (...args) => log.delete(...args),
    [Symbol.asyncDispose]: async () => {},
  };
}

describe("a POST that fails at any of its steps", () => {
  const STEPS = ["key", "lease", "chat"] as const;
  it.each(STEPS.flatMap((step) => [[step, "before"] as const, [step, "after"] as const]))(
    "(%s, %s it is done) is answered when it is repeated, wherever that is",
    verifies("chat-attach", "chat-lease"),
    async (step, when) => {
      const store = new MemoryStateStore();
      const log = newLog();
      let left = 1;
      const state = frailState((call, name) => {
        const its =
          (step === "lease" && call === "hold" && name === WRITERS) ||
          (call === "claim" &&
            String(name).startsWith(`chat:${step === "chat" ? "active" : step}`));
        return its && left-- > 0 ? { [when]: fail } : undefined;
      }, store);
      await using first = startTestChat({ log, state, leaseMs: 150 });
      await using second = startTestChat({ log, state: store, leaseMs: 150 });
      const caller = { principal: "ada", idempotencyKey: "k" };
      await expect(first.chat.start(turn("m1"), caller)).rejects.toMatchObject({
        code: "log-unavailable",
      });
      const { generation } = await second.chat.start(turn("m1"), caller);
      await eventually(() => second.puppet.calls.length === 1);
      second.puppet.last.finish();
      const ended = await first.archive.whenEnded(generation, soon());
      expect(ended).toMatchObject({ state: "finished" });
      expect(first.puppet.calls).toHaveLength(0);
    },
  );

  it(
    "nobody is sent to wait for a start that never comes",
    verifies("chat-attach", "chat-lease"),
    async () => {
      const store = new MemoryStateStore();
      const log = newLog();
      let died = false;
      // Its process dies, as it were, between its lease and its start.
      const dying = frailLog(log, () => {
        died = true;
        throw new Error("the process is gone");
      });
      await using first = startTestChat({ log: dying, state: store, leaseMs: 300 });
      await using second = startTestChat({ log, state: store, leaseMs: 300 });
      const dead = first.chat.start(turn("m1"), ADA).catch(() => undefined);
      await eventually(() => died);
      const [same, other] = await Promise.allSettled([
        second.chat.start(turn("m1"), ADA),
        dead.then(() => second.chat.start(turn("m2"), ADA)),
      ]);
      const started = [same, other].filter((each) => each.status === "fulfilled");
      expect(started).toHaveLength(1);
      const { generation } = started[0]!.value;
      expect(await second.archive.exists(generation)).toBe(true);
    },
  );
});

describe("requests at the same time", () => {
  it("under one key leave the answer its lease", verifies("chat-idempotent"), async () => {
    await using it = startTestChat({ leaseMs: 300 });
    await using other = startTestChat({ leaseMs: 300, log: it.log, state: it.state });
    const caller = { principal: "ada", idempotencyKey: "k" };
    const asking = Array.from({ length: 4 }, () => it.chat.start(asked("a"), caller));
    const started = await Promise.all(asking);
    expect(started.filter(({ attached }) => !attached)).toHaveLength(1);
    await eventually(() => it.puppet.calls.length === 1);
    await delay(1_000);
    it.puppet.last.finish();
    const ended = await other.archive.whenEnded(started[0]!.generation, soon());
    expect(ended).toMatchObject({ state: "finished" });
  });

  it("in one chat begin one answer, however slow the store is", verifies("chat-busy"), async () => {
    const store = new MemoryStateStore();
    const log = newLog();
    for (const [round, maxPerPrincipal] of [0, 5, 0, 5, 0, 5].entries()) {
      const slow = () => ({ before: () => delay(Math.random() * 20) });
      const processes = [1, 2].map(() =>
        startTestChat({ log, state: frailState(slow, store), maxPerPrincipal }),
      );
      const answers = await Promise.allSettled(
        ["m1", "m2", "m3"].map((message, i) =>
          processes[i % 2]!.chat.start(asked(message, { chat: { id: `r${round}`, message } }), ADA),
        ),
      );
      expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const answer of answers)
        if (answer.status === "rejected")
          expect((answer.reason as ServiceError).code).toBe("chat-busy");
      for (const each of processes) await each[Symbol.asyncDispose]();
    }
  });

  it("of a caller with a limit keep to it", verifies("chat-limits"), async () => {
    const store = new MemoryStateStore();
    const log = newLog();
    const tried = new Set<string>();
    const slow = (call: string, group: unknown, names: unknown) => {
      if (call === "hold" && group === WRITERS)
        for (const name of names as string[]) tried.add(name);
      return { before: () => delay(Math.random() * 10) };
    };
    await using first = startTestChat({ log, state: frailState(slow, store), maxPerPrincipal: 3 });
    await using second = startTestChat({ log, state: frailState(slow, store), maxPerPrincipal: 3 });
    const asking = Array.from({ length: 10 }, (_, i) =>
      (i % 2 ? first : second).chat.start(asked("a"), ADA),
    );
    const answers = await Promise.allSettled(asking);
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    // Who was refused holds nothing.
    const held = await store.held(WRITERS, [...tried]);
    expect(held.filter(Boolean)).toHaveLength(3);
  });

  it("keep a principal's keys and another's chats apart", verifies("chat-owner"), async () => {
    const claims: string[] = [];
    const state = frailState((call, key) => {
      if (call === "claim") claims.push(String(key));
      return undefined;
    });
    await using it = startTestChat({ state });
    await it.chat.start(turn("m1"), ADA);
    const chatKey = claims[0]!.split(":").at(-1)!;
    await it.chat.start(asked("a"), { principal: "active", idempotencyKey: chatKey });
    expect(new Set(claims).size).toBe(2);
  });
});

describe("a sweep", () => {
  const BEGUN = [chunkDraft({ type: "start", messageId: "m", model: "demo", owner: "anonymous" })];

  /** So many answers whose writer is gone. */
  async function left(count: number, state: StateStore, log: EventLog): Promise<string[]> {
    const names = Array.from({ length: count }, (_, i) => `gen-${i}`);
    for (const name of names) await log.append(chatTopic(name), BEGUN);
    await state.hold(WRITERS, names, 1);
    await eventually(async () => (await state.lapsed(WRITERS, count)).length === count);
    return names;
  }

  function sweeper(state: StateStore, log: EventLog, ours: readonly string[] = []): Sweeper {
    return new Sweeper({
      log,
      state,
      metrics: new Metrics(),
      logger: createLogger({ level: "silent", pretty: false }),
      leaseMs: 200,
      read: () => [],
      isOurs: (generation) => ours.includes(generation),
      intervalMs: 3_600_000,
    });
  }

  it("ends all that are left in one pass", verifies("chat-lease"), async () => {
    const [state, log] = [new MemoryStateStore(), newLog()];
    await using it = sweeper(state, log);
    const names = await left(2_500, state, log);
    await it.sweep();
    await delay(250);
    await it.sweep();
    const heads = await Promise.all(names.map((name) => log.head(chatTopic(name))));
    expect(heads.every(({ closed }) => closed)).toBe(true);
    expect(await state.lapsed(WRITERS, 10)).toEqual([]);
  });

  it("lets one that cannot be reached hold up no other", verifies("chat-lease"), async () => {
    const [state, log] = [new MemoryStateStore(), newLog()];
    const names = await left(5, state, log);
    const frail = frailLog(log, (_, topic) => {
      if (topic === chatTopic("gen-0")) throw logUnavailable(new Error("its shard is away"));
    });
    await using it = sweeper(state, frail);
    await delay(250);
    await it.sweep();
    const heads = await Promise.all(names.map((name) => log.head(chatTopic(name))));
    expect(heads.map(({ closed }) => closed)).toEqual([false, true, true, true, true]);
    expect(await state.lapsed(WRITERS, 10)).toEqual(["gen-0"]);
    await log.append(chatTopic("gen-late"), BEGUN);
    await state.hold(WRITERS, ["gen-late"], 1);
    await eventually(async () => (await state.lapsed(WRITERS, 10)).length === 2);
    await it.sweep();
    expect((await log.head(chatTopic("gen-late"))).closed).toBe(true);
  });

  it(
    "gives time after a store, or a process, that was silent",
    verifies("chat-lease"),
    async () => {
      const log = newLog();
      const store = new MemoryStateStore();
      let silent = true;
      const state = frailState(
        (call) => (call === "lapsed" && silent ? { before: () => delay(600) } : undefined),
        store,
      );
      const it = new Sweeper({
        log,
        state,
        metrics: new Metrics(),
        logger: createLogger({ level: "silent", pretty: false }),
        leaseMs: 200,
        read: () => [],
        isOurs: () => false,
        intervalMs: 50,
      });
      await left(1, store, log);
      // Long past the time after its own start, and yet not at once: those who live must be heard first.
      await eventually(async () => {
        await it.sweep();
        silent = false;
        return true;
      });
      expect((await log.head(chatTopic("gen-0"))).closed).toBe(false);
      await eventually(async () => (await log.head(chatTopic("gen-0"))).closed);
      await it[Symbol.asyncDispose]();
    },
  );

  it("leaves what this process writes itself", verifies("chat-lease"), async () => {
    const [state, log] = [new MemoryStateStore(), newLog()];
    await left(2, state, log);
    await using it = sweeper(state, log, ["gen-0"]);
    await delay(250);
    await it.sweep();
    expect((await log.head(chatTopic("gen-0"))).closed).toBe(false);
    expect((await log.head(chatTopic("gen-1"))).closed).toBe(true);
  });

  it(
    "ends one without a lease that stands in the way of its chat",
    verifies("chat-lease", "chat-busy"),
    async () => {
      const [state, log] = [new MemoryStateStore(), newLog()];
      let bound = false;
      const bind = frailState(
        (call) => (bound && call === "hold" ? { before: fail } : undefined),
        state,
      );
      await using first = startTestChat({ log, state: bind, leaseMs: 200 });
      await using second = startTestChat({ log, state, leaseMs: 200 });
      const { generation } = await first.chat.start(turn("m1"), ADA);
      bound = true;
      await state.letGo(WRITERS, [generation]);
      await eventually(() => second.chat.start(turn("m2"), ADA).then(Boolean, () => false));
    },
  );
});
