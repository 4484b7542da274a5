import { connect, type Socket } from "node:net";

const BUFFER_BYTES = 64 * 1024;
/** One for all: what is in it is counted before the next socket reads. */
export const shared = Buffer.alloc(BUFFER_BYTES);

/** @param onPiece told how much of `shared` has just been read */
export function openClientSocket(
  port: number,
  onPiece: (length: number) => void,
  onLost: (error: Error) => void,
): Socket {
  const callback = (length: number): boolean => {
    onPiece(length);
    return true;
  };
  const socket = connect({ port, host: "127.0.0.1", onread: { buffer: shared, callback } });
  // Before it is live a rejection; afterwards the events that do not come tell of it.
  const lost = (why: string): void => onLost(new Error(`A reader has lost its stream: ${why}.`));
  socket.on("error", (error) => lost(error.message));
  socket.on("close", () => lost("closed"));
  return socket;
}

/**
 * By a reset: thousands of sockets in TIME_WAIT would eat up the ports of the next round. Not once the subject has
 * ended the stream: libuv refuses to reset a socket that is shutting down, its handle then never closes, and Node
 * spins for ever when the process should end.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writable) socket.resetAndDestroy();
  else socket.destroy();
}
