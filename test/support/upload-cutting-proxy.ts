import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** After how many bytes of each direction a connection breaks; Infinity = never. */
export interface Cut {
  readonly up: number;
  readonly down: number;
}

/** A TCP proxy that breaks connections in the middle of what goes up or what comes down. */
export class UploadCuttingProxy implements AsyncDisposable {
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  readonly #target: () => URL;
  readonly #nextCut: () => Cut;
  /** How often a connection has broken in each direction. */
  readonly cuts = { up: 0, down: 0 };

  private constructor(target: () => URL, nextCut: () => Cut) {
    this.#target = target;
    this.#nextCut = nextCut;
  }

  /** @param target where a connection goes, and @param nextCut where it breaks: both are asked for each one */
  static async start(target: () => URL, nextCut: () => Cut): Promise<UploadCuttingProxy> {
    const proxy = new UploadCuttingProxy(target, nextCut);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #join(client: Socket): void {
    const { hostname, port } = this.#target();
    const server = connect({ host: hostname, port: Number(port) });
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true).on("error", () => socket.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    const cut = this.#nextCut();
    this.#pass(client, server, "up", cut.up);
    this.#pass(server, client, "down", cut.down);
  }

  #pass(from: Socket, to: Socket, direction: "up" | "down", bytesUntilCut: number): void {
    let left = bytesUntilCut;
    from.on("data", (bytes: Buffer) => {
      if (bytes.length < left) {
        left -= bytes.length;
        to.write(bytes);
        return;
      }
      this.cuts[direction]++;
      from.pause();
      // What stands before the cut arrives; then the connection breaks, on both sides.
      to.write(bytes.subarray(0, left), () => to.resetAndDestroy());
    });
    from.on("end", () => to.end());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
