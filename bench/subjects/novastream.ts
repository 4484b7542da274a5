import { fileURLToPath } from "node:url";
import type { ChatSurface, Subject, SubjectName, Surface } from "./subject.ts";

/** The built service. */
export const SERVICE = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
/** Where it is asked for an answer; for a UI message stream, the AI SDK's clients ask the peers at the same path. */
export const CHAT: ChatSurface = { path: "/api/v1/ai/chat", dialect: "prompt" };
export const UI_CHAT: ChatSurface = { path: "/api/chat", dialect: "ui-message" };
/** What is replayed, and the key under which the service keeps it. */
export const REPLAY_TOPIC = "app:replay";
export const REPLAY_KEY = `novastream:{${REPLAY_TOPIC}}`;

const stream = (topic: string, query = ""): Surface => ({
  protocol: "sse",
  readPath: `/api/v1/events?topic=${topic}${query}`,
  publishPath: `/api/v1/topics/${topic}/events`,
  body: "json",
  greeting: "event: live\n",
});

const CONSOLE: Surface = {
  protocol: "websocket",
  readPath: "/ws/wukong/bench",
  publishPath: "/api/v1/wukongs/bench/status",
  body: "status",
  greeting: '"type":"live"',
};

/** The service as it ships, without the limits that a benchmark would run into. */
const service = (name: SubjectName, surface: Surface): Subject => ({
  name,
  surface,
  command: (port, { modelDelayMs, redisUrl }) => ({
    file: process.execPath,
    args: [SERVICE],
    env: {
      HOST: "127.0.0.1",
      PORT: String(port),
      LOG_LEVEL: "warn",
      MAX_CONNECTIONS: "1000000",
      CHAT_MAX_GENERATIONS: "0",
      // The load comes from this very machine: overload is what is measured, and nobody is to be turned away.
      OVERLOAD_EVENT_LOOP_DELAY: "0",
      MAX_CONNECTION_AGE: "24h",
      AI_DEMO_DELAY: `${modelDelayMs}ms`,
      ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
    },
  }),
});

/** One service, as it is read in the various trials. */
export const NOVASTREAM: readonly Subject[] = [
  service("novastream", stream("app:bench")),
  service("novastream-console", CONSOLE),
  service("novastream-redis", stream(REPLAY_TOPIC, "&from=earliest")),
  service("plain-get", { ...stream("app:bench"), readPath: "/livez" }),
];
