import { Exchange, type ExchangeOptions } from "./exchange.ts";

const TIMEOUT_MS = 15_000;

/** A request and its whole answer. @throws where the status is no success, or nothing comes for `timeoutMs` */
export async function call(
  url: string,
  options: ExchangeOptions = {},
  timeoutMs = TIMEOUT_MS,
): Promise<string> {
  using exchange = new Exchange(url, options);
  await exchange.head(timeoutMs);
  const text = await exchange.whole(timeoutMs);
  if (exchange.error) throw new Error(`${url} was cut`, { cause: exchange.error });
  return text;
}

export async function callJson<T>(
  url: string,
  options: ExchangeOptions = {},
  timeoutMs = TIMEOUT_MS,
): Promise<T> {
  return JSON.parse(await call(url, options, timeoutMs)) as T;
}

const JSON_TYPE = { "content-type": "application/json" };

export const eventsOf = (url: string, topic: string, query: string): string =>
  `${url}/api/v1/events?topic=${encodeURIComponent(topic)}&${query}`;

export async function publish(url: string, topic: string, events: unknown): Promise<void> {
  const body = JSON.stringify(events);
  const path = `/api/v1/topics/${encodeURIComponent(topic)}/events`;
  await call(url + path, { method: "POST", headers: JSON_TYPE, body });
}

export async function putStatus(url: string, name: string, n: number, text = ""): Promise<void> {
  const body = JSON.stringify({ phase: "Running", n, text });
  await call(`${url}/api/v1/wukongs/${name}/status`, { method: "PUT", headers: JSON_TYPE, body });
}

/**
 * Does a thing until it succeeds, as a careful client does: while processes are replaced, an answer may be lost. What is
 * repeated must be safe to repeat.
 */
export async function persist<T>(what: () => Promise<T>, timeoutMs = TIMEOUT_MS): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await what();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Repeats a thing with its number until the processes have been replaced, and a little longer. @returns how often */
export async function throughout(
  rolled: Promise<void>,
  everyMs: number,
  step: (n: number) => Promise<void>,
): Promise<number> {
  let [over, after] = [false, 3];
  const noteEnd = rolled.finally(() => (over = true));
  let n = 0;
  for (; after > 0; n++) {
    if (over) after--;
    await step(n);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  await noteEnd;
  return n;
}
