import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../random.ts";

const CUT_MIN_BYTES = 300;
const CUT_MAX_BYTES = 3_000_000;

interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

export interface NetworkOptions {
  /** Asked for each connection. */
  readonly target: () => URL;
  readonly random: Random;
  /** Whether each connection is cut after some number of bytes that the server has sent, wherever that falls. */
  readonly cuts: boolean;
}

/** The way between clients and servers: a TCP proxy that cuts at random bytes, and holds connections still. */
export class Network implements AsyncDisposable {
  readonly #options: NetworkOptions;
  readonly #server = createServer({ allowHalfOpen: true }, (client) => this.#join(client));
  readonly #links = new Set<Link>();
  #calm = false;
  cuts = 0;

  private constructor(options: NetworkOptions) {
    this.#options = options;
  }

  static async start(options: NetworkOptions): Promise<Network> {
    const network = new Network(options);
    network.#server.listen(0, "127.0.0.1");
    await once(network.#server, "listening");
    return network;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on nothing is cut by chance. */
  calm(): void {
    this.#calm = true;
  }

  /** Resets what is open now: everybody comes back at once. */
  cutAll(): void {
    for (const link of this.#links) this.#cut(link);
  }

  /**
   * Lets no byte pass on some connections, and closes none, as when packets are dropped on the way; at the end some go
   * on where they were, and the others are cut.
   */
  async freeze(durationMs: number, share: number, random: Random): Promise<void> {
    const frozen = [...this.#links].filter(() => random.chance(share));
    for (const { client, server } of frozen) for (const end of [client, server]) end.pause();
    await delay(durationMs);
    for (const link of frozen) {
      if (random.chance(0.5)) this.#cut(link);
      else for (const end of [link.client, link.server]) end.resume();
    }
  }

  #cut(link: Link): void {
    if (!this.#links.has(link)) return;
    this.cuts++;
    link.client.resetAndDestroy();
    link.server.destroy();
  }

  #join(client: Socket): void {
    const { target } = this.#options;
    const { hostname, port } = target();
    const server = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const link = { client, server };
    this.#links.add(link);
    let left = this.#bytesUntilCut();
    this.#relay(client, server, (bytes) => bytes);
    this.#relay(server, client, (bytes) => {
      if (this.#calm || bytes.length < left) {
        left -= bytes.length;
        return bytes;
      }
      // What stands before the cut arrives; then the connection breaks.
      server.pause();
      client.write(bytes.subarray(0, Math.ceil(left)), () => this.#cut(link));
      return undefined;
    });
    for (const [end, other] of [
      [client, server],
      [server, client],
    ] as const) {
      end.setNoDelay(true).on("error", () => end.destroy());
      end.once("close", () => {
        this.#links.delete(link);
        other.destroy();
      });
    }
  }

  /** Many die young, in their first frames, and some live long: as many between 1 and 2 KB as between 1 and 2 MB. */
  #bytesUntilCut(): number {
    const { cuts, random } = this.#options;
    if (this.#calm || !cuts) return Number.POSITIVE_INFINITY;
    return CUT_MIN_BYTES * (CUT_MAX_BYTES / CUT_MIN_BYTES) ** random.next();
  }

  #relay(from: Socket, to: Socket, pass: (bytes: Buffer) => Buffer | undefined): void {
    from.on("data", (bytes: Buffer) => {
      const passed = pass(bytes);
      // A slow side slows the other, as one connection would.
      if (passed && !to.write(passed)) from.pause();
    });
    to.on("drain", () => from.resume());
    from.on("end", () => to.end());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const { client, server } of this.#links) for (const end of [client, server]) end.destroy();
  }
}
