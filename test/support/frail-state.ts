import { logUnavailable } from "../../src/errors.ts";
import { MemoryStateStore } from "../../src/state/memory-state-store.ts";
import type { StateStore } from "../../src/state/state-store.ts";

type Call = "claim" | "reclaim" | "claimed" | "hold" | "letGo" | "held" | "lapsed";

/** What befalls a call: it may be late, fail before it is done, or fail after it is. */
export interface Mishap {
  readonly before?: () => void | Promise<void>;
  readonly after?: () => void | Promise<void>;
}

/** A way to a store that others may use, too, on which calls meet mishaps. */
export function frailState(
  mishapOf: (call: Call, ...args: readonly unknown[]) => Mishap | undefined,
  store: StateStore = new MemoryStateStore(),
): StateStore {
  const through =
    <A extends unknown[], T>(call: Call, run: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      const mishap = mishapOf(call, ...args);
      await mishap?.before?.();
      const result = await run(...args);
      await mishap?.after?.();
      return result;
    };
  return {
    claim: through("claim", (...args: Parameters<StateStore["claim"]>) => store.claim(...args)),
    reclaim: through("reclaim", (...args: Parameters<StateStore["reclaim"]>) =>
      store.reclaim(...args),
    ),
    claimed: through("claimed", (key: string) => store.claimed(key)),
    hold: through("hold", (...args: Parameters<StateStore["hold"]>) => store.hold(...args)),
    letGo: through("letGo", (...args: Parameters<StateStore["letGo"]>) => store.letGo(...args)),
    held: through("held", (...args: Parameters<StateStore["held"]>) => store.held(...args)),
    lapsed: through("lapsed", (...args: Parameters<StateStore["lapsed"]>) => store.lapsed(...args)),
    release: (key) => store.release(key),
    add: (...args) => store.add(...args),
    remove: (...args) => store.remove(...args),
    list: (...args) => store.list(...args),
    [Symbol.asyncDispose]: async () => {},
  };
}

export const fail = (): never => {
  throw logUnavailable(new Error("a mishap of the test"));
};
