import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** How a client leaves. */
export const CUTS = ["unheard", "reset", "close", "half-close", "to-the-end"] as const;
export type Cut = (typeof CUTS)[number];

/** Longer than any answer of a healthy service takes. */
const PATIENCE_MS = 20_000;

/**
 * Sends a request as bytes and leaves: before any answer, by a reset or a close after the first bytes, by a FIN alone
 * that is followed by a close, or when the server has ended.
 */
export async function connectAndCut(port: number, request: string, cut: Cut): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error("no answer")));
  let failure: Error | undefined;
  socket.on("timeout", () => (failure = new Error(`${cut}: nothing came for ${PATIENCE_MS} ms`)));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(request);
  if (cut === "unheard") {
    await once(socket, "connect");
    socket.resetAndDestroy();
  } else {
    socket.once("data", () => leave(socket, cut));
    socket.resume();
  }
  await closed;
  if (failure) throw failure;
}

function leave(socket: Socket, cut: Cut): void {
  if (cut === "reset") socket.resetAndDestroy();
  else if (cut === "close") socket.destroy();
  else if (cut === "half-close") socket.end(() => socket.destroy());
}
