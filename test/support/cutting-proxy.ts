import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy that cuts connections after a number of bytes, wherever that falls in a frame. */
export class CuttingProxy implements AsyncDisposable {
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  readonly #targets: () => { host: string; port: number };
  readonly #bytesUntilCut: () => number;
  readonly #whole: string | undefined;
  cuts = 0;
  connections = 0;
  /** Connections whose client has said so: no byte passes in either direction, and none is closed. */
  #frozen: string | undefined;

  private constructor(target: () => URL, bytesUntilCut: () => number, whole?: string) {
    this.#targets = () => {
      const { hostname, port } = target();
      return { host: hostname, port: Number(port) };
    };
    this.#bytesUntilCut = bytesUntilCut;
    this.#whole = whole;
  }

  /**
   * @param target asked for each connection, so that a proxy can alternate
   * @param bytesUntilCut of what the server sends, asked for each connection; Infinity = never
   * @param whole two bytes between which no cut falls; the cut comes after them
   */
  static async start(
    target: () => URL,
    bytesUntilCut: () => number = () => Number.POSITIVE_INFINITY,
    whole?: string,
  ): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target, bytesUntilCut, whole);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Holds every connection still whose client has sent the text, as a network that drops all packets does. */
  freeze(text: string): void {
    this.#frozen = text;
  }

  thaw(): void {
    this.#frozen = undefined;
  }

  /** Cuts what is open now. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket): void {
    this.connections++;
    const server = connect(this.#targets());
    let left = this.#bytesUntilCut();
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true).on("error", () => socket.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    let said = "";
    const frozen = (): boolean => this.#frozen !== undefined && said.includes(this.#frozen);
    client.on("data", (bytes: Buffer) => {
      if (said.length < 4_096) said += bytes.toString("latin1");
      if (!frozen()) server.write(bytes);
    });
    server.on("data", (bytes: Buffer) => {
      if (frozen()) return;
      if (bytes.length < left) {
        left -= bytes.length;
        client.write(bytes);
        return;
      }
      this.cuts++;
      if (bytes.toString("latin1", left - 1, left + 1) === this.#whole) left++;
      const rest = bytes.subarray(0, left);
      left = 0;
      server.pause();
      // What stands before the cut arrives; then the connection breaks.
      client.write(rest, () => client.resetAndDestroy());
    });
    client.on("end", () => server.end());
    server.on("end", () => client.end());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cutAll();
  }
}
