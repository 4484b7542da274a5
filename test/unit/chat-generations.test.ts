import { describe, expect, it } from "vitest";
import { logUnavailable } from "../../src/errors.ts";
import { chunkOf } from "../../src/chat/chunk.ts";
import { chatTopic } from "../../src/log/topic.ts";
import { MemoryStateStore } from "../../src/state/memory-state-store.ts";
import { ADA, asked, startTestChat } from "../support/chat.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const soon = (): AbortSignal => AbortSignal.timeout(5_000);

/** A store that can be taken away. */
class Frail extends MemoryStateStore {
  away = false;

  override async hold(...args: Parameters<MemoryStateStore["hold"]>): Promise<boolean> {
    this.#check();
    return super.hold(...args);
  }

  override async held(...args: Parameters<MemoryStateStore["held"]>): Promise<boolean[]> {
    this.#check();
    return super.held(...args);
  }

  override async lapsed(...args: Parameters<MemoryStateStore["lapsed"]>): Promise<string[]> {
    this.#check();
    return super.lapsed(...args);
  }

  #check(): void {
    if (this.away) throw logUnavailable(new Error("taken away by the test"));
  }
}

/** Two processes with one log and one state; the first one's hands can be bound, as if it had been stopped. */
function startPair(options: Parameters<typeof startTestChat>[0] = {}) {
  const state = new Frail();
  const bound = new Frail();
  // What the first writes goes to the shared store until it is bound: then its calls fail, like those of a frozen one.
  const first = startTestChat({ ...options, state: relay(state, bound) });
  const second = startTestChat({ ...options, state, log: first.log });
  return {
    state,
    first,
    second,
    bind: () => (bound.away = true),
    [Symbol.asyncDispose]: async () => {
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
    },
  };
}

function relay(state: Frail, gate: Frail): Frail {
  const relayed = new Frail();
  relayed.hold = async (...args) => {
    await gate.held("", []);
    return state.hold(...args);
  };
  relayed.held = async (...args) => {
    await gate.held("", []);
    return state.held(...args);
  };
  relayed.lapsed = async (...args) => {
    await gate.held("", []);
    return state.lapsed(...args);
  };
  relayed.letGo = (...args) => state.letGo(...args);
  relayed.claim = (...args) => state.claim(...args);
  return relayed;
}

describe("an answer whose writer is not heard of", () => {
  it(
    "is ended by another process, and the zombie's words are refused",
    verifies("chat-lease"),
    async () => {
      await using it = startPair({ leaseMs: 400 });
      const { generation } = await it.first.chat.start(asked("a"), ADA);
      await eventually(() => it.first.puppet.calls.length === 1);
      const call = it.first.puppet.last;
      call.say("before");
      const reading = it.second.archive.whenEnded(generation, soon());
      it.bind();
      expect(await reading).toMatchObject({
        state: "failed",
        text: "before",
        finishReason: "error",
        error: { code: "producer-lost", retryable: true },
      });
      // It learns of its end from the topic that it follows, and the model is not left running.
      await eventually(() => call.signal.aborted);
      const read = async () => {
        const types: string[] = [];
        for await (const event of it.second.archive.events(generation))
          types.push(chunkOf(event).type);
        return types;
      };
      const types = await read();
      expect(types.slice(-2)).toEqual(["error", "finish"]);
      call.say("after");
      call.finish();
      await it.first.generations.drain(AbortSignal.abort());
      expect(await read()).toEqual(types);
      expect(await it.second.metrics.registry.metrics()).toMatch(/chat_leases_lost_total 1/);
      expect(await it.first.metrics.registry.metrics()).toMatch(
        /chat_ended_early_total\{cause="lost"\} 1/,
      );
    },
  );

  it("is not ended while its lease is renewed", verifies("chat-lease"), async () => {
    await using it = startPair({ leaseMs: 400 });
    const { generation } = await it.first.chat.start(asked("a"), ADA);
    await eventually(() => it.first.puppet.calls.length === 1);
    const call = it.first.puppet.last;
    let passes = 0;
    const reading = it.second.archive.whenEnded(generation, soon());
    const until = performance.now() + 1_200;
    await eventually(async () => {
      call.say(`${passes++} `);
      return performance.now() > until;
    });
    call.finish();
    expect(await reading).toMatchObject({ state: "finished" });
  });

  it("is given time after the store was away for longer", verifies("chat-lease"), async () => {
    await using it = startPair({ leaseMs: 400 });
    const { generation } = await it.first.chat.start(asked("a"), ADA);
    await eventually(() => it.first.puppet.calls.length === 1);
    it.state.away = true;
    const until = performance.now() + 800;
    await eventually(() => performance.now() > until);
    it.state.away = false;
    const again = performance.now() + 800;
    await eventually(() => performance.now() > again);
    it.first.puppet.last.finish();
    const ended = await it.second.archive.whenEnded(generation, soon());
    expect(ended).toMatchObject({ state: "finished" });
  });

  it(
    "is ended by the process that has a reader, where the store has lost its lease",
    verifies("chat-lease"),
    async () => {
      await using it = startPair({ leaseMs: 80 });
      const { generation } = await it.first.chat.start(asked("a"), ADA);
      await eventually(() => it.first.puppet.calls.length === 1);
      it.bind();
      await it.state.letGo("chat:writers", [generation]);
      using _ = it.second.generations.readers.join(generation);
      const ended = await it.second.archive.whenEnded(generation, soon());
      expect(ended).toMatchObject({ error: { code: "producer-lost" } });
    },
  );

  it("is never one that was not begun, or has its end", verifies("chat-lease"), async () => {
    await using it = startPair({ leaseMs: 50 });
    await it.state.hold("chat:writers", ["gen-unborn"], 1);
    const { generation } = await it.first.chat.start(asked("a"), ADA);
    await eventually(() => it.first.puppet.calls.length === 1);
    it.first.puppet.last.finish();
    const ended = await it.second.archive.whenEnded(generation, soon());
    await it.state.hold("chat:writers", [generation], 1);
    await eventually(async () => (await it.state.lapsed("chat:writers", 10)).length === 0);
    expect(await it.second.archive.snapshot(generation, "ada")).toEqual(ended);
    expect((await it.second.log.head(chatTopic("gen-unborn"))).position.n).toBe(0);
  });
});

