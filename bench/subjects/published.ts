import type { IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";

/** An event as it is published to the peers. */
export interface Published {
  readonly type: string;
  readonly data: unknown;
}

/** The events of one publish: a document, or an array of them. */
export async function readPublished(request: IncomingMessage): Promise<readonly Published[]> {
  const body = (await json(request)) as Published | Published[];
  return Array.isArray(body) ? body : [body];
}
