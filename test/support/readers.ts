import { EventSource } from "eventsource";
import { eventually } from "./wait.ts";

export interface Received {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

/** A reader that comes back whenever it is cut, and keeps what it has been given. */
export interface ResumingReader extends Disposable {
  readonly received: Received[];
  /** Control events: connected, live, gap, dropped, heartbeat, closed. */
  readonly controls: Received[];
  /** How often it has connected. */
  readonly connections: number;
  /** Set once it has given up. */
  readonly dead: boolean;
}

const CONTROLS = ["connected", "live", "gap", "dropped", "heartbeat", "closed"];

/** A native-like EventSource: it reconnects by itself, with Last-Event-ID, and dies of an error status. */
export function readWithEventSource(url: string, types: readonly string[]): ResumingReader {
  const received: Received[] = [];
  const controls: Received[] = [];
  let connections = 0;
  const source = new EventSource(url);
  source.addEventListener("open", () => connections++);
  for (const type of [...types, ...CONTROLS]) {
    source.addEventListener(type, ({ data, lastEventId }) => {
      (CONTROLS.includes(type) ? controls : received).push({
        id: lastEventId,
        type,
        data: JSON.parse(data) as unknown,
      });
    });
  }
  return {
    received,
    controls,
    get connections() {
      return connections;
    },
    get dead() {
      return source.readyState === source.CLOSED;
    },
    [Symbol.dispose]: () => source.close(),
  };
}

/** fetch and NDJSON, with a loop around it that resumes by query parameter. */
export function readWithFetch(url: string): ResumingReader {
  const received: Received[] = [];
  const controls: Received[] = [];
  const abort = new AbortController();
  let [connections, dead, cursor] = [0, false, ""];

  const readOnce = async (): Promise<void> => {
    const target = new URL(url);
    if (cursor) target.searchParams.set("last_event_id", cursor);
    const response = await fetch(target, {
      headers: { accept: "application/x-ndjson" },
      signal: abort.signal,
    });
    if (!response.ok) {
      dead = response.status < 500;
      throw new Error(`${response.status}: ${await response.text()}`);
    }
    connections++;
    let rest = "";
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (line === "") continue;
        const item = JSON.parse(line) as Received;
        if (item.id) cursor = item.id;
        (CONTROLS.includes(item.type) ? controls : received).push(item);
      }
    }
  };
  void (async () => {
    for (; !abort.signal.aborted;) {
      if (dead) return;
      await readOnce().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    received,
    controls,
    get connections() {
      return connections;
    },
    get dead() {
      return dead;
    },
    [Symbol.dispose]: () => abort.abort(),
  };
}

/** Resolves once the backlog has been sent: what is published from now on will be received. */
export async function isLive(reader: ResumingReader): Promise<void> {
  await eventually(() => reader.controls.some(({ type }) => type === "live"), {
    what: "a live reader",
  });
}
