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

/** Whoever measures how long things take. */
export interface Listener {
  readonly onEvent: (topic: string, stamp: Stamp) => void;
  /** Of a gap, or of dropped events. */
  readonly onNotice: (topic: string) => void;
}

/** Keeps what one reader is told, and its cursor. */
export class Notebook {
  readonly #topics: readonly string[];
  readonly #listener: Listener;
  readonly #seen: Seen[] = [];
  /** The id of the last frame that had one. */
  cursor = "";
  connections = 0;
  /** Of the last event on the latest connection. */
  lastMark: string | undefined;

  constructor(topics: readonly string[], listener: Listener) {
    this.#topics = [...topics].sort();
    this.#listener = listener;
  }

  connected(): void {
    this.connections++;
    this.lastMark = undefined;
    this.#seen.push({ kind: "connected" });
  }

  /** @returns true of the stream's last words */
  take({ id, type, topic: named, data }: Frame): boolean {
    if (id) this.cursor = id;
    const cursor = id ?? "";
    if (type === "gap") {
      const { topic, from, to, missed, reason } = data as Gap;
      this.#seen.push({ kind: "gap", topic, cursor, from, to, missed, reason });
      this.#listener.onNotice(topic);
    } else if (type === "dropped") {
      const { topic, from, to, count } = data as Dropped;
      this.#seen.push({ kind: "dropped", topic, cursor, from, to, count });
      this.#listener.onNotice(topic);
    } else if (CONTROLS.has(type)) {
      if (id) this.#seen.push({ kind: "cursor", cursor });
    } else {
      const topic = named ?? notified(data) ?? this.#topics[0]!;
      const stamp = type === "line" ? stampOfLine(data as string) : stampOf(topic, data);
      const { mark, digest } = stamp;
      this.#seen.push({ kind: "event", topic, cursor, stamp: { mark, digest } });
      this.lastMark = mark;
      this.#listener.onEvent(topic, stamp);
    }
    return type === "closed";
  }

  account(
    about: Pick<Account, "reader" | "transport" | "fromEarliest" | "resumes" | "wants">,
  ): Account {
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
