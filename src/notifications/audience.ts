import { channelTopic, everybodyTopic, type Topic, userTopic } from "../log/topic.ts";
import type { Notification } from "../wire/publish.ts";

/** The topic that a notification goes to. */
export function topicOf(to: Notification["to"]): Topic {
  if (to === "all") return everybodyTopic();
  return "user" in to ? userTopic(to.user) : channelTopic(to.channel);
}

/** The topics of what a principal is to see: what goes to all, to them, and to the channels that they ask for. */
export function topicsFor(principal: string, channels: readonly string[]): Topic[] {
  return [...new Set([everybodyTopic(), userTopic(principal), ...channels.map(channelTopic)])];
}
