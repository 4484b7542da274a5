import type { Store } from "./store.ts";

/** The embedded log: it lives and dies with its one process, and nobody else can look into it. */
export function createMemoryStore(): Store {
  return {
    form: "memory",
    environment: {},
    faults: new Map(),
    contents: async () => undefined,
    [Symbol.asyncDispose]: async () => {},
  };
}
