import { Redis, type RedisOptions } from "ioredis";

const REVIVAL_MS = 200;

/**
 * A client that ends only when it is told to.
 *
 * ioredis gives a connection up for good where the Sentinels tell of a new master while it is about to connect to the
 * old one: its detector of failovers aborts the attempt, and the aborted attempt counts as the end. (SentinelConnector
 * rejects with "Connection is closed.", and Redis.connect takes any rejection of its connector for the end.)
 */
export class LastingRedis extends Redis {
  #over = false;
  #revival: NodeJS.Timeout | undefined;

  constructor(options: Omit<RedisOptions, "replyMapping">) {
    super({ ...options, replyMapping: "legacy" });
    this.on("end", () => {
      if (this.#over) return;
      this.#revival = setTimeout(() => this.#revive(), REVIVAL_MS);
    });
  }

  #revive(): void {
    // Its failure is told by an error event, and is followed by the next end.
    if (!this.#over && this.status === "end") this.connect().catch(() => undefined);
  }

  override disconnect(reconnect = false): void {
    if (!reconnect) {
      this.#over = true;
      clearTimeout(this.#revival);
    }
    super.disconnect(reconnect);
  }
}
