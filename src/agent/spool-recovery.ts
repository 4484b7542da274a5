import type { StoredBatch } from "./batch-store.ts";
import type { DiskBatchStore } from "./disk-batch-store.ts";

export interface RecoveredBatch {
  readonly number: number;
  readonly stored: StoredBatch;
  /** Of its file. */
  readonly bytes: number;
}

export interface Recovery {
  /** What an earlier agent has left to be sent, oldest first. */
  readonly batches: readonly RecoveredBatch[];
  /** Of lines that it was writing when it was stopped. To be cut, with `cutTorn`, once that has been said. */
  readonly tornBytes: number;
  readonly cutTorn: () => void;
  /** Above the numbers of all files. */
  readonly nextNumber: number;
}

/** Reads what an earlier agent has left. @throws where the directory cannot be read */
export function recoverSpool(store: DiskBatchStore, say: (text: string) => void): Recovery {
  const numbers = store.numbers();
  const found: RecoveredBatch[] = [];
  const torn: { number: number; bytes: number; empty: boolean }[] = [];
  for (const number of numbers) {
    const bytes = store.size(number);
    const stored = tryRead(store, number, say);
    if (stored === "foreign") continue;
    const lines = stored === "torn" ? 0 : stored.lines;
    // A header alone is torn too: it is written just before the first lines are.
    const tornBytes = stored === "torn" || lines === 0 ? bytes : stored.tornBytes;
    if (tornBytes > 0) torn.push({ number, bytes: tornBytes, empty: lines === 0 });
    if (stored !== "torn" && lines > 0) found.push({ number, stored, bytes: bytes - tornBytes });
  }
  const covers = found.flatMap(({ number, stored: { header } }) =>
    header.covers === undefined ? [] : [{ from: header.covers, to: number }],
  );
  // An agent that was stopped in the middle of dropping had said that these are gone, and then not removed them all.
  const gone = found.filter(({ number }) =>
    covers.some(({ from, to }) => number >= from && number < to),
  );
  for (const { number } of gone) store.remove(number);
  return {
    batches: found.filter((batch) => !gone.includes(batch)),
    tornBytes: torn.reduce((sum, { bytes }) => sum + bytes, 0),
    cutTorn: () => {
      for (const { number, bytes, empty } of torn) {
        if (empty) store.remove(number);
        else store.cut(number, bytes);
      }
    },
    nextNumber: (numbers.at(-1) ?? 0) + 1,
  };
}

/** "foreign": not ours to read, and so not ours to remove. "torn": not even its header is whole. */
function tryRead(
  store: DiskBatchStore,
  number: number,
  say: (text: string) => void,
): StoredBatch | "foreign" | "torn" {
  try {
    return store.tryRead(number) ?? "torn";
  } catch (error) {
    say(`batch ${number} of the spool is left alone: ${(error as Error).message}`);
    return "foreign";
  }
}
