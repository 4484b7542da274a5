import { createHash } from "node:crypto";
import { ServiceError } from "../errors.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { EventDraft } from "./event.ts";
import type { Appended, EventLog } from "./event-log.ts";
import { formatPosition } from "./position.ts";
import { kindOf, type Topic } from "./topic.ts";

/** Events in one publish: the append script holds Redis for as long as it takes. */
export const PUBLISH_MAX_EVENTS = 1_000;

/** Who publishes, and how a repetition is known. */
export interface PublishContext {
  readonly principal: string;
  readonly idempotencyKey?: string | undefined;
}

/** What every publishing route does before and after the append: limits, idempotency, counting. */
export class Publisher {
  readonly #log: EventLog;
  readonly #metrics: Metrics;
  readonly #maxEventBytes: number;

  constructor(log: EventLog, metrics: Metrics, maxEventBytes: number) {
    this.#log = log;
    this.#metrics = metrics;
    this.#maxEventBytes = maxEventBytes;
  }

  /** Appends all or nothing. @returns the id of each event */
  async publish(
    topic: Topic,
    drafts: readonly EventDraft[],
    context: PublishContext,
  ): Promise<string[]> {
    for (const [index, draft] of drafts.entries()) this.checkSize(draft, `event ${index}`);
    const { principal, idempotencyKey } = context;
    const idempotency =
      idempotencyKey === undefined
        ? undefined
        : { key: `${principal}:${idempotencyKey}`, fingerprint: fingerprint(drafts) };
    const appended = await this.#log.append(topic, drafts, idempotency ? { idempotency } : {});
    this.count(topic, appended);
    return drafts.map((_, index) =>
      formatPosition({ ms: appended.first.ms, n: appended.first.n + index }),
    );
  }

  checkSize({ data }: EventDraft, what: string): void {
    const bytes = Buffer.byteLength(data);
    if (bytes <= this.#maxEventBytes) return;
    throw new ServiceError(
      "too-large",
      `${what} has ${bytes} bytes of data; at most ${this.#maxEventBytes} are taken.`,
      {
        extra: { maxEventBytes: this.#maxEventBytes },
      },
    );
  }

  count(topic: Topic, appended: Appended): void {
    if (!appended.repeated) this.#metrics.published(kindOf(topic), appended.count);
  }
}

/** Stands for a body, so that one key cannot stand for two. */
function fingerprint(drafts: readonly EventDraft[]): string {
  const hash = createHash("sha256");
  for (const { type, data } of drafts) hash.update(`${type}\n${data}\n`);
  return hash.digest("base64url").slice(0, 22);
}
