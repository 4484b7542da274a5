import { call, callJson, eventsOf, persist, publish, throughout } from "../clients/calls.ts";
import { Exchange } from "../clients/exchange.ts";
import { type Check, ownName, requireEachOnce, requirePrompt, type Trial } from "../trial.ts";

interface Page {
  readonly events: readonly { readonly type: string; readonly data: { readonly n: number } }[];
  readonly cursor: string;
}

const numbersOf = ({ events }: Page): number[] =>
  events.filter(({ type }) => type === "tick").map(({ data }) => data.n);

const pollUrl = (trial: Trial, topic: string, cursor: string): string =>
  eventsOf(trial.url, topic, `wait=${trial.pollMs}ms&last_event_id=${encodeURIComponent(cursor)}`);

const poll = (trial: Trial, topic: string, cursor: string): Promise<Page> =>
  callJson<Page>(pollUrl(trial, topic, cursor), {}, trial.pollMs + trial.patienceMs);

/** Where a topic begins. */
async function start(trial: Trial, topic: string): Promise<string> {
  await publish(trial.url, topic, { type: "begin", data: {} });
  return (await callJson<Page>(eventsOf(trial.url, topic, "format=json&from=earliest"))).cursor;
}

export const longPoll: Check = {
  name: "long poll",

  async steady(trial) {
    const topic = `app:${ownName("steady")}`;
    let cursor = await start(trial, topic);
    const [received, delaysMs]: [number[], number[]] = [[], []];
    for (let n = 0; n < 9; n++) {
      const startedMs = Date.now();
      const [page] = await Promise.all([
        poll(trial, topic, cursor),
        publish(trial.url, topic, { type: "tick", data: { n } }),
      ]);
      delaysMs.push(Date.now() - startedMs);
      received.push(...numbersOf(page));
      ({ cursor } = page);
    }
    requireEachOnce("the events", received, 9);
    requirePrompt("events", delaysMs, trial.promptMs);
  },

  async resume(trial) {
    const topic = `app:${ownName("resume")}`;
    let cursor = await start(trial, topic);
    const received: number[] = [];
    for (let n = 0; n < 10; n++) {
      using cut = new Exchange(pollUrl(trial, topic, cursor));
      await new Promise((resolve) =>
        cut.request.once("socket", (socket) => socket.once("connect", resolve)),
      );
      await cut.cut();
      await publish(trial.url, topic, { type: "tick", data: { n } });
      const page = await poll(trial, topic, cursor);
      received.push(...numbersOf(page));
      ({ cursor } = page);
    }
    requireEachOnce("the events", received, 10);
  },

  async slow(trial) {
    const topic = `app:${ownName("slow")}`;
    const first = await start(trial, topic);
    const text = "x".repeat(200_000);
    for (let n = 0; n < 8; n++)
      await publish(trial.url, topic, { type: "tick", data: { n, text } });
    // Eight pages that nobody reads yet, and one reader who does not have to wait for that.
    const slow: Exchange[] = [];
    const received: number[] = [];
    for (let cursor = first, n = 0; n < 8; n++) {
      const exchange = new Exchange(pollUrl(trial, topic, cursor));
      slow.push(exchange);
      (await exchange.head(trial.patienceMs)).pause();
      const page = await poll(trial, topic, cursor);
      received.push(...numbersOf(page));
      ({ cursor } = page);
    }
    requireEachOnce("the events", received, 8);
    const pages = [];
    for (const exchange of slow) {
      exchange.response!.resume();
      pages.push(JSON.parse(await exchange.whole(trial.patienceMs)) as Page);
    }
    requireEachOnce("the events that were read late", pages.flatMap(numbersOf), 8);
  },

  async idle(trial) {
    const topic = `app:${ownName("idle")}`;
    const cursor = await start(trial, topic);
    const startedMs = Date.now();
    const empty = await poll(trial, topic, cursor);
    const tookMs = Date.now() - startedMs;
    if (empty.events.length > 0 || tookMs < trial.pollMs * 0.9)
      throw new Error(`a poll of ${trial.pollMs} ms took ${tookMs} ms`);
    await publish(trial.url, topic, { type: "tick", data: { n: 0 } });
    requireEachOnce("the events", numbersOf(await poll(trial, topic, empty.cursor)), 1);
  },

  async rolling(trial, rolled) {
    const topic = `app:${ownName("rolling")}`;
    let cursor = await persist(() => start(trial, topic));
    const received: number[] = [];
    const stopping = new AbortController();
    const reading = (async () => {
      while (!stopping.signal.aborted) {
        await persist(async () => {
          const page = await poll(trial, topic, cursor);
          received.push(...numbersOf(page));
          ({ cursor } = page);
        });
      }
    })();
    const count = await throughout(rolled, 20, (n) =>
      persist(async () => {
        await call(`${trial.url}/api/v1/topics/${encodeURIComponent(topic)}/events`, {
          method: "POST",
          headers: { "content-type": "application/json", "idempotency-key": `tick-${n}` },
          body: JSON.stringify({ type: "tick", data: { n } }),
        });
      }),
    );
    stopping.abort();
    await reading;
    const rest = await persist(() =>
      callJson<Page>(
        eventsOf(trial.url, topic, `format=json&last_event_id=${encodeURIComponent(cursor)}`),
      ),
    );
    requireEachOnce("the events", [...received, ...numbersOf(rest)], count);
  },
};
