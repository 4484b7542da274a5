import type { RawData, WebSocket } from "ws";

/** What keeping a message costs beside its bytes: empty ones are not free. */
const MESSAGE_BYTES = 128;

export interface EarlyMessage {
  readonly data: RawData;
  readonly binary: boolean;
}

/**
 * A WebSocket that is open and has no place yet. It is read, because else its leaving would not be noticed; what it says
 * is kept for later, up to a bound, beyond which it has waited long enough.
 */
export class WaitingConsole {
  readonly #webSocket: WebSocket;
  readonly #maxBytes: number;
  readonly #left = new AbortController();
  readonly #early: EarlyMessage[] = [];
  #bytes = 0;

  constructor(webSocket: WebSocket, maxBytes: number) {
    this.#webSocket = webSocket;
    this.#maxBytes = maxBytes;
    webSocket.once("close", this.#onLeft).on("message", this.#onMessage);
  }

  /** Aborts when there is no more use in waiting: it has left, or says too much. */
  get signal(): AbortSignal {
    return this.#left.signal;
  }

  /** Stops listening. @returns what has been said meanwhile */
  end(): readonly EarlyMessage[] {
    this.#webSocket.off("close", this.#onLeft).off("message", this.#onMessage);
    return this.#early;
  }

  readonly #onLeft = (): void => this.#left.abort();

  readonly #onMessage = (data: RawData, binary: boolean): void => {
    this.#bytes += MESSAGE_BYTES + (data as Buffer).length;
    if (this.#bytes > this.#maxBytes) return this.#onLeft();
    this.#early.push({ data, binary });
  };
}
