import { crc32 } from "node:zlib";
import { type BatchHeader, countLines, type StoredBatch } from "./batch-store.ts";

/** Of the format; a file of another one is left alone. */
const VERSION = 1;
/** Length and CRC-32 of what follows, 32 bits each, big-endian. */
const RECORD_HEAD_BYTES = 8;

/** A record: whole, or not there. */
export function encodeRecord(payload: Buffer): Buffer {
  const record = Buffer.allocUnsafe(RECORD_HEAD_BYTES + payload.length);
  record.writeUInt32BE(payload.length, 0);
  record.writeUInt32BE(crc32(payload), 4);
  payload.copy(record, RECORD_HEAD_BYTES);
  return record;
}

/** The first record of a file. */
export function encodeHeader(header: BatchHeader): Buffer {
  return encodeRecord(Buffer.from(JSON.stringify({ version: VERSION, ...header })));
}

/** A file's bytes up to the last whole record → the batch; undefined where even the header is not whole. */
export function tryDecodeFile(bytes: Buffer): StoredBatch | undefined {
  const [first, ...rest] = records(bytes);
  if (!first) return undefined;
  const { version, ...header } = JSON.parse(first.toString()) as BatchHeader & { version: number };
  if (version !== VERSION) throw new Error(`its format is ${version}, and ours is ${VERSION}`);
  const whole = [first, ...rest].reduce((sum, { length }) => sum + RECORD_HEAD_BYTES + length, 0);
  const body = Buffer.concat(rest);
  return { header, body, lines: countLines(body), tornBytes: bytes.length - whole };
}

function records(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + RECORD_HEAD_BYTES <= bytes.length;) {
    const end = at + RECORD_HEAD_BYTES + bytes.readUInt32BE(at);
    const payload = bytes.subarray(at + RECORD_HEAD_BYTES, end);
    // A length of zero is what a power cut leaves of a file that grew: zeros.
    if (end > bytes.length || payload.length === 0) break;
    if (crc32(payload) !== bytes.readUInt32BE(at + 4)) break;
    found.push(payload);
    at = end;
  }
  return found;
}
