import { describe } from "vitest";
import { MemoryStateStore } from "../../src/state/memory-state-store.ts";
import { stateStoreSpec } from "../spec/state-store.spec.ts";

describe("the memory state store", () => {
  stateStoreSpec(async () => new MemoryStateStore());
});
