import { setTimeout as delay } from "node:timers/promises";
import { quantile } from "../quantile.ts";
import { Audience } from "./audience.ts";
import type { OpenCommand, Outcome, PublishCommand, ReconnectCommand } from "./protocol.ts";
import { Publisher } from "./publisher.ts";

/** All readers of one subject, and the one who publishes to it. */
export class Load implements Disposable {
  readonly #audience: Audience;
  readonly #publisher: Publisher;

  constructor({ port, surface }: OpenCommand) {
    this.#audience = new Audience({ port, surface });
    this.#publisher = new Publisher(port, surface);
  }

  open({ readers, backlog, atOnce }: OpenCommand): Promise<Outcome> {
    return this.#arrive(readers, atOnce, backlog);
  }

  /**
   * The next publish waits until the last has been answered and received by all: every write then meets a reader who
   * has kept up. Otherwise a subject that is quicker than the readers would be flattered, since a write to a socket that
   * still has data costs the kernel less.
   */
  async publish({ events, burst, rate }: PublishCommand): Promise<Outcome> {
    const audience = this.#audience;
    const { readers } = audience;
    const before = readers.map(({ count }) => count);
    const receivedBefore = audience.received;
    audience.sample(rate !== undefined);
    const startedAt = performance.now();
    let sent = 0;
    while (sent < events && !audience.closed) {
      const size = Math.min(burst, events - sent);
      await this.#publisher.publish(size);
      sent += size;
      if (!(await audience.receive(receivedBefore + sent * readers.length))) break;
      if (rate !== undefined)
        await delay(startedAt + (sent / burst / rate) * 1_000 - performance.now());
    }
    const endedAt = performance.now();
    const counts = readers.map(({ count }, index) => count - before[index]!);
    const { latenciesMs } = audience;
    return {
      ...tally(counts, sent),
      wallMs: endedAt - startedAt,
      ...(rate !== undefined && {
        latencyMs: { p50: quantile(latenciesMs, 0.5), p99: quantile(latenciesMs, 0.99) },
      }),
    };
  }

  /** All return at once, with the cursor that they held when they were cut. */
  async reconnect({ missed }: ReconnectCommand): Promise<Outcome> {
    const { readers } = this.#audience;
    // All read the same topic and have been told of the same head: one cursor is everybody's.
    const cursor = readers[0]!.cursor;
    const count = readers.length;
    this.#audience.cut();
    await this.#publisher.publish(missed);
    return this.#arrive(count, true, missed, cursor);
  }

  async #arrive(
    count: number,
    atOnce: boolean,
    backlog: number,
    cursor?: string,
  ): Promise<Outcome> {
    const startedAt = performance.now();
    await this.#audience.open(count, atOnce, cursor);
    const wallMs = performance.now() - startedAt;
    const got = this.#audience.readers.map((reader) => reader.backlog);
    return { ...tally(got, backlog), wallMs };
  }

  [Symbol.dispose](): void {
    this.#publisher[Symbol.dispose]();
    this.#audience[Symbol.dispose]();
  }
}

/** @param counts of each reader, who should have got `each` */
function tally(counts: readonly number[], each: number): Omit<Outcome, "wallMs"> {
  const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);
  return {
    expected: each * counts.length,
    lost: sum(counts.map((count) => Math.max(0, each - count))),
    doubled: sum(counts.map((count) => Math.max(0, count - each))),
  };
}
