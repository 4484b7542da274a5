import { setTimeout as delay } from "node:timers/promises";
import { batchable, ChaosPublisher, type PublisherOptions } from "./clients/publisher.ts";
import { LAST_PUBLISHER } from "./clients/traits.ts";
import type { Random } from "./random.ts";

const LARGE_BYTES = 40_000;
const BATCH_MAX = 20;
const PAD_MAX_BYTES = 300;

/** A burst that overruns Redis' buffer for a subscriber, and the kernel's: events just small enough to ring with their doorbell. */
const BURST_EVENTS = 700;
const BURST_BYTES = 15_000;
const BURST_CALLERS = 16;

export interface LoadOptions extends Omit<PublisherOptions, "name"> {
  readonly topics: readonly string[];
  readonly publishers: number;
  /** Publishes a second, of all publishers together. */
  readonly rate: number;
}

/** Publishers on all topics at once, several on each, so that their events interleave. */
export class Load {
  readonly #options: LoadOptions;
  readonly #publishers: ChaosPublisher[];
  readonly #running: Promise<void>[];
  #stopping = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#publishers = Array.from({ length: options.publishers }, (_, i) =>
      this.#publisher(`p${i}`),
    );
    this.#running = this.#publishers.map((publisher, i) =>
      this.#publish(publisher, options.random.fork(`load-${i}`)),
    );
  }

  get attempts(): number {
    return this.#publishers.reduce((sum, { attempts }) => sum + attempts, 0);
  }

  #publisher(name: string): ChaosPublisher {
    const { random } = this.#options;
    return new ChaosPublisher({ ...this.#options, name, random: random.fork(name) });
  }

  async #publish(publisher: ChaosPublisher, random: Random): Promise<void> {
    const { publishers, rate, signal, topics } = this.#options;
    const meanPauseMs = (publishers / rate) * 1_000;
    while (!this.#stopping && !signal.aborted) {
      const topic = random.pick(topics);
      // Most are small; a few come in batches, and a few are too large to ring with their doorbell.
      const large = random.chance(0.02);
      const many = batchable(topic) && !large && random.chance(0.3);
      const count = many ? random.whole(2, BATCH_MAX) : 1;
      const padBytes = large ? LARGE_BYTES : random.whole(0, PAD_MAX_BYTES);
      await publisher.publish(topic, count, padBytes);
      await delay(meanPauseMs * 2 * random.next());
    }
  }

  /** A great many large events to one topic, straight to one process. */
  async burst(topic: string, base: string): Promise<void> {
    const { random } = this.#options;
    const callers = Array.from({ length: BURST_CALLERS }, () => {
      const name = `b${this.#publishers.length}`;
      const publisher = new ChaosPublisher({
        ...this.#options,
        base: () => base,
        name,
        random: random.fork(name),
      });
      this.#publishers.push(publisher);
      return publisher;
    });
    await Promise.all(
      callers.map(async (publisher) => {
        for (let i = 0; i < BURST_EVENTS / BURST_CALLERS; i++)
          await publisher.publish(topic, 1, BURST_BYTES);
      }),
    );
  }

  /** Resolves once all that was begun has been acknowledged, and a last event stands in each topic. */
  async finish(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
    const last = this.#publisher(LAST_PUBLISHER);
    this.#publishers.push(last);
    for (const topic of this.#options.topics) await last.publish(topic, 1, 10);
  }
}
