import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Courier, type Delivery } from "../../src/agent/courier.ts";
import { judgePublish } from "../../src/agent/verdict.ts";

const delivery = (key: string): Delivery => ({
  method: "PUT",
  path: "/status",
  contentType: "application/json",
  body: JSON.stringify({ key }),
  idempotencyKey: key,
  judge: judgePublish,
});

/** A server in place of fetch: it answers with what the script says, in turn, and remembers the keys. */
function script(...answers: (Response | Error | "silence")[]): string[] {
  const keys: string[] = [];
  vi.stubGlobal("fetch", async (_url: string, init: RequestInit) => {
    keys.push(new Headers(init.headers).get("idempotency-key")!);
    const answer = answers[keys.length - 1];
    if (answer instanceof Response) return answer;
    if (answer instanceof Error) throw answer;
    return new Promise<Response>((_, reject) => {
      init.signal!.addEventListener("abort", () => reject(init.signal!.reason as Error));
    });
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  return keys;
}

const refusedConnection = (): Error =>
  Object.assign(new TypeError("fetch failed"), { cause: { code: "ECONNREFUSED" } });
const taken = (): Response => new Response("{}", { status: 201 });

function startCourier(attemptTimeoutMs?: number) {
  const said: string[] = [];
  const courier = new Courier({
    server: "http://server",
    say: (text) => void said.push(text),
    ...(attemptTimeoutMs === undefined ? {} : { attemptTimeoutMs }),
  });
  return { courier, said };
}

const never = new AbortController().signal;

describe("the agent's courier", () => {
  it("repeats with the same key until the server takes it, and says so once it lasts", async () => {
    const busy = new Response("", { status: 503 });
    const keys = script(
      refusedConnection(),
      busy,
      refusedConnection(),
      refusedConnection(),
      taken(),
    );
    const { courier, said } = startCourier();
    const same = delivery("key-1");
    expect(await courier.deliver(() => same, never)).toBeUndefined();
    expect(keys).toEqual(Array.from({ length: 5 }, () => "key-1"));
    expect(said).toHaveLength(2);
    expect(said[0]).toContain("cannot deliver to http://server at the moment (ECONNREFUSED)");
    expect(said[1]).toContain("delivering to http://server again");
  });

  it("gives an attempt up that gets no answer, the next one after twice the time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const timeouts = vi.spyOn(globalThis, "setTimeout");
    onTestFinished(() => timeouts.mockRestore());
    const keys = script("silence", "silence", taken());
    const { courier } = startCourier(20);
    const delivered = courier.deliver(() => delivery("key-1"), never);
    while (keys.length < 3) {
      vi.advanceTimersByTime(40);
      await new Promise(setImmediate);
    }
    expect(await delivered).toBeUndefined();
    expect(timeouts.mock.calls.map(([, ms]) => ms)).toEqual([20, 40, 80]);
  });

  it("asks for what to send before each attempt", async () => {
    const keys = script(refusedConnection(), taken());
    const { courier } = startCourier();
    let n = 0;
    await courier.deliver(() => delivery(`key-${++n}`), never);
    expect(keys).toEqual(["key-1", "key-2"]);
  });

  it("takes a refusal of the service at once, and one that may be a gateway's the third time", async () => {
    const problem = { code: "invalid-parameter", detail: "No.", retryable: false };
    const certain = script(Response.json(problem, { status: 400 }));
    expect(await startCourier().courier.deliver(() => delivery("a"), never)).toMatchObject({
      why: "No.",
    });
    expect(certain).toHaveLength(1);
    const unsure = script(...[1, 2, 3].map(() => new Response("Bad Request", { status: 400 })));
    const refusal = await startCourier().courier.deliver(() => delivery("a"), never);
    expect(refusal).toMatchObject({ kind: "refused", why: "it answered 400" });
    expect(unsure).toHaveLength(3);
  });

  it("stops when it is told to, in an attempt and between two", async () => {
    script("silence");
    const { courier } = startCourier();
    const stop = new AbortController();
    const inAttempt = courier.deliver(() => delivery("a"), stop.signal);
    stop.abort();
    await expect(inAttempt).rejects.toThrow(/abort/i);
    script(new Response("", { status: 503, headers: { "retry-after": "60" } }));
    const later = new AbortController();
    const between = courier.deliver(() => delivery("a"), later.signal);
    setImmediate(() => later.abort());
    await expect(between).rejects.toThrow(/abort/i);
  });
});
