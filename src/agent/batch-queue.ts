import type { BatchHeader, BatchStore } from "./batch-store.ts";
import { MemoryBatchStore } from "./memory-batch-store.ts";
import { missingEntry, type MissingLines, type MissingReason, tryMerge } from "./missing-lines.ts";
import type { SpoolHealth } from "./spool-health.ts";

/** One batch that waits. */
export interface Slot {
  readonly number: number;
  header: BatchHeader;
  store: BatchStore;
  /** In its store. */
  bytes: number;
  bodyBytes: number;
  lines: number;
  /** The times of the first line and the last. */
  from: string | undefined;
  to: string | undefined;
  /** Lines may still be added. */
  open: boolean;
}

export interface BatchQueueOptions {
  /** Undefined = memory alone. */
  readonly disk: { readonly store: BatchStore; readonly maxBytes: number } | undefined;
  readonly memoryMaxBytes: number;
  readonly health: SpoolHealth;
  /** A key that was never used before. */
  readonly newKey: () => string;
}

/**
 * Batches in order, on disk and in memory, both bounded.
 *
 * Where a bound is reached the oldest batch goes of those that were never sent, and a word stands in its place: oldest,
 * because the latest words of a program tell why it or the server is in trouble. The first batch stays: the server may
 * have it already, and would then be said to miss what it has.
 */
export class BatchQueue {
  readonly memory = new MemoryBatchStore();
  readonly #options: BatchQueueOptions;
  readonly #slots: Slot[] = [];
  readonly #used = new Map<BatchStore, number>();
  /** Lines that were dropped or refused. */
  droppedLines = 0;

  constructor(options: BatchQueueOptions) {
    this.#options = options;
  }

  get slots(): readonly Slot[] {
    return this.#slots;
  }

  push(slot: Omit<Slot, "bytes">, bytes: number): Slot {
    const pushed = { ...slot, bytes: 0 };
    this.#slots.push(pushed);
    this.place(pushed, slot.store, bytes);
    return pushed;
  }

  /** A batch is in this store now, with so many bytes. */
  place(slot: Slot, store: BatchStore, bytes: number): void {
    this.#used.set(slot.store, (this.#used.get(slot.store) ?? 0) - slot.bytes);
    slot.store = store;
    slot.bytes = bytes;
    this.#used.set(store, (this.#used.get(store) ?? 0) + bytes);
  }

  remove(slot: Slot): void {
    this.#slots.splice(this.#slots.indexOf(slot), 1);
    this.#tryRemove(slot);
    this.place(slot, slot.store, 0);
  }

  /** Other lines in the place of a batch, under another key. */
  rewrite(
    slot: Slot,
    jsons: readonly string[],
    stand: Partial<BatchHeader> = {},
  ): Buffer<ArrayBuffer> {
    const body = Buffer.from(jsons.map((json) => `${json}\n`).join(""));
    const header = { name: slot.header.name, key: this.#options.newKey(), ...stand };
    Object.assign(slot, { header, bodyBytes: body.length, lines: jsons.length });
    try {
      this.place(slot, slot.store, slot.store.replace(slot.number, header, body));
    } catch (error) {
      this.#options.health.failed(error);
      this.#tryRemove(slot);
      this.place(slot, this.memory, this.memory.replace(slot.number, header, body));
    }
    return body;
  }

  /** A word in the place of a batch, and of those before it from `covers` on. */
  standIn(slot: Slot, missing: MissingLines, covers = slot.number): Buffer<ArrayBuffer> {
    const word = missingEntry(missing, new Date().toISOString()).json;
    return this.rewrite(slot, [word], { missing, covers });
  }

  /** Drops what is too much for this store. */
  enforce(store: BatchStore): void {
    while ((this.#used.get(store) ?? 0) > this.maxBytes(store)) {
      const index = this.#slots.findIndex(
        (slot, at) => at > 0 && slot.store === store && !slot.open && !slot.header.missing,
      );
      if (index === -1) return;
      this.#drop(index);
    }
  }

  maxBytes(store: BatchStore): number {
    const { disk, memoryMaxBytes } = this.#options;
    return store === disk?.store ? disk.maxBytes : memoryMaxBytes;
  }

  #drop(index: number): void {
    const slot = this.#slots[index]!;
    this.droppedLines += slot.lines;
    const missing = missingSlot(slot, "overflow");
    const before = index > 1 ? this.#slots[index - 1]! : undefined;
    const merged = before?.header.missing && tryMerge(before.header.missing, missing);
    if (!before || !merged) return void this.standIn(slot, missing);
    this.standIn(slot, merged, before.header.covers);
    this.remove(before);
  }

  /** What cannot be removed is sent again by the next agent, under its key, which does no harm for a day. */
  #tryRemove({ store, number }: Slot): void {
    try {
      store.remove(number);
    } catch (error) {
      this.#options.health.failed(error);
    }
  }
}

/** What a batch's place says when its lines are lost. */
export function missingSlot(slot: Slot, reason: MissingReason): MissingLines {
  const { lines, bodyBytes, from, to } = slot;
  return { reason, dropped: lines, bytes: bodyBytes, from, to };
}
