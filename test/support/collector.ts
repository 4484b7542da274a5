import type { Batch } from "../../src/hub/batch.ts";
import type { Bounds } from "../../src/hub/bounds.ts";
import type { Hub } from "../../src/hub/hub.ts";
import type { DroppedNotice, GapNotice } from "../../src/hub/notices.ts";
import type { Outlet, Reader } from "../../src/hub/reader.ts";
import type { Subscription, SubscriptionRequest } from "../../src/hub/subscription.ts";
import type { Event } from "../../src/log/event.ts";

/** Takes whatever a reader is given, and remembers it. */
export class Collector implements Outlet {
  readonly reader: Reader;
  readonly taken: Event[] = [];
  readonly gaps: GapNotice[] = [];
  readonly drops: DroppedNotice[] = [];
  /** Bytes of data handed over in each call. */
  readonly handings: number[] = [];
  isLive = false;
  isFinished = false;
  failure: unknown;
  writable = true;

  constructor(hub: Hub, requests: readonly SubscriptionRequest[], bounds: Bounds = {}) {
    this.reader = hub.read(this, requests, bounds);
    this.reader.start();
  }

  get data(): unknown[] {
    return this.taken.map(({ data }) => JSON.parse(data) as unknown);
  }

  events(_: Subscription, __: Batch, wanted: readonly Event[]): void {
    this.taken.push(...wanted);
    this.handings.push(wanted.reduce((sum, { bytes }) => sum + bytes, 0));
  }
  gap(_: Subscription, notice: GapNotice): void {
    this.gaps.push(notice);
  }
  dropped(_: Subscription, notice: DroppedNotice): void {
    this.drops.push(notice);
  }
  live(): void {
    this.isLive = true;
  }
  finished(): void {
    this.isFinished = true;
    this.reader.close();
  }
  deleted(): void {}
  failed(error: unknown): void {
    this.failure = error;
  }
}
