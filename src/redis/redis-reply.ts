import { logUnavailable, ServiceError } from "../errors.ts";

/** Replies by which Redis says that it cannot now; each leaves everything as it was. */
const PASSING =
  /^(LOADING|READONLY|OOM|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS|MISCONF|BUSY)\b/;

export function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

/** The result of a command, or ServiceError `log-unavailable` when Redis did not answer it, or cannot now. */
export async function reply<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    // Any other reply is a fault of ours.
    if (isReplyError(error) && !PASSING.test(error.message)) throw error;
    throw logUnavailable(error);
  }
}
