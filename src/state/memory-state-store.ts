import type { StateStore } from "./state-store.ts";

const SWEEP_INTERVAL_MS = 60_000;

/** The embedded store: one process, forgotten on restart. */
export class MemoryStateStore implements StateStore {
  readonly #now: () => number;
  readonly #claims = new Map<string, { value: string; expiresAt: number }>();
  /** Of each group, when the time of each name is up. */
  readonly #groups = new Map<string, Map<string, number>>();
  readonly #directories = new Map<string, Set<string>>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
  }

  async claim(key: string, value: string, ttlMs: number): Promise<string> {
    const held = this.#held(key);
    if (held !== undefined) return held;
    this.#claims.set(key, { value, expiresAt: this.#now() + ttlMs });
    return value;
  }

  async reclaim(key: string, expected: string, value: string, ttlMs: number): Promise<string> {
    const held = this.#held(key);
    if (held !== undefined && held !== expected) return held;
    this.#claims.set(key, { value, expiresAt: this.#now() + ttlMs });
    return value;
  }

  async claimed(key: string): Promise<string | undefined> {
    return this.#held(key);
  }

  #held(key: string): string | undefined {
    const claim = this.#claims.get(key);
    return claim && claim.expiresAt > this.#now() ? claim.value : undefined;
  }

  async release(key: string): Promise<void> {
    this.#claims.delete(key);
  }

  async hold(
    group: string,
    names: readonly string[],
    ttlMs: number,
    limit?: number,
  ): Promise<boolean> {
    const now = this.#now();
    const held = this.#groups.get(group) ?? new Map<string, number>();
    if (limit !== undefined) {
      for (const [name, dueAt] of held) if (dueAt <= now) held.delete(name);
      const more = names.filter((name) => !held.has(name)).length;
      if (held.size + more > limit) return false;
    }
    for (const name of names) held.set(name, now + ttlMs);
    this.#groups.set(group, held);
    return true;
  }

  async letGo(group: string, names: readonly string[]): Promise<void> {
    const held = this.#groups.get(group);
    for (const name of names) held?.delete(name);
    if (held?.size === 0) this.#groups.delete(group);
  }

  async held(group: string, names: readonly string[]): Promise<boolean[]> {
    const now = this.#now();
    const held = this.#groups.get(group);
    return names.map((name) => (held?.get(name) ?? 0) > now);
  }

  async lapsed(group: string, limit: number): Promise<string[]> {
    const now = this.#now();
    const due = [...(this.#groups.get(group) ?? [])].filter(([, dueAt]) => dueAt <= now);
    return due
      .sort(([, a], [, b]) => a - b)
      .slice(0, limit)
      .map(([name]) => name);
  }

  async add(directory: string, name: string): Promise<void> {
    this.#directories.set(directory, (this.#directories.get(directory) ?? new Set()).add(name));
  }

  async remove(directory: string, name: string): Promise<void> {
    this.#directories.get(directory)?.delete(name);
  }

  async list(directory: string, after: string, limit: number): Promise<string[]> {
    const names = [...(this.#directories.get(directory) ?? [])].filter((name) => name > after);
    return names.sort((a, b) => (a < b ? -1 : 1)).slice(0, limit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
  }

  #sweep(): void {
    const now = this.#now();
    for (const [key, claim] of this.#claims) if (claim.expiresAt <= now) this.#claims.delete(key);
  }
}
