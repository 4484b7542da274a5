import { createHash } from "node:crypto";
import type { Stamp } from "../law/seen.ts";
import { traitsOf } from "./traits.ts";

/** What every event of a run carries, wherever its kind of topic puts it. */
export interface Payload {
  readonly mark: string;
  readonly sentAt: number;
  readonly pad: string;
}

/** The type of events on `app` topics. */
export const APP_TYPE = "tick";

/** As a publish route of the topic's kind takes it. */
export function bodyOf(topic: string, payload: Payload): object {
  const { pad, ...rest } = payload;
  switch (topic.slice(0, topic.indexOf(":"))) {
    case "logs": {
      const { level, word } = traitsOf(payload.mark);
      return { level, message: `${word} ${pad}`, fields: rest };
    }
    case "status":
      return { phase: "Running", ...payload };
    case "notifications": {
      const channel = /^notifications:channel:(.+)$/.exec(topic)?.[1];
      return { to: channel ? { channel } : "all", title: "chaos", data: payload };
    }
    default:
      return { type: APP_TYPE, data: payload };
  }
}

/** The stamp of an event as a reader was given it. @throws where it carries none */
export function stampOf(topic: string, data: unknown): Stamp {
  return stamp(payloadOf(topic, data));
}

export function stamp({ mark, sentAt, pad }: Payload): Stamp {
  const digest = createHash("sha1").update(`${mark} ${sentAt} ${pad}`).digest("base64url");
  return { mark, sentAt, digest: digest.slice(0, 12) };
}

/** The stamp of a line of a text log: what the line shows is the message, and then the fields. */
export function stampOfLine(line: string): Stamp {
  const match = /^\S+ (?:INFO|WARN|ERROR) +\w+ (.*) (\{"mark".*\})$/.exec(line);
  if (!match) throw new Error(`a log line without a mark: ${line.slice(0, 200)}`);
  const rest = JSON.parse(match[2]!) as Omit<Payload, "pad">;
  return stamp({ ...rest, pad: match[1]! });
}

function payloadOf(topic: string, data: unknown): Payload {
  const found = find(topic, data);
  if (typeof found.mark !== "string" || typeof found.pad !== "string")
    throw new Error(`${topic}: an event without a mark: ${JSON.stringify(data).slice(0, 200)}`);
  return found;
}

function find(topic: string, data: unknown): Payload {
  if (topic.startsWith("logs:")) {
    const { message, fields } = data as { message: string; fields: Omit<Payload, "pad"> };
    return { ...fields, pad: message.slice(message.indexOf(" ") + 1) };
  }
  if (topic.startsWith("notifications:")) return (data as { data: Payload }).data;
  return data as Payload;
}
