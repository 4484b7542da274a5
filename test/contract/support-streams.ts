/** One event of an SSE stream as the standard parses it; `id` only where the event itself has one. */
export interface SseItem {
  id?: string;
  event?: string;
  data?: string;
  retry?: number;
}

/** The whole events of a stream, and how many comments stand between them. */
export function parseSse(text: string): SseItem[] {
  const blocks = text.split("\n\n");
  // What comes after the last blank line is not dispatched.
  blocks.pop();
  return blocks.map(parseBlock).filter((item) => Object.keys(item).length > 0);
}

function parseBlock(block: string): SseItem {
  const item: SseItem = {};
  for (const line of block.split("\n")) {
    const [, name, value] = /^(\w*):? ?(.*)$/s.exec(line) ?? [];
    if (name === "data") item.data = item.data === undefined ? value! : `${item.data}\n${value}`;
    else if (name === "retry") item.retry = Number(value);
    else if (name === "id" || name === "event") item[name] = value!;
    else if (!line.startsWith(":")) throw new Error(`not a field of SSE: ${JSON.stringify(line)}`);
  }
  return item;
}

/** The documents of an NDJSON stream; an empty line is a heartbeat, and a line without its end is not there yet. */
export function parseNdjson(text: string): unknown[] {
  return linesOf(text).map((line) => JSON.parse(line) as unknown);
}

export function linesOf(text: string): string[] {
  const lines = text.split("\n");
  lines.pop();
  return lines.filter((line) => line !== "");
}
