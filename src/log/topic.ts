import { ServiceError } from "../errors.ts";
import { ID_PATTERN, NAME_PATTERN, USER_PATTERN } from "../wire/grammar.ts";

/** The kinds of topics; a kind decides retention, default start and who may do what. */
export const TOPIC_KINDS = [
  "status",
  "logs",
  "commands",
  "command",
  "audit",
  "notifications",
  "chat",
  "app",
] as const;

export type TopicKind = (typeof TOPIC_KINDS)[number];

/** A named, ordered sequence of events. Only this module makes one, so a Topic is always well-formed. */
export type Topic = string & { readonly __topic: true };

const GRAMMAR: readonly (readonly [prefix: string, rest: RegExp])[] = [
  ["status:", NAME_PATTERN],
  ["logs:", NAME_PATTERN],
  ["commands:", NAME_PATTERN],
  ["command:", ID_PATTERN],
  ["audit:", NAME_PATTERN],
  ["notifications:user:", USER_PATTERN],
  ["notifications:channel:", NAME_PATTERN],
  ["notifications:", /^all$/],
  ["chat:", ID_PATTERN],
  ["app:", NAME_PATTERN],
];

/** Undefined where the text is not in the grammar. */
export function tryTopic(text: string): Topic | undefined {
  for (const [prefix, rest] of GRAMMAR) {
    if (text.startsWith(prefix) && rest.test(text.slice(prefix.length))) return text as Topic;
  }
  return undefined;
}

/** @throws ServiceError `invalid-parameter` that names `field`. */
export function parseTopic(text: string, field = "topic"): Topic {
  const topic = tryTopic(text);
  if (topic) return topic;
  if (field !== "topic")
    throw new ServiceError("invalid-parameter", `${field} must match ${grammarOf(text)}.`, {
      field,
    });
  throw new ServiceError(
    "invalid-parameter",
    `Not a topic: ${JSON.stringify(text.slice(0, 80))}. Topics look like status:web-1, logs:web-1, app:orders or notifications:all.`,
    { field },
  );
}

/** The pattern of what follows the prefix that the text has. */
function grammarOf(text: string): string {
  return GRAMMAR.find(([prefix]) => text.startsWith(prefix))![1].source.slice(1, -1);
}

export function kindOf(topic: Topic): TopicKind {
  return topic.slice(0, topic.indexOf(":")) as TopicKind;
}

/** Whether topics of this kind come to an end by themselves: an answer, and what a command has put out. */
export function canClose(topic: Topic): boolean {
  const kind = kindOf(topic);
  return kind === "chat" || kind === "command";
}

export const statusTopic = (wukong: string): Topic => parseTopic(`status:${wukong}`, "name");
export const logsTopic = (wukong: string): Topic => parseTopic(`logs:${wukong}`, "name");
export const chatTopic = (generation: string): Topic =>
  parseTopic(`chat:${generation}`, "generation");
/** The reverse of `chatTopic`. */
export const generationOf = (topic: Topic): string => topic.slice("chat:".length);
export const everybodyTopic = (): Topic => parseTopic("notifications:all");
export const userTopic = (user: string): Topic => parseTopic(`notifications:user:${user}`, "user");
export const channelTopic = (channel: string): Topic =>
  parseTopic(`notifications:channel:${channel}`, "channel");
