import { BatchQueue, missingSlot, type Slot } from "./batch-queue.ts";
import type { BatchHeader, BatchStore } from "./batch-store.ts";
import type { DiskBatchStore } from "./disk-batch-store.ts";
import type { LogEntry } from "./log-entry.ts";
import { isOwnWord, missingEntry, type MissingLines } from "./missing-lines.ts";
import { SpoolHealth } from "./spool-health.ts";
import { recoverSpool } from "./spool-recovery.ts";
import type { Refusal } from "./verdict.ts";

/** Of one batch: small enough to be repeated without regret, large enough for a program that talks a lot. */
export const BATCH_MAX_LINES = 1_000;
export const BATCH_MAX_BYTES = 256 * 1024;
/** Of what a store may hold: dropping goes by batches, so a small store has small ones. */
const BATCH_SHARE = 1 / 8;

/** Lines that are sent together, under a key by which the server knows their repetition. */
export interface Batch {
  readonly name: string;
  readonly key: string;
  /** NDJSON. */
  readonly body: Buffer<ArrayBuffer>;
  readonly lines: number;
}

export interface SpoolOptions {
  readonly name: string;
  /** Unique to this run of the agent: two runs' keys must not meet. */
  readonly run: string;
  /** Undefined = memory alone. */
  readonly disk: { readonly store: DiskBatchStore; readonly maxBytes: number } | undefined;
  readonly memoryMaxBytes: number;
  readonly say: (text: string) => void;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

/**
 * What the server has not acknowledged yet, in order, cut into batches: the first is the sender's, lines are added to
 * the last. On disk as far as that goes, else in memory.
 *
 * A batch has its key from its start, and its bytes do not change any more once it has been handed out. So it can be
 * sent again, by whichever agent, and the server skips what it has.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #health: SpoolHealth;
  readonly #queue: BatchQueue;
  #open: Slot | undefined;
  #nextNumber = 1;
  #keys = 0;

  /** @throws where the disk's directory cannot be read */
  constructor(options: SpoolOptions) {
    const { disk, memoryMaxBytes, say, now = () => performance.now() } = options;
    this.#options = options;
    this.#health = new SpoolHealth({ say, now });
    const newKey = (): string => this.#newKey();
    this.#queue = new BatchQueue({ disk, memoryMaxBytes, health: this.#health, newKey });
    if (disk) this.#recover(disk.store);
  }

