import { measured, rounded } from "./benchmark-figures.ts";

/** What the guide assumes of a million connections, and what it takes from the manifests. */
export interface Assumptions {
  readonly connectionsOfPod: number;
  readonly gibOfPod: number;
  readonly heartbeatSeconds: number;
  readonly auditSeconds: number;
  readonly probeSeconds: number;
  readonly minReadySeconds: number;
}

const CONNECTIONS = 1_000_000;
const TOPICS = 10_000;
const READERS_OF_TOPIC = CONNECTIONS / TOPICS;
const PUBLISHES = TOPICS / 10;
const ANSWERS = CONNECTIONS / 100;
const TOKENS_OF_ANSWER = 500;
const TOKENS_A_SECOND = 30;
/** Measured once, with one reader a topic. */
const MESSAGES_OF_CORE = 20_000;
const BYTES_OF_KEPT_ANSWER = 50_000;
const STREAMS_OF_GATEWAY = 20_000;
/** A pod's start and end, beside the time that it has to be ready. */
const SECONDS_OF_POD = 10;

/** A benchmark's figure as the guide shows it. */
const shown = (path: string, digits: number): number => Number(measured(path).toPrecision(digits));

/** What each row of the guide's table has to say, by its name, in the order in which it says it. */
export function million(assumed: Assumptions): Readonly<Record<string, readonly string[]>> {
  const pods = Math.ceil(CONNECTIONS / assumed.connectionsOfPod);
  const podsOfTopic = pods * (1 - (1 - 1 / pods) ** READERS_OF_TOPIC);
  const messages = Number((PUBLISHES * podsOfTopic).toPrecision(2));
  const appends = ANSWERS * TOKENS_A_SECOND;
  const newAnswers = appends / TOKENS_OF_ANSWER;
  const streamKb = shown("connections.kb", 3);
  const tokensOfCore = shown("tokens-redis.perCpuSecond", 2);
  const masters = 2 * Math.ceil(appends / shown("publish.perSecond", 2));
  const kept = newAnswers * 3_600 + ANSWERS;
  const answersGb = Number(((kept * BYTES_OF_KEPT_ANSWER) / 1e9).toPrecision(2));
  const endsBySeconds = (maxAgeSeconds: number) => CONNECTIONS / (0.9 * maxAgeSeconds);
  const followed = TOPICS * Math.round(podsOfTopic);
  const podSeconds = assumed.minReadySeconds + SECONDS_OF_POD;
  const surge = Math.ceil(pods / 10);
  const n = (value: number, digits: number) => rounded(value, digits);
  return {
    pods: [
      n(pods, 3),
      `${assumed.gibOfPod} GiB`,
      `${n(pods * assumed.gibOfPod, 3)} GiB`,
      "58 of 2.5 GiB",
    ],
    "memory of streams": [
      `${n((CONNECTIONS * streamKb) / 1e6, 3)} GB`,
      `${n((assumed.connectionsOfPod * streamKb) / 1e3, 2)} MB a pod`,
    ],
    heartbeats: [
      `${n(CONNECTIONS / assumed.heartbeatSeconds, 3)} writes`,
      `${n(CONNECTIONS / assumed.heartbeatSeconds / pods, 3)} a pod`,
    ],
    "messages to processes": [
      n(messages, 2),
      n(appends, 2),
      `${Math.round(podsOfTopic)} of the ${pods}`,
    ],
    deliveries: [
      `${n(messages / MESSAGES_OF_CORE, 2)} cores`,
      `${n((PUBLISHES * READERS_OF_TOPIC) / messages, 2)} readers`,
    ],
    answers: [
      `${n(appends / tokensOfCore, 2)} cores`,
      `${n(appends / tokensOfCore / pods, 2)} a pod`,
      `${n((ANSWERS / pods) * 0.45, 2)} MB a pod`,
      `(${n(appends / shown("chats-many-redis.perCpuSecond", 2), 2)} as NDJSON`,
    ],
    "one event to all at once": [
      `${n((assumed.connectionsOfPod / shown("single.perCpuSecond", 2)) * 1e3, 2)} ms`,
    ],
    "streams that end by age": [
      `${n(endsBySeconds(600), 3)} a second`,
      `${n(endsBySeconds(600) / pods, 2)} a pod`,
      `makes it ${n(endsBySeconds(3_000), 2)}`,
    ],
    "masters of Redis": [
      `${masters} at least`,
      `= ${n(appends / shown("publish.perSecond", 2), 2)}`,
      `${n((messages + appends) / masters, 2)} messages`,
    ],
    "memory of Redis": [
      `${answersGb} GB`,
      `${2 * answersGb} GB`,
      `${n(kept, 3)} answers`,
      `${n(answersGb / masters, 1)} GB a master`,
    ],
    audits: [`${n(followed / assumed.auditSeconds, 2)} reads`, `${n(followed, 2)} followed`],
    probes: [
      `${n((pods * masters) / assumed.probeSeconds, 2)} a second`,
      `${pods} pods × ${masters}`,
    ],
    gateway: [`${CONNECTIONS / STREAMS_OF_GATEWAY} pods`],
    "a rollout": [
      `${n((pods * podSeconds) / 3_600, 1)} hours`,
      `${podSeconds} s`,
      `${assumed.minReadySeconds}, so`,
      `${n((Math.ceil(pods / surge) * podSeconds) / 60, 2)} minutes`,
    ],
  };
}
