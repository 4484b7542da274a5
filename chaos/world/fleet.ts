import { setTimeout as delay } from "node:timers/promises";
import { ServiceProcess } from "../../test/support/service-process.ts";
import type { Findings } from "../law/findings.ts";
import type { Random } from "../random.ts";

/** Above DRAIN_WINDOW, and what the last connections and Redis may take. */
const DRAIN_PATIENCE_MS = 15_000;

export interface FleetOptions {
  readonly size: number;
  /** The built service: `dist/main.js`, or a copy of it. */
  readonly entry: string;
  /** Asked for each process. */
  readonly environment: () => Readonly<Record<string, string>>;
  readonly random: Random;
  readonly findings: Findings;
}

/** The processes of the service, each with a place of its own that a new one takes over. */
export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #processes: ServiceProcess[] = [];
  /** All that have ever been. */
  readonly #started: ServiceProcess[] = [];
  readonly #meant = new Set<ServiceProcess>();

  private constructor(options: FleetOptions) {
    this.#options = options;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    try {
      await Promise.all(Array.from({ length: options.size }, (_, place) => fleet.#fill(place)));
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
    return fleet;
  }

  get size(): number {
    return this.#options.size;
  }

  get urls(): string[] {
    return this.#processes.map(({ url }) => url);
  }

  /** Lines at level ERROR or above that they have logged, those that are gone and those that run. */
  get complaints(): string[] {
    return this.#started
      .flatMap(({ output }) => output.split("\n"))
      .filter((line) => /^\{.*"level":(50|60|"error"|"fatal")/.test(line));
  }

  /** Any of them, also one that is just away: so do load balancers, for a while. */
  readonly any = (): string => this.#options.random.pick(this.#processes).url;

  /** SIGKILL, and a new one in its place. @returns when the old one was dead, ms since the epoch */
  async kill(place: number): Promise<number> {
    await this.#end(place, "SIGKILL");
    const deadMs = Date.now();
    await this.#fill(place);
    return deadMs;
  }

  /** SIGTERM, as in a rolling update. */
  async drain(place: number): Promise<void> {
    const { findings } = this.#options;
    const old = this.#processes[place]!;
    const ended = this.#end(place, "SIGTERM");
    const late = delay(DRAIN_PATIENCE_MS, "late" as const, { ref: false });
    const outcome = await Promise.race([ended, late]);
    if (outcome === "late") {
      findings.add(
        "fallen",
        `service ${place}`,
        `it has not ended ${DRAIN_PATIENCE_MS} ms after SIGTERM`,
      );
      await old.stop("SIGKILL");
    } else if (outcome !== 0) findings.add("fallen", `service ${place}`, `exit code ${outcome}`);
    await this.#fill(place);
  }

  /** SIGSTOP: its connections stay open and nothing answers. */
  async pause(place: number, durationMs: number, meanwhile?: () => Promise<void>): Promise<void> {
    const { child } = this.#processes[place]!;
    child.kill("SIGSTOP");
    try {
      await Promise.all([delay(durationMs), meanwhile?.()]);
    } finally {
      child.kill("SIGCONT");
    }
  }

  /** Another place than this one. */
  beside(place: number): string {
    return this.#processes[(place + 1) % this.size]!.url;
  }

  async #end(place: number, signal: NodeJS.Signals): Promise<number | null> {
    const old = this.#processes[place]!;
    this.#meant.add(old);
    return old.stop(signal);
  }

  async #fill(place: number): Promise<void> {
    const { entry, environment, findings } = this.#options;
    const service = await ServiceProcess.start(environment(), entry);
    this.#processes[place] = service;
    this.#started.push(service);
    service.child.once("exit", (code, signal) => {
      if (this.#meant.has(service)) return;
      const last = service.output.slice(-500);
      findings.add("fallen", `service ${place}`, `it ended by itself (${code ?? signal}): ${last}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const service of this.#processes.filter(Boolean)) {
      this.#meant.add(service);
      service.child.kill("SIGCONT");
    }
    await Promise.all(this.#processes.filter(Boolean).map((service) => service.stop("SIGKILL")));
  }
}
