import type { AdmissionGate, AdmissionLimits, Place } from "../../src/connections/admission.ts";

type State = "in" | "out" | "waiting" | "gone" | "overloaded" | "rate-limited" | "drain";

/** Somebody at the real door. */
export class Client {
  state: State = "waiting";
  readonly #left = new AbortController();
  #place: Place | undefined;

  constructor(gate: AdmissionGate, principal: string, network: string) {
    void gate.enter({ principal, network, signal: this.#left.signal }).then((outcome) => {
      if ("reason" in outcome) this.state = outcome.reason;
      else [this.state, this.#place] = ["in", outcome];
    });
  }

  release(): void {
    this.#place?.release();
    if (this.#place) this.state = "out";
  }

  leave(): void {
    this.#left.abort();
  }
}

interface Entry {
  readonly principal: string;
  readonly network: string;
  state: State;
  deadlineMs: number;
}

/** The door as plainly as it can be said: a list of all who ever came, looked through anew each time. */
export class AdmissionModel {
  readonly #limits: AdmissionLimits;
  readonly #entries: Entry[] = [];
  #nowMs = 0;
  #shedding = false;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get states(): State[] {
    return this.#entries.map(({ state }) => state);
  }

  get held(): number {
    return this.#count(({ state }) => state === "in");
  }

  get waiting(): number {
    return this.#count(({ state }) => state === "waiting");
  }

  #count(which: (entry: Entry) => boolean): number {
    return this.#entries.filter(which).length;
  }

  ask(principal: string, network: string): void {
    const state = this.#decide(principal, network);
    const deadlineMs = this.#nowMs + this.#limits.timeoutMs;
    this.#entries.push({ principal, network, state, deadlineMs });
  }

  #decide(principal: string, network: string): State {
    const { maxConnections, maxPerPrincipal, maxPerAddress, queueLength } = this.#limits;
    if (this.#shedding) return "overloaded";
    const here = ({ state }: Entry) => state === "in" || state === "waiting";
    const own = this.#count((entry) => here(entry) && entry.principal === principal);
    const near = this.#count((entry) => here(entry) && entry.network === network);
    if (principal !== "anonymous" && maxPerPrincipal > 0 && own >= maxPerPrincipal)
      return "rate-limited";
    if (maxPerAddress > 0 && near >= maxPerAddress) return "rate-limited";
    if (this.held < maxConnections) return "in";
    return this.waiting < queueLength ? "waiting" : "overloaded";
  }

  release(index: number): void {
    const entry = this.#entries[index];
    if (entry?.state !== "in") return;
    entry.state = "out";
    const first = this.#entries.find(({ state }) => state === "waiting");
    if (first) first.state = "in";
  }

  leave(index: number): void {
    const entry = this.#entries[index];
    if (entry?.state === "waiting") entry.state = "gone";
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    for (const entry of this.#entries)
      if (entry.state === "waiting" && entry.deadlineMs <= this.#nowMs) entry.state = "overloaded";
  }

  shed(on: boolean): void {
    this.#shedding = on;
    if (!on) return;
    for (const entry of this.#entries) if (entry.state === "waiting") entry.state = "overloaded";
  }
}
