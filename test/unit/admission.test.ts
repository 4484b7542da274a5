import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AdmissionGate, type AdmissionLimits } from "../../src/connections/admission.ts";
import { AdmissionModel, Client } from "../support/admission-model.ts";
import { verifies } from "../support/verifies.ts";

const LIMITS: AdmissionLimits = {
  maxConnections: 2,
  maxPerPrincipal: 0,
  maxPerAddress: 0,
  queueLength: 2,
  timeoutMs: 1_000,
};

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const gateOf = (limits: Partial<AdmissionLimits> = {}) => {
  const waiting: number[] = [];
  const gate = new AdmissionGate({ ...LIMITS, ...limits }, (count) => waiting.push(count));
  const ask = async (principal = "anonymous", network = "1.2.3.4") => {
    const client = new Client(gate, principal, network);
    await turn();
    return client;
  };
  return { gate, ask, waiting };
};

describe("the door", () => {
  it("lets in, then lets wait, then refuses; a place goes to who came first", async () => {
    const { gate, ask, waiting } = gateOf();
    const clients = [await ask(), await ask(), await ask(), await ask(), await ask()];
    const states = () => clients.map(({ state }) => state);
    expect(states()).toEqual(["in", "in", "waiting", "waiting", "overloaded"]);
    clients[1]!.release();
    // In the same tick: nobody who comes now is faster.
    expect([gate.held, gate.waiting]).toEqual([2, 1]);
    await turn();
    expect(states()).toEqual(["in", "out", "in", "waiting", "overloaded"]);
    clients[1]!.release();
    expect(gate.held).toBe(2);
    expect(waiting).toEqual([1, 2, 1]);
  });

  it("forgets at once who leaves or has waited long enough", verifies("admission"), async () => {
    const { gate, ask } = gateOf({ maxConnections: 1 });
    const [holder, first, second] = [await ask(), await ask(), await ask()];
    first.leave();
    expect(gate.waiting).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    await turn();
    expect([first.state, second.state, gate.waiting]).toEqual(["gone", "overloaded", 0]);
    expect(vi.getTimerCount()).toBe(0);
    const third = await ask();
    holder.release();
    third.leave();
    await turn();
    // Left in the tick in which its turn came.
    expect([third.state, gate.held, gate.counted]).toEqual(["gone", 0, 0]);
  });

  it(
    "counts who waits, so that nobody fills the queue alone",
    verifies("connection-limits"),
    async () => {
      const { gate, ask } = gateOf({ maxConnections: 1, maxPerPrincipal: 2, maxPerAddress: 3 });
      const ada = [await ask("ada"), await ask("ada"), await ask("ada")];
      expect(ada.map(({ state }) => state)).toEqual(["in", "waiting", "rate-limited"]);
      expect((await ask("bob")).state).toBe("waiting");
      expect((await ask("cid")).state).toBe("rate-limited");
      expect((await ask("cid", "5.6.7.8")).state).toBe("overloaded");
      expect(gate.counted).toBe(3);
    },
  );

  it("takes strangers for many", verifies("connection-limits"), async () => {
    const { gate, ask } = gateOf({ maxConnections: 9, maxPerPrincipal: 1 });
    const clients = [await ask(), await ask(), await ask()];
    expect(clients.map(({ state }) => state)).toEqual(["in", "in", "in"]);
    for (const client of clients) client.release();
    expect([gate.held, gate.counted]).toEqual([0, 0]);
  });

  it(
    "sends newcomers away while it sheds, and for good once it drains",
    verifies("admission"),
    async () => {
      const { gate, ask } = gateOf({ maxConnections: 1 });
      const [holder, waiting] = [await ask(), await ask()];
      gate.shed(true);
      await turn();
      expect([holder.state, waiting.state]).toEqual(["in", "overloaded"]);
      holder.release();
      expect((await ask()).state).toBe("overloaded");
      gate.shed(false);
      const next = [await ask(), await ask()];
      expect(next.map(({ state }) => state)).toEqual(["in", "waiting"]);
      gate.drain();
      await turn();
      expect(next[1]!.state).toBe("drain");
      gate.shed(true);
      gate.shed(false);
      expect((await ask()).state).toBe("drain");
      expect(vi.getTimerCount()).toBe(0);
    },
  );
});

const who = {
  principal: fc.constantFrom("anonymous", "ada", "bob"),
  network: fc.constantFrom("a", "b"),
};
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("ask" as const), ...who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("release" as const), client: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave" as const), client: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(700) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("shed" as const), on: fc.boolean() }) },
);
const limits = fc.record({
  maxConnections: fc.integer({ min: 1, max: 4 }),
  maxPerPrincipal: fc.nat(3),
  maxPerAddress: fc.nat(5),
  queueLength: fc.nat(3),
  timeoutMs: fc.constant(1_000),
});

it(
  "the door does as a model of it, whoever comes, goes, leaves or waits, and no count is left",
  verifies("admission", "connection-limits"),
  async () => {
    await fc.assert(
      fc.asyncProperty(
        limits,
        fc.array(step, { maxLength: 80, size: "max" }),
        async (bounds, steps) => {
          const gate = new AdmissionGate(bounds);
          const model = new AdmissionModel(bounds);
          const clients: Client[] = [];
          for (const action of steps) {
            if (action.do === "ask") {
              clients.push(new Client(gate, action.principal, action.network));
              model.ask(action.principal, action.network);
            } else if (action.do === "pass") {
              await vi.advanceTimersByTimeAsync(action.ms);
              model.pass(action.ms);
            } else if (action.do === "shed") {
              gate.shed(action.on);
              model.shed(action.on);
            } else {
              clients[action.client]?.[action.do]();
              model[action.do](action.client);
            }
            expect([gate.held, gate.waiting]).toEqual([model.held, model.waiting]);
            await turn();
            expect(clients.map(({ state }) => state)).toEqual(model.states);
          }
          for (const client of clients) client.release();
          for (const client of clients) client.leave();
          await turn();
          for (const client of clients) client.release();
          expect([gate.held, gate.waiting, gate.counted, vi.getTimerCount()]).toEqual([0, 0, 0, 0]);
        },
      ),
      { numRuns: 300 },
    );
  },
);
