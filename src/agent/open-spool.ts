import { randomUUID } from "node:crypto";
import { DiskBatchStore } from "./disk-batch-store.ts";
import type { AgentOptions } from "./options.ts";
import { Spool } from "./spool.ts";
import { openSpoolDirectory, openSpoolSlot, type SpoolPlace } from "./spool-directory.ts";

export interface OpenSpool extends Disposable {
  readonly spool: Spool;
  /** Undefined = in memory alone. */
  readonly directory: string | undefined;
}

/** The agent's spool, with what an earlier agent has left; in memory, and said so, where there can be none on disk. */
export function openSpool(options: AgentOptions, say: (text: string) => void): OpenSpool {
  const { name, bufferBytes, spool: wanted } = options;
  const base = { name, run: randomUUID(), memoryMaxBytes: bufferBytes, say };
  let place: SpoolPlace | undefined;
  try {
    if (wanted)
      place = wanted.slots ? openSpoolSlot(wanted.directory) : openSpoolDirectory(wanted.directory);
    const disk = place &&
      wanted && { store: new DiskBatchStore(place.directory), maxBytes: wanted.maxBytes };
    return opened(new Spool({ ...base, disk }), place);
  } catch (error) {
    place?.lock[Symbol.dispose]();
    const why = (error as Error).message;
    say(`there is no spool on disk (${why}): lines are kept in memory, and lost with the agent`);
    return opened(new Spool({ ...base, disk: undefined }), undefined);
  }
}

function opened(spool: Spool, place: SpoolPlace | undefined): OpenSpool {
  return {
    spool,
    directory: place?.directory,
    [Symbol.dispose]: () => {
      spool.close();
      place?.lock[Symbol.dispose]();
    },
  };
}
