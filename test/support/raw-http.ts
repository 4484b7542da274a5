import { connect, type Socket } from "node:net";
import { eventually } from "./wait.ts";

/** A client that speaks bytes: for what no HTTP library would send, and for readers that do not read. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  text = "";
  ended = false;
  error: Error | undefined;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect(Number(port), hostname);
    this.socket.setEncoding("utf8");
    this.socket.on("data", (text: string) => (this.text += text));
    this.socket.on("close", () => (this.ended = true));
    this.socket.on("error", (error) => (this.error = error));
  }

  send(text: string): this {
    this.socket.write(text);
    return this;
  }

  /** A GET that keeps the connection alive. */
  get(path: string, headers: Record<string, string> = {}, version = "1.1"): this {
    const lines = Object.entries({ host: "test", ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    return this.send(`GET ${path} HTTP/${version}\r\n${lines.join("")}\r\n`);
  }

  async until(text: string | RegExp, timeoutMs = 10_000): Promise<string> {
    const found = () =>
      typeof text === "string" ? this.text.includes(text) : text.test(this.text);
    await eventually(found, {
      timeoutMs,
      what: `${String(text)} in ${JSON.stringify(this.text.slice(-400))}`,
    });
    return this.text;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
