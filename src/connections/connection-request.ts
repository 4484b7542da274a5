import type { Bounds } from "../hub/bounds.ts";
import type { SubscriptionRequest } from "../hub/subscription.ts";
import type { Position } from "../log/position.ts";
import type { Topic } from "../log/topic.ts";
import type { Transport } from "../transports/transport.ts";

/** What a connection is opened with. */
export interface ConnectionRequest {
  readonly transport: Transport;
  readonly subscriptions: readonly SubscriptionRequest[];
  /** What ends it beside the end of its topics; undefined = nothing. */
  readonly bounds?: Bounds | undefined;
  /** Where what stands between two positions of a topic can be read, for whoever has been spared it. */
  readonly rangeUrl?: ((topic: Topic, from: Position, to: Position) => string) | undefined;
  /** Set for a client that is answered with one document: for how long it waits for something to come. */
  readonly answer?: { readonly waitMs: number | undefined } | undefined;
  /** Members of `connected` beside the usual ones. */
  readonly greeting?: object;
  /** True where the backlog may come merged: for a reader who has shown no cursor, and will not count what comes. */
  readonly merged?: boolean | undefined;
  /**
   * True where it comes to its end by itself, and its client cannot come back for the rest: it has no maximum age, and a
   * drain lets it end.
   */
  readonly finite?: boolean | undefined;
  /** Told of the first event, of `live` where there is none yet, or of its end where nothing came, for the metric. */
  readonly onFirstEvent?: () => void;
  /** Told of its end. */
  readonly onClosed?: (() => void) | undefined;
}
