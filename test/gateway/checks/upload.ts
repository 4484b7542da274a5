import { call, persist, throughout } from "../clients/calls.ts";
import { Exchange } from "../clients/exchange.ts";
import { type Check, ownName, requireEachOnce, requirePrompt, type Trial } from "../trial.ts";

/** More than the kernel's buffers hold between a client and a service that does not read. */
const FLOOD = 150;
const FLOOD_TEXT = "x".repeat(200_000);

const line = (n: number, message = "line"): string =>
  `${JSON.stringify({ message, fields: { n } })}\n`;

const logsOf = (trial: Trial, name: string): string => `${trial.url}/api/v1/wukongs/${name}/logs`;

/** A log that is written line by line into one request. */
class Upload extends Exchange {
  constructor(trial: Trial, name: string, key?: string) {
    super(logsOf(trial, name), {
      method: "POST",
      headers: {
        "content-type": "application/x-ndjson",
        ...(key === undefined ? {} : { "idempotency-key": key }),
      },
    });
  }

  async finish(lines: number): Promise<void> {
    this.request.end();
    await this.head(20_000);
    const answer = JSON.parse(await this.whole(20_000)) as { lines: number };
    if (answer.lines !== lines)
      throw new Error(`${answer.lines} of ${lines} lines are in`, { cause: this.error });
  }
}

/** Somebody else who reads the log, and sees what has arrived. */
class Tail extends Exchange {
  static async open(trial: Trial, name: string): Promise<Tail> {
    const tail = new Tail(`${logsOf(trial, name)}?format=ndjson&from=earliest`);
    await tail.head(trial.patienceMs);
    return tail;
  }

  numbers(): number[] {
    return this.lines
      .filter(({ text }) => text.startsWith("{"))
      .map(({ text }) => JSON.parse(text) as { type: string; data: { fields: { n: number } } })
      .filter(({ type }) => type === "log")
      .map(({ data }) => data.fields.n);
  }
}

/** Sends a line and waits until it is in the log. @returns how long that took, in ms */
async function step(trial: Trial, upload: Upload, tail: Tail, n: number): Promise<number> {
  const startedMs = Date.now();
  await upload.send(line(n));
  await tail.until(`line ${n}`, () => tail.numbers().includes(n), trial.patienceMs);
  return Date.now() - startedMs;
}

async function requireLines(trial: Trial, name: string, count: number): Promise<void> {
  const text = await call(`${logsOf(trial, name)}?format=ndjson&from=earliest&follow=false`);
  const numbers = text
    .split("\n")
    .filter((item) => item.startsWith("{"))
    .map((item) => JSON.parse(item) as { type: string; data: { fields: { n: number } } })
    .filter(({ type }) => type === "log")
    .map(({ data }) => data.fields.n);
  requireEachOnce("the lines", numbers, count);
}

export const upload: Check = {
  name: "streamed upload",
  // Here it is the service that does not read.
  freezes: true,

  async steady(trial) {
    const name = ownName("steady");
    using tail = await Tail.open(trial, name);
    using sending = new Upload(trial, name);
    const delaysMs: number[] = [];
    for (let n = 0; n < 9; n++) delaysMs.push(await step(trial, sending, tail, n));
    await sending.finish(9);
    await requireLines(trial, name, 9);
    requirePrompt("lines", delaysMs, trial.promptMs);
  },

  async resume(trial) {
    const name = ownName("resume");
    using tail = await Tail.open(trial, name);
    for (const cutAfter of [3, 7, 12]) {
      using sending = new Upload(trial, name, "once");
      for (let n = 0; n < cutAfter; n++) await sending.send(line(n));
      const last = cutAfter - 1;
      await tail.until(`line ${last}`, () => tail.numbers().includes(last), trial.patienceMs);
      await sending.cut();
    }
    using sending = new Upload(trial, name, "once");
    for (let n = 0; n < 20; n++) await sending.send(line(n));
    await sending.finish(20);
    await requireLines(trial, name, 20);
  },

  async slow(trial, freezer) {
    if (!freezer) throw new Error("nobody can hold the service still");
    const name = ownName("slow");
    using tail = await Tail.open(trial, name);
    using sending = new Upload(trial, name);
    await step(trial, sending, tail, 0);
    tail[Symbol.dispose]();
    let taken = 1;
    freezer.freeze();
    try {
      for (; taken < FLOOD; taken++) {
        const isTaken = sending.send(line(taken, FLOOD_TEXT)).then(() => true);
        const isStuck = new Promise<false>((resolve) => setTimeout(resolve, 500, false));
        if (!(await Promise.race([isTaken, isStuck]))) break;
      }
    } finally {
      freezer.thaw();
    }
    if (taken === FLOOD) throw new Error("the gateway has taken all that the service did not");
    // What was not taken at once has been since then, or waits in the queue of this process.
    for (let n = taken + 1; n < FLOOD; n++) await sending.send(line(n, FLOOD_TEXT));
    await sending.finish(FLOOD);
    await requireLines(trial, name, FLOOD);
  },

  async idle(trial) {
    const name = ownName("idle");
    using tail = await Tail.open(trial, name);
    using sending = new Upload(trial, name);
    await step(trial, sending, tail, 0);
    // Empty lines are the sender's heartbeats.
    for (const untilMs = Date.now() + trial.idleMs; Date.now() < untilMs;) {
      await sending.send("\n");
      await new Promise((resolve) => setTimeout(resolve, trial.heartbeatMs));
    }
    await step(trial, sending, tail, 1);
    await sending.finish(2);
  },

  async rolling(trial, rolled) {
    const name = ownName("rolling");
    let lines = 0;
    await throughout(rolled, 0, async () => {
      // One upload of some lines; whatever cuts it, it is sent again under the same key.
      const [from, key] = [lines, `part-${lines}`];
      for (let attempt = 0; ; attempt++) {
        if (attempt > 100) throw new Error("an upload never got through");
        using exchange = new Upload(trial, name, key);
        try {
          for (let n = 0; n < 10; n++) {
            await exchange.send(line(from + n));
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
          await exchange.finish(10);
          break;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
      lines = from + 10;
    });
    await persist(() => requireLines(trial, name, lines));
  },
};
