/** What a log line is beside its payload, by which filters tell it from others; the mark alone decides it. */
export interface Traits {
  readonly level: "info" | "warn" | "error";
  /** Begins the message. */
  readonly word: "hay" | "needle";
}

/** The publisher of the last event of each topic, which every filter lets through. */
export const LAST_PUBLISHER = "last";

export function traitsOf(mark: string): Traits {
  const [publisher, sequence] = mark.split("/") as [string, string];
  const n = Number(sequence);
  if (publisher === LAST_PUBLISHER) return { level: "error", word: "needle" };
  return {
    level: n % 4 === 0 ? "error" : n % 4 === 1 ? "warn" : "info",
    word: n % 3 === 0 ? "needle" : "hay",
  };
}
