/** Before the number of an event, in its text, and nowhere else in what a subject sends. */
export const NUMBER_MARK = "#";

const MARK = NUMBER_MARK.charCodeAt(0);
const [ZERO, NINE] = [0x30, 0x39];

/** The number of an event, of its text. */
export function numberOf(text: string): number {
  return Number.parseInt(text.slice(text.lastIndexOf(NUMBER_MARK) + 1), 10);
}

/** Finds the number of one event after the other in bytes that may be cut anywhere: one comparison a byte, no text made. */
export class EventNumber {
  #phase: "text" | "digits" | "found" = "text";
  #value = 0;

  /** The number of the event that is being read; undefined until it has come whole. */
  get value(): number | undefined {
    return this.#phase === "found" ? this.#value : undefined;
  }

  /** @returns where it has stopped: behind the number, or at `end` where it is not whole yet */
  read(bytes: Uint8Array, from: number, end: number): number {
    let i = from;
    if (this.#phase === "text") {
      while (i < end && bytes[i] !== MARK) i++;
      if (i === end) return end;
      this.#phase = "digits";
      this.#value = 0;
      i++;
    }
    for (; i < end; i++) {
      const byte = bytes[i]!;
      if (byte < ZERO || byte > NINE) {
        this.#phase = "found";
        return i;
      }
      this.#value = this.#value * 10 + byte - ZERO;
    }
    return end;
  }

  /** For the next event. */
  reset(): void {
    this.#phase = "text";
  }
}