  /** The program's lines that wait, here and there. */
  get waitingLines(): { readonly onDisk: number; readonly inMemory: number } {
    let [onDisk, inMemory] = [0, 0];
    for (const { header, store, lines } of this.#queue.slots) {
      if (header.missing) continue;
      if (store === this.#queue.memory) inMemory += lines;
      else onDisk += lines;
    }
    return { onDisk, inMemory };
  }

  get bytes(): number {
    return this.#queue.slots.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Lines dropped or refused since this agent's start. */
  get droppedLines(): number {
    return this.#queue.droppedLines;
  }

  /** Why lines are kept in memory and not on disk. */
  get trouble(): string | undefined {
    return this.#health.trouble;
  }

  get isEmpty(): boolean {
    return this.#queue.slots.length === 0;
  }

  get hasFullBatch(): boolean {
    const { slots } = this.#queue;
    return slots.length > 1 || slots[0]?.open === false;
  }

  /** They are kept when it returns. */
  add(entries: readonly LogEntry[]): void {
    this.tend();
    for (let start = 0; start < entries.length;) {
      const slot = this.#open ?? this.#openBatch();
      const count = this.#fitting(slot, entries, start);
      if (count === 0) this.#seal();
      else if (this.#append(slot, entries.slice(start, start + count))) start += count;
    }
  }

  /** The first batch, to be sent: it is the same until it is acknowledged or refused. Undefined = all is in. */
  take(): Batch | undefined {
    const head = this.#queue.slots[0];
    if (!head) return undefined;
    if (head === this.#open) this.#seal();
    const body = this.#read(head);
    const { name, key } = head.header;
    return { name, key, body, lines: head.lines };
  }

  /** The server has the first batch. */
  acknowledge(): void {
    this.#queue.remove(this.#queue.slots[0]!);
  }

  /** One bad line costs only itself, where the server says which it is; else it costs what is not in of the batch. */
  refuse({ lines, line = 0 }: Refusal): void {
    const head = this.#queue.slots[0]!;
    const jsons = linesOf(this.#read(head));
    const fault = line > lines ? jsons[line - 1] : undefined;
    // A server that refuses even the word that lines are missing would be asked for ever.
    if (fault !== undefined && !isOwnWord(fault)) {
      const word = missingEntry(refused([fault]), new Date().toISOString()).json;
      this.#queue.droppedLines++;
      this.#queue.rewrite(head, [...jsons.slice(lines, line - 1), word, ...jsons.slice(line)]);
      return;
    }
    const rest = jsons.slice(lines).filter((json) => !isOwnWord(json));
    if (rest.length === 0) return this.#queue.remove(head);
    this.#queue.droppedLines += rest.length;
    this.#queue.standIn(head, refused(rest));
  }

  /** Moves what is in memory to the disk once that works again. To be called now and then while lines wait. */
  tend(): void {
    const { disk } = this.#options;
    if (!disk || !this.#health.trouble || !this.#health.mayTry) return;
    const { memory, slots } = this.#queue;
    try {
      disk.store.probe();
      for (const slot of slots.filter(({ store }) => store === memory)) {
        if (slot.open) this.#seal();
        const { body } = memory.read(slot.number);
        const bytes = disk.store.replace(slot.number, slot.header, body);
        memory.remove(slot.number);
        this.#queue.place(slot, disk.store, bytes);
      }
      this.#health.worked();
    } catch (error) {
      this.#health.failed(error);
    }
    this.#queue.enforce(disk.store);
  }

  /** Nothing is added any more. */
  close(): void {
    this.#seal();
    this.tend();
  }

  #recover(store: DiskBatchStore): void {
    const { batches, tornBytes, cutTorn, nextNumber } = recoverSpool(store, this.#options.say);
    this.#nextNumber = nextNumber;
    for (const { number, stored, bytes } of batches) {
      const { header, body, lines } = stored;
      const { from, to } = header.missing ?? rangeOf(linesOf(body));
      const slot = { number, header, store, bodyBytes: body.length, lines, from, to, open: false };
      this.#queue.push(slot, bytes);
    }
    if (tornBytes > 0) {
      this.#options.say(`the spool's last ${tornBytes} bytes were torn, and have been cut off`);
      const slot = this.#openBatch();
      this.#seal();
      this.#queue.standIn(slot, { reason: "torn", dropped: null, bytes: tornBytes });
      cutTorn();
    }
    this.#queue.enforce(store);
  }

  #openBatch(): Slot {
    const number = this.#nextNumber++;
    const header = { name: this.#options.name, key: this.#newKey() };
    const { store, bytes } = this.#create(number, header);
    const nothing = { bodyBytes: 0, lines: 0, from: undefined, to: undefined };
    this.#open = this.#queue.push({ number, header, store, ...nothing, open: true }, bytes);
    return this.#open;
  }

  #create(number: number, header: BatchHeader): { store: BatchStore; bytes: number } {
    const { disk } = this.#options;
    if (disk && !this.#health.trouble) {
      try {
        return { store: disk.store, bytes: disk.store.create(number, header) };
      } catch (error) {
        this.#health.failed(error);
      }
    }
    const { memory } = this.#queue;
    return { store: memory, bytes: memory.create(number, header) };
  }

  /** @returns false where the disk did not take them: the batch ends here, and the next one is elsewhere */
  #append(slot: Slot, entries: readonly LogEntry[]): boolean {
    const body = Buffer.from(entries.map(({ json }) => `${json}\n`).join(""));
    try {
      const grown = slot.store.append(slot.number, body);
      this.#queue.place(slot, slot.store, slot.bytes + grown);
    } catch (error) {
      this.#health.failed(error);
      this.#seal();
      if (slot.lines === 0) this.#queue.remove(slot);
      return false;
    }
    slot.bodyBytes += body.length;
    slot.lines += entries.length;
    slot.from ??= entries[0]!.time;
    slot.to = entries.at(-1)!.time;
    this.#queue.enforce(slot.store);
    return true;
  }

  /** How many of the entries still belong to this batch; of an empty one, at least one. */
  #fitting(slot: Slot, entries: readonly LogEntry[], start: number): number {
    const maxBytes = Math.min(BATCH_MAX_BYTES, this.#queue.maxBytes(slot.store) * BATCH_SHARE);
    let count = 0;
    for (let bytes = slot.bodyBytes; start + count < entries.length; count++) {
      if (slot.lines + count === BATCH_MAX_LINES) break;
      bytes += entries[start + count]!.bytes;
      if (bytes > maxBytes && slot.lines + count > 0) break;
    }
    return count;
  }

  #seal(): void {
    if (!this.#open) return;
    this.#open.open = false;
    this.#open.store.seal(this.#open.number);
    this.#open = undefined;
  }

  #read(slot: Slot): Buffer<ArrayBuffer> {
    try {
      const { body, lines } = slot.store.read(slot.number);
      if (lines === slot.lines) return body;
      throw new Error(`batch ${slot.number} holds ${lines} lines, and not ${slot.lines}`);
    } catch (error) {
      const { missing } = slot.header;
      this.#options.say(`${slot.lines} lines are lost: ${(error as Error).message}`);
      if (!missing) this.#queue.droppedLines += slot.lines;
      return this.#queue.standIn(slot, missing ?? missingSlot(slot, "unreadable"));
    }
  }

  #newKey(): string {
    return `${this.#options.run}-${++this.#keys}`;
  }
}

function linesOf(body: Buffer): string[] {
  return body.toString().trimEnd().split("\n");
}

function rangeOf(jsons: readonly string[]): { from: string | undefined; to: string | undefined } {
  const timeOf = (json: string): string | undefined => (JSON.parse(json) as { time?: string }).time;
  return { from: timeOf(jsons[0]!), to: timeOf(jsons.at(-1)!) };
}

function refused(jsons: readonly string[]): MissingLines {
  const bytes = jsons.reduce((sum, json) => sum + Buffer.byteLength(json) + 1, 0);
  return { reason: "refused", dropped: jsons.length, bytes, ...rangeOf(jsons) };
}
