import { setTimeout as delay } from "node:timers/promises";

/** Resolves with the first truthy result; a rejection counts as "not yet". Fails with the last one after `timeoutMs`. */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  { timeoutMs = 15_000, everyMs = 10, what = "the condition" } = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  for (let failure: unknown; ;) {
    try {
      const result = await probe();
      if (result) return result;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline)
      throw new Error(`${what} did not come true in ${timeoutMs} ms`, { cause: failure });
    await delay(everyMs);
  }
}
