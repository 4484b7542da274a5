import { WebSocket } from "ws";
import { eventually } from "../../support/wait.ts";
import { call, persist, putStatus, throughout } from "../clients/calls.ts";
import { type Check, ownName, requireEachOnce, requirePrompt, type Trial } from "../trial.ts";

/** More than the kernel's buffers hold between the service and a client that does not read. */
const FLOOD = 100;
const FLOOD_TEXT = "x".repeat(200_000);

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly data?: { readonly n: number; readonly count?: number };
}

const numbersOf = (messages: readonly Message[]): number[] =>
  messages.filter(({ type }) => type === "status").map(({ data }) => data!.n);

class Console implements Disposable {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];
  closed: number | undefined;

  constructor(trial: Trial, name: string, cursor?: string) {
    const query = cursor === undefined ? "" : `?last_event_id=${encodeURIComponent(cursor)}`;
    this.socket = new WebSocket(`${trial.url.replace(/^http/, "ws")}/ws/wukong/${name}${query}`);
    this.socket.on("message", (data: Buffer) =>
      this.messages.push(JSON.parse(data.toString("utf8")) as Message),
    );
    this.socket.on("close", (code) => (this.closed = code));
    this.socket.on("error", () => (this.closed ??= 1006));
  }

  async until<T>(what: string, probe: () => T, timeoutMs: number): Promise<NonNullable<T>> {
    let code: number | undefined;
    const found = await eventually(() => probe() || ((code = this.closed) && true), {
      timeoutMs,
      what,
      everyMs: 2,
    });
    if (code !== undefined) throw new Error(`${what}: closed with ${code}`);
    return found as NonNullable<T>;
  }

  numbers(): number[] {
    return numbersOf(this.messages);
  }

  get cursor(): string | undefined {
    return this.messages.findLast(({ type, id }) => type !== "result" && id !== undefined)?.id;
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

async function live(trial: Trial, name: string, cursor?: string): Promise<Console> {
  const console = new Console(trial, name, cursor);
  const isLive = () => console.messages.some(({ type }) => type === "live");
  await console.until("a live console", isLive, trial.patienceMs);
  return console;
}

async function lockstep(trial: Trial, console: Console, name: string, n: number): Promise<number> {
  const startedMs = Date.now();
  await putStatus(trial.url, name, n);
  await console.until(`status ${n}`, () => console.numbers().includes(n), trial.patienceMs);
  return Date.now() - startedMs;
}

export const webSocket: Check = {
  name: "WebSocket",

  async steady(trial) {
    const name = ownName("steady");
    using console = await live(trial, name);
    const delaysMs: number[] = [];
    for (let n = 0; n < 9; n++) {
      delaysMs.push(await lockstep(trial, console, name, n));
      console.socket.send(JSON.stringify({ type: "ping", id: `p${n}` }));
      const answered = () =>
        console.messages.some(({ type, id }) => type === "result" && id === `p${n}`);
      await console.until("the answer to a ping", answered, trial.patienceMs);
    }
    requireEachOnce("the statuses", console.numbers(), 9);
    requirePrompt("statuses", delaysMs, trial.promptMs);
  },

  async resume(trial) {
    const name = ownName("resume");
    await putStatus(trial.url, name, 0);
    const received: number[] = [];
    let cursor: string | undefined;
    for (let n = 1; n < 20; n++) {
      using console = await live(trial, name, cursor);
      await lockstep(trial, console, name, n);
      console.socket.terminate();
      received.push(...console.numbers());
      cursor = console.cursor;
      // What comes while nobody is connected.
      await putStatus(trial.url, name, ++n);
    }
    using console = await live(trial, name, cursor);
    received.push(...console.numbers());
    requireEachOnce("the statuses", received, 21);
  },

  async slow(trial) {
    const name = ownName("slow");
    using slow = await live(trial, name);
    slow.socket.pause();
    for (let n = 0; n < FLOOD; n++) await putStatus(trial.url, name, n, FLOOD_TEXT);
    slow.socket.resume();
    const isOver = () => slow.closed !== undefined || slow.numbers().at(-1) === FLOOD - 1;
    await eventually(isOver, { what: "the last status" });
    if (slow.numbers().length === FLOOD)
      throw new Error("the gateway has taken all that its client did not");
    const messages = [...slow.messages];
    if (slow.closed !== undefined) {
      // It was let go, because it did not answer pings: it goes on from where it was.
      using next = await live(trial, name, slow.cursor);
      messages.push(...next.messages);
    }
    const numbers = numbersOf(messages);
    const dropped = messages
      .filter(({ type }) => type === "dropped")
      .reduce((sum, { data }) => sum + data!.count!, 0);
    if (numbers.length + dropped !== FLOOD || numbers.some((n, i) => n <= (numbers[i - 1] ?? -1)))
      throw new Error(`${numbers.length} statuses and ${dropped} dropped of ${FLOOD}`);
  },

  async idle(trial) {
    const name = ownName("idle");
    using console = await live(trial, name);
    let pings = 0;
    console.socket.on("ping", () => pings++);
    await new Promise((resolve) => setTimeout(resolve, trial.idleMs));
    if (console.closed !== undefined) throw new Error(`closed with ${console.closed}`);
    await lockstep(trial, console, name, 0);
    if (pings === 0) throw new Error("no ping came");
  },

  async rolling(trial, rolled) {
    const name = ownName("rolling");
    const received: number[] = [];
    await persist(() => putOnce(trial.url, name, 0));
    using first = await persist(() => live(trial, name));
    received.push(...first.numbers());
    const stopping = new AbortController();
    let [connections, { cursor }] = [0, first];
    const reading = (async () => {
      while (!stopping.signal.aborted) {
        using console = new Console(trial, name, cursor);
        await eventually(() => stopping.signal.aborted || console.closed !== undefined, {
          timeoutMs: 60_000,
        });
        if (console.messages.length > 0) connections++;
        received.push(...console.numbers());
        cursor = console.cursor ?? cursor;
        if (console.closed === 1006) await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    const count = await throughout(rolled, 50, (n) =>
      persist(() => putOnce(trial.url, name, n + 1)),
    );
    stopping.abort();
    await reading;
    // Whatever came too late for the last connection.
    using last = await persist(() => live(trial, name, cursor));
    received.push(...last.numbers());
    requireEachOnce("the statuses", received, count + 1);
    if (connections < 2) throw new Error("it was never sent elsewhere");
  },
};

async function putOnce(url: string, name: string, n: number): Promise<void> {
  await call(`${url}/api/v1/wukongs/${name}/status`, {
    method: "PUT",
    headers: { "content-type": "application/json", "idempotency-key": `status-${n}` },
    body: JSON.stringify({ phase: "Running", n }),
  });
}
