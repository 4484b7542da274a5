import { type BatchHeader, type BatchStore, countLines, type StoredBatch } from "./batch-store.ts";

interface Held {
  readonly header: BatchHeader;
  readonly pieces: Buffer[];
}

/** Batches in memory: what they are lives as long as the agent does. */
export class MemoryBatchStore implements BatchStore {
  readonly #batches = new Map<number, Held>();

  create(number: number, header: BatchHeader): number {
    this.#batches.set(number, { header, pieces: [] });
    return 0;
  }

  append(number: number, lines: Buffer): number {
    this.#held(number).pieces.push(lines);
    return lines.length;
  }

  seal(): void {}

  read(number: number): StoredBatch {
    const { header, pieces } = this.#held(number);
    const body = Buffer.concat(pieces);
    return { header, body, lines: countLines(body), tornBytes: 0 };
  }

  replace(number: number, header: BatchHeader, body: Buffer): number {
    this.#batches.set(number, { header, pieces: [body] });
    return body.length;
  }

  remove(number: number): void {
    this.#batches.delete(number);
  }

  #held(number: number): Held {
    const held = this.#batches.get(number);
    if (!held) throw new Error(`there is no batch ${number}`);
    return held;
  }
}
