import type { TestRedis } from "../../test/support/redis.ts";
import { eventually } from "../../test/support/wait.ts";
import type { Entry } from "../law/history.ts";
import type { Contents } from "./store.ts";
import { entryOf, type RawEntry, streamKey } from "./stream-entry.ts";

/** So small that a burst overruns it while its reader stands still. */
export const NODE_SETTINGS: readonly string[] = [
  "--client-output-buffer-limit",
  "pubsub",
  "256kb",
  "128kb",
  "1",
];

/** In one atomic step, so that what was there is known to the last entry. */
const READ_AND_DELETE =
  "local held = redis.call('XRANGE', KEYS[1], '-', '+') redis.call('DEL', KEYS[1]) return held";
const READ_AND_FLUSH =
  "local held = {} for i, key in ipairs(KEYS) do held[i] = redis.call('XRANGE', key, '-', '+') end redis.call('FLUSHALL') return held";

export async function readTopic(node: TestRedis, topic: string): Promise<Entry[]> {
  return decode(topic, await node.ask("XRANGE", streamKey(topic), "-", "+"));
}

/** @returns what the topic held, which it holds no more */
export async function takeAway(node: TestRedis, topic: string): Promise<Entry[]> {
  return decode(topic, await node.ask("EVAL", READ_AND_DELETE, 1, streamKey(topic)));
}

/** Of a node that holds all topics. */
export async function flush(node: TestRedis, topics: readonly string[]): Promise<Contents> {
  const keys = topics.map(streamKey);
  const held = (await node.ask("EVAL", READ_AND_FLUSH, keys.length, ...keys)) as unknown[];
  return new Map(topics.map((topic, i) => [topic, decode(topic, held[i])]));
}

/** SIGKILL. @returns when it was dead: it has acknowledged nothing since; ms since the epoch */
export async function killed(node: TestRedis): Promise<number> {
  await node.kill();
  return Date.now();
}

/** SIGSTOP. @returns when it stood still, ms since the epoch */
export async function paused(node: TestRedis): Promise<number> {
  node.pause();
  return Date.now();
}

/** Resolves once it is a replica, with when that was seen: it takes no writes any more; ms since the epoch. */
export async function demoted(node: TestRedis): Promise<number> {
  await eventually(async () => ((await node.ask("ROLE")) as unknown[])[0] === "slave", {
    timeoutMs: 30_000,
    what: "the old master's demotion",
  });
  return Date.now();
}

/** The connections on which the services hear of what is new. */
export async function killFollowers(nodes: readonly TestRedis[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.ask("CLIENT", "KILL", "TYPE", "pubsub")));
}

function decode(topic: string, raw: unknown): Entry[] {
  return (raw as RawEntry[]).map((entry) => entryOf(topic, entry));
}
