import { Connection, type ConnectionContext } from "../../src/connections/connection.ts";
import type { Hub } from "../../src/hub/hub.ts";
import type { SubscriptionRequest } from "../../src/hub/subscription.ts";
import {
  type Closing,
  encodingOf,
  type Format,
  type Transport,
} from "../../src/transports/transport.ts";

/** A connection whose transport takes everything, and what came of it. */
export class ConnectionBytes {
  readonly writes: Buffer[] = [];
  readonly connection: Connection;
  isLive = false;
  /** Resolves with how it was closed. */
  readonly closed: Promise<Closing>;

  constructor(
    hub: Hub,
    format: Format,
    subscription: SubscriptionRequest,
    options: { readonly merged?: boolean } = {},
  ) {
    let onClose: (closing: Closing) => void = () => {};
    this.closed = new Promise((resolve) => {
      onClose = resolve;
    });
    const transport: Transport = {
      kind: "test",
      encoding: encodingOf(
        {
          ...format,
          control: (type, data, id) => {
            if (type === "live") this.isLive = true;
            return format.control(type, data, id);
          },
        },
        (frames) => Buffer.concat(frames),
      ),
      writable: true,
      blockedSince: undefined,
      bytes: 0,
      listen: () => {},
      write: (packed) => this.writes.push(packed),
      close: onClose,
      destroy: () => {},
    };
    const tally = { events: 0 };
    const context: ConnectionContext = {
      hub,
      heartbeatMs: 1e6,
      stallMs: 1e6,
      tallyOf: () => tally,
      onClosed: () => {},
      onFailed: (_, error) => {
        throw error;
      },
    };
    const request = { transport, subscriptions: [subscription], ...options };
    this.connection = new Connection(context, { principal: "p", address: "a" }, request, Infinity);
    this.connection.start();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.writes);
  }
}