describe("an answer that nobody reads", () => {
  it("is ended after a while, with what it has said", verifies("chat-abandoned"), async () => {
    await using it = startTestChat({ abandonAfterMs: 100 });
    const { generation } = await it.chat.start(asked("a"), ADA);
    await eventually(() => it.puppet.calls.length === 1);
    it.puppet.last.say("partial");
    const reader = it.generations.readers.join(generation);
    const until = performance.now() + 1_000;
    await eventually(() => performance.now() > until);
    expect(it.puppet.last.signal.aborted).toBe(false);
    reader[Symbol.dispose]();
    reader[Symbol.dispose]();
    const ended = await it.archive.whenEnded(generation, soon());
    expect(ended).toMatchObject({
      state: "stopped",
      finishReason: "abandoned",
      text: "partial",
    });
    expect(it.puppet.last.signal.aborted).toBe(true);
    expect(await it.metrics.registry.metrics()).toMatch(
      /chat_ended_early_total\{cause="abandoned"\} 1/,
    );
  });

  it("ends at once where its reader cannot come back", verifies("chat-abandoned"), async () => {
    await using it = startTestChat({ watchMs: 60_000 });
    const { generation } = await it.chat.start(asked("a", { abandonAfterMs: 0 }), ADA);
    await eventually(() => it.puppet.calls.length === 1);
    const [first, second] = [1, 2].map(() => it.generations.readers.join(generation));
    first![Symbol.dispose]();
    expect(it.puppet.last.signal.aborted).toBe(false);
    second![Symbol.dispose]();
    await eventually(() => it.puppet.last.signal.aborted);
    expect(await it.archive.whenEnded(generation, soon())).toMatchObject({ state: "stopped" });
  });

  it("goes on while it is read in another process", verifies("chat-abandoned"), async () => {
    await using it = startPair({ abandonAfterMs: 0 });
    const { generation } = await it.first.chat.start(asked("a"), ADA);
    await eventually(() => it.first.puppet.calls.length === 1);
    const here = it.first.generations.readers.join(generation);
    using _ = it.second.generations.readers.join(generation);
    const elsewhere = () => it.first.generations.readers.elsewhere([generation]);
    await eventually(async () => (await elsewhere())[0]);
    here[Symbol.dispose]();
    const until = performance.now() + 700;
    await eventually(() => performance.now() > until);
    expect(it.first.puppet.last.signal.aborted).toBe(false);
    it.first.puppet.last.finish();
    expect(await it.first.archive.whenEnded(generation, soon())).toMatchObject({
      state: "finished",
    });
  });

  it("goes on to its end where that was asked for", verifies("chat-abandoned"), async () => {
    await using it = startTestChat({ abandonAfterMs: 0 });
    const command = asked("a", { abandonAfterMs: Number.POSITIVE_INFINITY });
    const { generation } = await it.chat.start(command, ADA);
    await eventually(() => it.puppet.calls.length === 1);
    it.generations.readers.join(generation)[Symbol.dispose]();
    const until = performance.now() + 700;
    await eventually(() => performance.now() > until);
    expect(it.puppet.last.signal.aborted).toBe(false);
  });
});
