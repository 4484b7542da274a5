import type { Random } from "../random.ts";
import { ClusterStore } from "./cluster-store.ts";
import { createMemoryStore } from "./memory-store.ts";
import { SentinelStore } from "./sentinel-store.ts";
import { StandaloneStore } from "./standalone-store.ts";
import type { Form, Store } from "./store.ts";

export async function createStore(
  form: Form,
  random: Random,
  topics: readonly string[],
): Promise<Store> {
  switch (form) {
    case "memory":
      return createMemoryStore();
    case "standalone":
      return StandaloneStore.start(random, topics);
    case "sentinel":
      return SentinelStore.start(topics);
    case "cluster":
      return ClusterStore.start(topics);
  }
}
