import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "./net.ts";
import { eventually } from "./wait.ts";

/** The built service as a process of its own, as it ships. */
export class ServiceProcess implements AsyncDisposable {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it has written to stdout and stderr. */
  output = "";

  private constructor(port: number, environment: Readonly<Record<string, string>>, entry: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.child = spawn(process.execPath, ["--enable-source-maps", entry], {
      env: {
        PATH: process.env["PATH"],
        HOST: "127.0.0.1",
        PORT: String(port),
        AI_DEMO_DELAY: "1",
        ...environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    }
  }

  /** Resolves once it is ready. @param entry the built service, or a copy of it */
  static async start(
    environment: Readonly<Record<string, string>> = {},
    entry = "dist/main.js",
  ): Promise<ServiceProcess> {
    const port = Number(environment["PORT"] ?? (await freePort()));
    const service = new ServiceProcess(port, environment, entry);
    try {
      await eventually(
        async () => {
          if (service.child.exitCode !== null)
            throw new Error(`it exited with ${service.child.exitCode}: ${service.output}`);
          return (await fetch(`${service.url}/readyz`)).ok;
        },
        { what: "the service process" },
      );
    } catch (error) {
      await service.stop("SIGKILL");
      throw error;
    }
    return service;
  }

  /** @returns the exit code, or null where the signal killed it */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exited = once(this.child, "exit");
    this.child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}
