import type { Redis } from "ioredis";
import type { RedisMasters } from "./redis-masters.ts";
import { reply } from "./redis-reply.ts";

/** One server, or the master that Sentinels name: the client finds it. */
export class SingleMaster implements RedisMasters {
  readonly client: Redis;

  constructor(client: Redis) {
    this.client = client;
  }

  run<T>(_key: string, command: (client: Redis) => Promise<T>): Promise<T> {
    return reply(command(this.client));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.disconnect();
  }
}
