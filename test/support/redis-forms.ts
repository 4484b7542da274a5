import { TestCluster } from "./redis-cluster.ts";
import { TestSentinel } from "./redis-sentinel.ts";
import { TestRedis } from "./redis.ts";

/** A Redis in one of the forms that a service can be configured with. */
export interface RedisForm extends AsyncDisposable {
  readonly url: string;
  readonly nodes: readonly TestRedis[];
}

export const REDIS_FORMS: readonly (readonly [name: string, start: () => Promise<RedisForm>])[] = [
  [
    "one server",
    async () => {
      const redis = await TestRedis.start();
      const dispose = () => redis[Symbol.asyncDispose]();
      return { url: redis.url, nodes: [redis], [Symbol.asyncDispose]: dispose };
    },
  ],
  ["Sentinel", () => TestSentinel.start({ replicas: 1, sentinels: 1 })],
  ["a cluster of three masters", () => TestCluster.start()],
];

/** Forgets everything; replicas refuse, and get it from their masters. */
export async function flushAll(form: RedisForm): Promise<void> {
  await Promise.all(form.nodes.map((node) => node.command("FLUSHALL")));
}
