/** What a publisher put into an event, by which the event is known wherever it turns up. */
export interface Stamp {
  /** The publisher and its running number: `p3/117`. Sent under one idempotency key until it was acknowledged. */
  readonly mark: string;
  /** Stands for all of the content. */
  readonly digest: string;
  /** When it was first sent, ms since the epoch. */
  readonly sentAt: number;
}

/** What a reader is told, in the order in which it was told; `cursor` is the id that came with it. */
export type Seen =
  | {
      readonly kind: "event";
      readonly topic: string;
      readonly cursor: string;
      readonly stamp: Pick<Stamp, "mark" | "digest">;
    }
  | {
      readonly kind: "gap";
      readonly topic: string;
      readonly cursor: string;
      readonly from: string | null;
      readonly to: string | null;
      readonly missed: number | null;
      readonly reason: string;
    }
  | {
      readonly kind: "dropped";
      readonly topic: string;
      readonly cursor: string;
      readonly from: string;
      readonly to: string;
      readonly count: number;
    }
  /** `live` or `heartbeat`: says only where the reader stands. */
  | { readonly kind: "cursor"; readonly cursor: string }
  /** The connection is another one from here on. */
  | { readonly kind: "connected" };

/** One reader over the whole run. */
export interface Account {
  readonly reader: string;
  readonly transport: string;
  /** Sorted: the order of positions in the cursor. */
  readonly topics: readonly string[];
  /** True where it began with the first event of each topic. */
  readonly fromEarliest: boolean;
  /** Of a reader with a filter, by an event's mark; undefined where it wants all. */
  readonly wants: ((mark: string) => boolean) | undefined;
  /** True where its cursor goes from connection to connection; otherwise each connection stands for itself. */
  readonly resumes: boolean;
  readonly seen: readonly Seen[];
}
