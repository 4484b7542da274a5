import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { BatchHeader, BatchStore, StoredBatch } from "./batch-store.ts";
import { makePrivateDirectory } from "./private-directory.ts";
import { encodeHeader, encodeRecord, tryDecodeFile } from "./spool-file.ts";

const FILE_PATTERN = /^(\d{12})\.batch$/;
const NUMBER_DIGITS = 12;
/** What programs print may be secret. */
const FILE_MODE = 0o600;
/** As much as a program's output brings at once. */
const PROBE_BYTES = 64 * 1024;

/**
 * Batches on disk, one file each; a batch is acknowledged by the removal of its file, which works on a full disk too.
 *
 * It writes while the caller waits: into the system's memory, which takes microseconds, so that what a person has seen
 * of a line, or the server, is kept whatever becomes of the agent. There is no fsync: see the README on power cuts.
 */
export class DiskBatchStore implements BatchStore {
  readonly #directory: string;
  #open: { readonly number: number; readonly file: number } | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The numbers of the batches that are here, oldest first. What was being replaced when an agent died is cleared. */
  numbers(): number[] {
    makePrivateDirectory(this.#directory);
    const names = readdirSync(this.#directory);
    for (const name of names.filter((name) => name.endsWith(".new")))
      rmSync(join(this.#directory, name), { force: true });
    return names
      .map((name) => FILE_PATTERN.exec(name)?.[1])
      .filter((digits) => digits !== undefined)
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** Cuts what is no whole record off a batch. */
  cut(number: number, tornBytes: number): void {
    const path = this.#path(number);
    truncateSync(path, statSync(path).size - tornBytes);
  }

  /** @throws where nothing can be written at the moment */
  probe(): void {
    const path = join(this.#directory, "probe.new");
    makePrivateDirectory(this.#directory);
    try {
      writeFileSync(path, Buffer.alloc(PROBE_BYTES), { mode: FILE_MODE });
    } finally {
      rmSync(path, { force: true });
    }
  }

  /** Bytes of the batch's file. */
  size(number: number): number {
    return statSync(this.#path(number)).size;
  }

  create(number: number, header: BatchHeader): number {
    if (this.#open) this.seal(this.#open.number);
    const file = this.#create(number);
    try {
      const record = encodeHeader(header);
      writeWhole(file, record);
      this.#open = { number, file };
      return record.length;
    } catch (error) {
      closeSync(file);
      rmSync(this.#path(number), { force: true });
      throw error;
    }
  }

  append(number: number, lines: Buffer): number {
    if (this.#open?.number !== number) throw new Error(`batch ${number} is sealed`);
    const record = encodeRecord(lines);
    writeWhole(this.#open.file, record);
    return record.length;
  }

  seal(number: number): void {
    if (this.#open?.number !== number) return;
    const { file } = this.#open;
    this.#open = undefined;
    try {
      closeSync(file);
    } catch {
      // A network's file system may say here that it could not write: the checksums show what there is.
    }
  }

  /** Undefined where even the header is torn. @throws where it cannot be read, or is of another format */
  tryRead(number: number): StoredBatch | undefined {
    return tryDecodeFile(readFileSync(this.#path(number)));
  }

  read(number: number): StoredBatch {
    const batch = this.tryRead(number);
    if (!batch) throw new Error("its header is torn");
    return batch;
  }

  replace(number: number, header: BatchHeader, body: Buffer): number {
    const path = this.#path(number);
    const bytes = Buffer.concat([
      encodeHeader(header),
      ...(body.length > 0 ? [encodeRecord(body)] : []),
    ]);
    try {
      makePrivateDirectory(this.#directory);
      writeFileSync(`${path}.new`, bytes, { mode: FILE_MODE });
      renameSync(`${path}.new`, path);
    } catch (error) {
      rmSync(`${path}.new`, { force: true });
      throw error;
    }
    this.seal(number);
    return bytes.length;
  }

  remove(number: number): void {
    this.seal(number);
    rmSync(this.#path(number), { force: true });
  }

  #create(number: number): number {
    const path = this.#path(number);
    try {
      return openSync(path, "ax", FILE_MODE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      // Somebody has tidied up.
      makePrivateDirectory(this.#directory);
      return openSync(path, "ax", FILE_MODE);
    }
  }

  #path(number: number): string {
    return join(this.#directory, `${String(number).padStart(NUMBER_DIGITS, "0")}.batch`);
  }
}

/** A disk that fills up takes a part first, and says so only of the next one: that part is cut off again. */
function writeWhole(file: number, bytes: Buffer): void {
  const before = fstatSync(file).size;
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  } catch (error) {
    ftruncateSync(file, before);
    throw error;
  }
}
