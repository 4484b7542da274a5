import { setTimeout as delay } from "node:timers/promises";
import { quantile } from "../quantile.ts";
import { type Arrival, Audience } from "./audience.ts";
import type { OpenCommand, Outcome, PublishCommand, ReconnectCommand } from "./protocol.ts";
import { Publisher } from "./publisher.ts";

/** All readers of one subject, and the one who publishes to it. */
export class Load implements Disposable {
  readonly #audience: Audience;
  readonly #publisher: Publisher;

  constructor({ port, surface, backlog }: OpenCommand) {
    this.#audience = new Audience({ port, surface });
    this.#publisher = new Publisher(port, surface, backlog);
  }

  open({ readers, atOnce }: OpenCommand): Promise<Outcome> {
    return this.#arrive({ count: readers, atOnce, from: 0 });
  }

  /**
   * The next publish waits until the last has been answered and received by all: every write then meets a reader who
   * has kept up. Otherwise a subject that is quicker than the readers would be flattered, since a write to a socket that
   * still has data costs the kernel less.
   */
  async publish({ events, burst, rate }: PublishCommand): Promise<Outcome> {
    const audience = this.#audience;
    const { size, received: before } = audience;
    audience.sample(rate !== undefined);
    const startedAt = performance.now();
    let sent = 0;
    while (sent < events && !audience.closed) {
      const batch = Math.min(burst, events - sent);
      await this.#publisher.publish(batch);
      sent += batch;
      if (!(await audience.receive(before + sent * size))) break;
      if (rate !== undefined)
        await delay(startedAt + (sent / burst / rate) * 1_000 - performance.now());
    }
    const endedAt = performance.now();
    const { latenciesMs } = audience;
    return {
      expected: sent * size,
      ...audience.settle(this.#publisher.next),
      wallMs: endedAt - startedAt,
      ...(rate !== undefined && {
        latencyMs: { p50: quantile(latenciesMs, 0.5), p99: quantile(latenciesMs, 0.99) },
      }),
    };
  }

  /** All return at once, with the cursor that they held when they were cut. */
  async reconnect({ missed }: ReconnectCommand): Promise<Outcome> {
    const audience = this.#audience;
    const { size: count, cursor: lastEventId } = audience;
    const from = this.#publisher.next;
    audience.cut();
    await this.#publisher.publish(missed);
    return this.#arrive({ count, atOnce: true, from, lastEventId });
  }

  async #arrive(arrival: Omit<Arrival, "to">): Promise<Outcome> {
    const to = this.#publisher.next;
    const startedAt = performance.now();
    const deviation = await this.#audience.open({ ...arrival, to });
    const wallMs = performance.now() - startedAt;
    return { expected: (to - arrival.from) * arrival.count, ...deviation, wallMs };
  }

  [Symbol.dispose](): void {
    this.#publisher[Symbol.dispose]();
    this.#audience[Symbol.dispose]();
  }
}
