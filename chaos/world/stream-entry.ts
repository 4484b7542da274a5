import { stampOf } from "../clients/payload.ts";
import type { Entry } from "../law/history.ts";

/** The stream in which the log keeps a topic. */
export const streamKey = (topic: string): string => `novastream:{${topic}}`;

/** An entry of XRANGE: its id and its fields, flat. */
export type RawEntry = readonly [id: string, fields: readonly string[]];

export function entryOf(topic: string, [id, fields]: RawEntry): Entry {
  const data = fields[fields.indexOf("d") + 1]!;
  const { mark, digest } = stampOf(topic, JSON.parse(data));
  return { id, mark, digest };
}
