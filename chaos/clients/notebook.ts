import type { Account, Seen, Stamp } from "../law/seen.ts";
import type { Frame } from "./frame.ts";
import { CONTROLS } from "./decoders.ts";
import { stampOf, stampOfLine } from "./payload.ts";

interface Gap {
  readonly topic: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly missed: number | null;
  readonly reason: string;
}

interface Dropped {
  readonly topic: string;
  readonly from: string;
  readonly to: string;
  readonly count: number;
}

/** Keeps what one reader is told, and its cursor. */
export class Notebook {
  readonly #topics: readonly string[];
  readonly #onEvent: (topic: string, stamp: Stamp) => void;
  readonly #seen: Seen[] = [];
  /** The id of the last frame that had one. */
  cursor = "";
  connections = 0;

  /** @param onEvent called for each event, for whoever measures how long things take */
  constructor(topics: readonly string[], onEvent: (topic: string, stamp: Stamp) => void) {
    this.#topics = [...topics].sort();
    this.#onEvent = onEvent;
  }

  connected(): void {
    this.connections++;
    this.#seen.push({ kind: "connected" });
  }

  /** @returns true of the stream's last words */
  take({ id, type, topic: named, data }: Frame): boolean {
    if (id) this.cursor = id;
    const cursor = id ?? "";
    if (type === "gap") {
      const { topic, from, to, missed, reason } = data as Gap;
      this.#seen.push({ kind: "gap", topic, cursor, from, to, missed, reason });
    } else if (type === "dropped") {
      const { topic, from, to, count } = data as Dropped;
      this.#seen.push({ kind: "dropped", topic, cursor, from, to, count });
    } else if (CONTROLS.has(type)) {
      if (id) this.#seen.push({ kind: "cursor", cursor });
    } else {
      const topic = named ?? notified(data) ?? this.#topics[0]!;
      const stamp = type === "line" ? stampOfLine(data as string) : stampOf(topic, data);
      const { mark, digest } = stamp;
      this.#seen.push({ kind: "event", topic, cursor, stamp: { mark, digest } });
      this.#onEvent(topic, stamp);
    }
    return type === "closed";
  }

  account(about: Pick<Account, "reader" | "transport" | "fromEarliest" | "resumes">): Account {
    return { ...about, topics: this.#topics, seen: this.#seen };
  }
}

/** A stream of notifications names no topics; each says to whom it goes. */
function notified(data: unknown): string | undefined {
  const { to } = data as { to?: "all" | { user?: string; channel?: string } };
  if (to === undefined) return undefined;
  if (to === "all") return "notifications:all";
  return to.user ? `notifications:user:${to.user}` : `notifications:channel:${to.channel}`;
}
