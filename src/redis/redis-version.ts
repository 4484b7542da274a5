import type { Redis } from "ioredis";
import type { RedisEndpoint } from "./redis-endpoint.ts";

/** The first release with sharded pub/sub, and with `SET … NX GET`. */
const MINIMUM_MAJOR = 7;

/** The server is there, and is no Redis that we can use. */
export class UnsupportedRedisError extends Error {
  override name = "UnsupportedRedisError";
}

/** @throws UnsupportedRedisError where it is too old, or not in the form that is configured */
export async function requireUsable(client: Redis, kind: RedisEndpoint["kind"]): Promise<void> {
  const info = await client.info("server");
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1];
  const flavour = field("valkey_version") === undefined ? "Redis" : "Valkey";
  const version = field("valkey_version") ?? field("redis_version") ?? "unknown";
  if (!(Number.parseInt(version, 10) >= MINIMUM_MAJOR)) {
    throw new UnsupportedRedisError(
      `${flavour} ${version} is too old: NovaStream needs Redis 7.0 or newer, or Valkey, for sharded pub/sub. ` +
        "Upgrade it, or unset REDIS_URL to run on the embedded log.",
    );
  }
  const clustered = (field("redis_mode") ?? field("server_mode")) === "cluster";
  if (clustered === (kind === "cluster")) return;
  throw new UnsupportedRedisError(
    clustered
      ? "REDIS_URL names one server, which is a node of a cluster: use redis+cluster://host:port."
      : "REDIS_URL names a cluster, but the server that answers runs without cluster support: use redis://host:port.",
  );
}
