import { setTimeout as delay } from "node:timers/promises";
import type { Findings } from "../law/findings.ts";
import type { History } from "../law/history.ts";
import { parsePosition } from "../law/position.ts";
import { Random } from "../random.ts";
import { bodyOf, type Payload, stamp } from "./payload.ts";
import { open, textOf } from "./request.ts";

const REPEAT_MIN_MS = 30;
const REPEAT_MAX_MS = 500;
/** Of the answers that arrive, how many the publisher acts as if it had not heard. */
const UNHEARD_SHARE = 0.1;

export interface PublisherOptions {
  readonly name: string;
  /** Asked for each attempt. */
  readonly base: () => string;
  readonly history: History;
  readonly findings: Findings;
  readonly random: Random;
  readonly patienceMs: number;
  readonly onAcknowledged: (topic: string, mark: string) => void;
  /** Gives up what is under way, unacknowledged; only for the end of everything. */
  readonly signal: AbortSignal;
}

/** A careful client: each publish has a key, and is repeated under it until it is acknowledged. */
export class ChaosPublisher {
  readonly #options: PublisherOptions;
  #sequence = 0;
  attempts = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Publishes `count` events in one call. Resolves once they are acknowledged. @param padBytes of each */
  async publish(topic: string, count: number, padBytes: number): Promise<void> {
    const { history, name, onAcknowledged, random } = this.#options;
    const payloads = Array.from({ length: count }, (): Payload => {
      const mark = `${name}/${++this.#sequence}`;
      return { mark, sentAt: Date.now(), pad: pad(random, padBytes) };
    });
    for (const payload of payloads) history.addSent(stamp(payload));
    const ids = await this.#untilDone(topic, payloads, `${name}-${this.#sequence}`);
    if (!ids) return;
    // The last of a batch is the newest, and its position tells when.
    const byMs = parsePosition(ids.at(-1)!).ms;
    for (const [index, { mark }] of payloads.entries()) {
      history.addAcked(topic, mark, ids[index], byMs);
      onAcknowledged(topic, mark);
    }
  }

  /** @returns the ids as far as the answer says them; undefined where it was given up */
  async #untilDone(
    topic: string,
    payloads: readonly Payload[],
    key: string,
  ): Promise<readonly (string | undefined)[] | undefined> {
    const { findings, name, random, signal } = this.#options;
    for (
      let pauseMs = REPEAT_MIN_MS;
      !signal.aborted;
      pauseMs = Math.min(pauseMs * 2, REPEAT_MAX_MS)
    ) {
      try {
        const { status, text } = await this.#attempt(topic, payloads, key);
        if (status === 201) {
          const ids = idsOf(topic, text, payloads.length);
          if (ids && !random.chance(UNHEARD_SHARE)) return ids;
        } else if (status < 500 && status !== 429) {
          findings.add("refused", name, `${status} to a publish on ${topic}: ${text}`);
          return undefined;
        }
      } catch {
        // Cut, silent or refused by a process that is gone: unknown, and so repeated.
      }
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }

  async #attempt(
    topic: string,
    payloads: readonly Payload[],
    key: string,
  ): Promise<{ status: number; text: string }> {
    const { base, patienceMs, signal } = this.#options;
    this.attempts++;
    const { method, path } = routeOf(topic);
    const answer = await open({
      url: new URL(path, base()),
      method,
      headers: { "content-type": contentTypeOf(topic), "idempotency-key": key },
      body: encode(topic, payloads),
      patienceMs,
      signal,
    });
    return { status: answer.statusCode!, text: await textOf(answer) };
  }
}

/** How many events one call may carry. */
export function batchable(topic: string): boolean {
  return topic.startsWith("app:") || topic.startsWith("logs:");
}

function routeOf(topic: string): { method: string; path: string } {
  const name = topic.slice(topic.indexOf(":") + 1);
  if (topic.startsWith("logs:")) return { method: "POST", path: `/api/v1/wukongs/${name}/logs` };
  if (topic.startsWith("status:")) return { method: "PUT", path: `/api/v1/wukongs/${name}/status` };
  if (topic.startsWith("notifications:")) return { method: "POST", path: "/api/v1/notifications" };
  return { method: "POST", path: `/api/v1/topics/${encodeURIComponent(topic)}/events` };
}

function contentTypeOf(topic: string): string {
  return topic.startsWith("logs:") ? "application/x-ndjson" : "application/json";
}

function encode(topic: string, payloads: readonly Payload[]): string {
  const bodies = payloads.map((payload) => JSON.stringify(bodyOf(topic, payload)));
  if (topic.startsWith("logs:")) return bodies.map((line) => `${line}\n`).join("");
  return topic.startsWith("app:") ? `[${bodies.join(",")}]` : bodies[0]!;
}

/** Undefined where the answer says that not all of it is in. */
function idsOf(
  topic: string,
  text: string,
  count: number,
): readonly (string | undefined)[] | undefined {
  if (!topic.startsWith("logs:"))
    return (JSON.parse(text) as { events: { id: string }[] }).events.map(({ id }) => id);
  // An ingest answers line by line how much is in, and where the newest line stands.
  const last = JSON.parse(text.trimEnd().split("\n").at(-1)!) as { lines: number; id?: string };
  if (last.lines < count) return undefined;
  return [...Array.from({ length: count - 1 }, () => undefined), last.id];
}

/** As long as the longest padding; without a pattern, so that no search finds a short way through it. */
const NOISE = noise(64 * 1024);

function noise(length: number): string {
  const random = new Random("noise");
  return Array.from({ length }, () => random.pick(["x", "y"])).join("");
}

/** Printable, of many lengths and widths, so that cuts fall anywhere. */
function pad(random: Random, bytes: number): string {
  const from = random.whole(0, NOISE.length - bytes);
  return NOISE.slice(from, from + bytes) + "é😀".repeat(random.whole(0, 5));
}
